/* SPDX-License-Identifier: MIT */
#include "left_behind.h"

#include "expect.h"

#include <sys/syscall.h>

#define SHM "/dev/shm"
/* What this process makes a pool under where there are no unnamed files. */
#define TEMPORARY_FORMAT "keyshm-new.%d."

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

/* As getdents64(2) has it. */
struct directory_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static void append(char *text, size_t size, const char *line)
{
    size_t length = strlen(text);
    EXPECT((size_t)snprintf(text + length, size - length, "%s\n", line) < size - length);
}

/* By system calls, which allocate nothing: what the library's calls count is left as it is. The names with one of two
 * parts. */
static void read_directory(const char *path, const char *part, const char *other, char *ret_text, size_t size)
{
    _Alignas(struct directory_entry) char buffer[8192];
    long length;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(fd >= 0);
    ret_text[0] = '\0';
    while ((length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < length;) {
            const struct directory_entry *entry = (const struct directory_entry *)(const void *)(buffer + at);
            if (strstr(entry->name, part) != NULL || strstr(entry->name, other) != NULL)
                append(ret_text, size, entry->name);
            at += entry->length;
        }
    }
    EXPECT_EQ(syscall(SYS_close, fd), 0);
}

/* The kernel joins what it can: lines that are gone may have become part of others, but not for nothing. */
static void read_mappings(char *ret_text, size_t size)
{
    size_t length = 0;
    long count;
    ret_text[0] = '\0';
    if (HAS_SANITIZER)
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    EXPECT(fd >= 0);
    while ((count = syscall(SYS_read, fd, ret_text + length, size - 1 - length)) > 0)
        length += (size_t)count;
    EXPECT_EQ(syscall(SYS_close, fd), 0);
    EXPECT(count == 0 && length < size - 1);
    ret_text[length] = '\0';
    /* The heap grows and shrinks as malloc(3) likes. */
    char *heap = strstr(ret_text, "[heap]\n");
    if (heap == NULL)
        return;
    char *begin = heap;
    while (begin > ret_text && begin[-1] != '\n')
        begin--;
    memmove(begin, heap + strlen("[heap]\n"), strlen(heap + strlen("[heap]\n")) + 1);
}

void left_behind_look(struct left_behind *ret_look, const char *name)
{
    char temporary[32];
    ret_look->held = held_now;
    snprintf(temporary, sizeof(temporary), TEMPORARY_FORMAT, (int)getpid());
    read_directory("/proc/self/fd", "", "", ret_look->descriptors, sizeof(ret_look->descriptors));
    read_directory(SHM, name, temporary, ret_look->names, sizeof(ret_look->names));
    read_mappings(ret_look->mappings, sizeof(ret_look->mappings));
}

static void expect_same_text(const char *what, const char *before, const char *after)
{
    if (strcmp(before, after) == 0)
        return;
    fprintf(stderr, "%s before:\n%s%s after:\n%s", what, before, what, after);
    EXPECT(!"nothing is left behind");
}

void left_behind_expect_same(const struct left_behind *before, const struct left_behind *after)
{
    EXPECT_EQ(after->held.allocations, before->held.allocations);
    EXPECT_EQ(after->held.descriptors, before->held.descriptors);
    EXPECT_EQ(after->held.directories, before->held.directories);
    EXPECT_EQ(after->held.mappings, before->held.mappings);
    expect_same_text("descriptors", before->descriptors, after->descriptors);
    expect_same_text("names in " SHM, before->names, after->names);
    expect_same_text("mappings", before->mappings, after->mappings);
}
