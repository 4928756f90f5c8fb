/* SPDX-License-Identifier: MIT */
#include "state/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "secret.h"

/* ---- read by import ---- */

/* Not stdio: its buffers cannot be wiped. */
struct text {
    char *bytes;
    size_t length;
    size_t size;
};

static const char *name_of(const struct input_file *file)
{
    return file->is_stdin ? "standard input" : "the file";
}

enum exit_status input_file_open(struct input_file *file, const char *provider, const char *path_or_null)
{
    *file = (struct input_file){.fd = STDIN_FILENO, .is_stdin = path_or_null == NULL};
    if (path_or_null != NULL)
        file->fd = open(path_or_null, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file->fd < 0)
        return refuse("pool %s: cannot open the file: %s; nothing was changed", provider, system_error(errno));
    if (file->is_stdin && isatty(STDIN_FILENO))
        complain("paste what export printed, then Ctrl-D at the beginning of a line");
    return EXIT_FINE;
}

void input_file_close(const struct input_file *file)
{
    if (!file->is_stdin)
        close(file->fd);
}

/* Not realloc(3): it does not wipe the old block when it moves it. */
static int grow(struct text *text)
{
    size_t size = text->size > 0 ? 2 * text->size : 65536;
    char *bytes = malloc(size);
    if (bytes == NULL)
        return -ENOMEM;
    if (text->length > 0)
        memcpy(bytes, text->bytes, text->length);
    secret_free(text->bytes);
    text->bytes = bytes;
    text->size = size;
    return 0;
}

/* -EFBIG: more than `size_max`. */
static int read_text(int fd, size_t size_max, struct text *text)
{
    for (;;) {
        int r = text->length == text->size ? grow(text) : 0;
        if (r < 0)
            return r;
        ssize_t count = read(fd, text->bytes + text->length, text->size - text->length);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count == 0)
            return 0;
        if (count > 0)
            text->length += (size_t)count;
        if (text->length > size_max)
            return -EFBIG;
    }
}

/* Not with the message of jansson: it quotes the text, which may be a key. */
static enum exit_status parse(const struct input_file *file, const char *provider, const struct text *text,
                              json_t **ret_json)
{
    json_error_t error;
    json_t *json = json_loadb(text->bytes, text->length, JSON_REJECT_DUPLICATES, &error);
    enum json_error_code code = json_error_code(&error);
    int line = error.line, column = error.column;
    explicit_bzero(&error, sizeof(error));
    *ret_json = json;
    if (json != NULL)
        return EXIT_FINE;
    if (text->length == 0)
        return refuse("pool %s: %s is empty; give what keyshm-ctl export wrote", provider, name_of(file));
    if (code == json_error_duplicate_key)
        return refuse("pool %s: %s has a member twice, in line %d, column %d; nothing was changed", provider,
                      name_of(file), line, column);
    return refuse(
        "pool %s: %s is not JSON, or not all of it, from line %d, column %d; give what keyshm-ctl export wrote; "
        "nothing was changed",
        provider, name_of(file), line, column);
}

enum exit_status input_file_read(const struct input_file *file, const char *provider, size_t size_max, json_t **ret_json)
{
    struct text text = {.bytes = NULL};
    enum exit_status status;
    int r = read_text(file->fd, size_max, &text);
    if (r == 0)
        status = parse(file, provider, &text, ret_json);
    else if (r == -EFBIG)
        status = refuse("pool %s: %s is larger than the %zu bytes that are read for a pool of this capacity; nothing was "
                        "changed; make a pool for as many keys as are in the file with: keyshm-ctl create",
                        provider, name_of(file), size_max);
    else
        status = refuse("pool %s: cannot read %s: %s; nothing was changed", provider, name_of(file), system_error(-r));
    secret_free(text.bytes);
    return status;
}

enum exit_status input_file_check_private(const struct input_file *file, const char *provider)
{
    struct stat about;
    if (fstat(file->fd, &about) < 0)
        return refuse("pool %s: cannot look at %s: %s; nothing was changed", provider, name_of(file),
                      system_error(errno));
    if (file->is_stdin && !S_ISREG(about.st_mode))
        return EXIT_FINE;
    const char *problem = NULL;
    if (!S_ISREG(about.st_mode))
        problem = "is not a regular file; give it on standard input";
    else if (about.st_uid != geteuid())
        problem = "belongs to another user; copy it to a file of your own, with mode 0600";
    else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        problem = "is open to group or others; see who has read it, then close it with: chmod 600";
    return problem != NULL
               ? refuse("pool %s: there are keys in %s, which %s; nothing was changed", provider, name_of(file), problem)
               : EXIT_FINE;
}

/* ---- written by export ---- */

#define MODE (S_IRUSR | S_IWUSR)

static int open_directory_of(const char *path, const char *name)
{
    char *directory = name != path ? strndup(path, (size_t)(name - path)) : strdup(".");
    if (directory == NULL)
        return -ENOMEM;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : fd;
    free(directory);
    return r;
}

static int begin_in(struct output_file *file)
{
    struct stat existing;
    if (fstatat(file->directory, file->name, &existing, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    if (errno != ENOENT)
        return -errno;
    file->fd = openat(file->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
    if (file->fd < 0)
        return errno == EISDIR ? -EOPNOTSUPP : -errno; /* EISDIR: a kernel without O_TMPFILE */
    return fchmod(file->fd, MODE) < 0 ? -errno : 0;    /* whatever the umask */
}

int output_file_begin(struct output_file *file, const char *path)
{
    const char *slash = strrchr(path, '/');
    *file = (struct output_file){.fd = -1, .directory = -1, .name = slash != NULL ? slash + 1 : path};
    if (file->name[0] == '\0')
        return -EISDIR;
    file->directory = open_directory_of(path, file->name);
    if (file->directory < 0)
        return file->directory;
    int r = begin_in(file);
    if (r < 0)
        output_file_end(file);
    return r;
}

int output_file_finish(const struct output_file *file)
{
    char path[32];
    if (fsync(file->fd) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    /* Neither follows nor replaces a file that may have appeared in the meantime. */
    if (linkat(AT_FDCWD, path, file->directory, file->name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    if (fsync(file->directory) == 0 || errno == EINVAL)
        return 0;
    int error = -errno;
    unlinkat(file->directory, file->name, 0);
    return error;
}

void output_file_end(const struct output_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->directory >= 0)
        close(file->directory);
}
