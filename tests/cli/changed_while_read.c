/* SPDX-License-Identifier: MIT */

/*
 * keyshm-stat is stopped after it has mapped a pool, or attached to it, and continued after the segment was truncated,
 * overwritten, destroyed or replaced. It must report which, show nothing of that pool, show the others, and exit with 3.
 *
 * changed-while-read KEYSHM-STAT
 */

#include <jansson.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "expect.h"
#include "layout.h"

enum { CAPACITY = 64, FEW_KEYS = 4, PAGE_BYTES = 4096, OUTPUT_BYTES_MAX = 1 << 20, ARGUMENTS_MAX = 4 };

enum moment {
    MAPPED,   /* nothing has been read yet */
    ATTACHED, /* the header has been checked */
};

static const char *keyshm_stat;
static char other_name[KEYSHM_PROVIDER_MAX + 1], spare_name[KEYSHM_PROVIDER_MAX + 1];

/* ---- pools ---- */

static void make_path(const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "/dev/shm/keyshm.%u.%s.%s", geteuid(), keyshm_layout_name(), name);
}

static void make_pool(const char *name, unsigned capacity, unsigned keys)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *pool;
    char key[64];
    options.capacity = capacity;
    keyshm_unlink(name);
    EXPECT_EQ(keyshm_create(&pool, name, &options), 0);
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "sk-changed-while-read-%u", i);
        EXPECT_EQ(keyshm_add(pool, key, NULL), 0);
    }
    keyshm_close(pool);
}

static void remove_pools(void)
{
    keyshm_unlink(expect_name);
    keyshm_unlink(other_name);
    keyshm_unlink(spare_name);
}

static off_t segment_bytes(void)
{
    char path[PATH_MAX];
    struct stat status;
    make_path(expect_name, path);
    EXPECT_EQ(stat(path, &status), 0);
    return status.st_size;
}

/* ---- changes to a segment ---- */

static void leave_alone(void)
{
}

static void truncate_to(off_t size)
{
    char path[PATH_MAX];
    make_path(expect_name, path);
    EXPECT_EQ(truncate(path, size), 0);
}

static void truncate_to_nothing(void)
{
    truncate_to(0);
}

static void truncate_to_the_header(void)
{
    truncate_to(LAYOUT_HEADER_BYTES);
}

static void truncate_to_half(void)
{
    truncate_to(segment_bytes() / 2);
}

/* A part of the segment that is not read for a pool with few keys. */
static void truncate_by_a_page(void)
{
    truncate_to(segment_bytes() - PAGE_BYTES);
}

static void write_file(int flags, const void *bytes, size_t count)
{
    char path[PATH_MAX];
    make_path(expect_name, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
    EXPECT(fd >= 0);
    EXPECT_EQ(write(fd, bytes, count), (long long)count);
    close(fd);
}

static void write_garbage(void)
{
    size_t count = (size_t)segment_bytes();
    unsigned char *bytes = malloc(count);
    EXPECT(bytes != NULL);
    memset(bytes, 0xa5, count);
    write_file(0, bytes, count);
    free(bytes);
}

/* As cp(1) does. The other file is larger, so that no page is missing afterwards. */
static void copy_another_over_it(void)
{
    static unsigned char bytes[1 << 20];
    char path[PATH_MAX];
    make_pool(spare_name, CAPACITY + PAGE_BYTES / 64, FEW_KEYS);
    make_path(spare_name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = read(fd, bytes, sizeof(bytes));
    EXPECT(count > segment_bytes() && (size_t)count < sizeof(bytes));
    close(fd);
    write_file(O_TRUNC, bytes, (size_t)count);
}

static void destroy(void)
{
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

static void destroy_and_create(void)
{
    destroy();
    make_pool(expect_name, CAPACITY, FEW_KEYS);
}

static void rename_another_over_it(void)
{
    char from[PATH_MAX], to[PATH_MAX];
    make_pool(spare_name, CAPACITY, FEW_KEYS);
    make_path(spare_name, from);
    make_path(expect_name, to);
    EXPECT_EQ(rename(from, to), 0);
}

/* ---- keyshm-stat ---- */

struct run {
    pid_t pid;
    int out_fd;
    int err_fd;
    char out[OUTPUT_BYTES_MAX];
    char err[OUTPUT_BYTES_MAX];
};

static struct run run;

/* An interrupted read leaks memory: see guard.h. */
#define WITH_LEAKS "detect_leaks=0"

static const char *sanitizer_options = WITH_LEAKS;

static void set_sanitizer(void)
{
    char options[512];
    const char *given = getenv("ASAN_OPTIONS");
    snprintf(options, sizeof(options), "%s:%s", given != NULL ? given : "", sanitizer_options);
    setenv("ASAN_OPTIONS", options, 1);
}

_Noreturn static void become_stat(char **arguments)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    set_sanitizer();
    unsetenv("KEYSHM_LOG");
    if (dup2(run.out_fd, STDOUT_FILENO) < 0 || dup2(run.err_fd, STDERR_FILENO) < 0 ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(127);
    execv(keyshm_stat, arguments);
    _exit(127);
}

/* Start it, stopped before its first instruction. */
static void start(char **arguments)
{
    int status;
    run.out_fd = memfd_create("out", MFD_CLOEXEC);
    run.err_fd = memfd_create("err", MFD_CLOEXEC);
    EXPECT(run.out_fd >= 0 && run.err_fd >= 0);
    run.pid = expect_fork();
    if (run.pid == 0)
        become_stat(arguments);
    EXPECT_EQ(waitpid(run.pid, &status, 0), run.pid);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, run.pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
}

/* Continue to the next entry to, or exit from, a system call. */
static struct __ptrace_syscall_info next_stop(void)
{
    struct __ptrace_syscall_info info;
    int status;
    EXPECT_EQ(ptrace(PTRACE_SYSCALL, run.pid, NULL, NULL), 0);
    EXPECT_EQ(waitpid(run.pid, &status, 0), run.pid);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
    EXPECT(ptrace(PTRACE_GET_SYSCALL_INFO, run.pid, sizeof(info), &info) > 0);
    return info;
}

static bool maps_the_segment(const struct __ptrace_syscall_info *info)
{
    char path[PATH_MAX], opened[64];
    struct stat segment, file;
    if (info->op != PTRACE_SYSCALL_INFO_ENTRY || info->entry.nr != SYS_mmap)
        return false;
    snprintf(opened, sizeof(opened), "/proc/%d/fd/%d", (int)run.pid, (int)info->entry.args[4]);
    make_path(expect_name, path);
    EXPECT_EQ(stat(path, &segment), 0);
    return stat(opened, &file) == 0 && file.st_dev == segment.st_dev && file.st_ino == segment.st_ino;
}

static void go_to(enum moment moment)
{
    struct __ptrace_syscall_info info;
    do
        info = next_stop();
    while (!maps_the_segment(&info));
    info = next_stop();
    EXPECT(info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error == 0);
    uint64_t address = (uint64_t)info.exit.rval;
    /* The first call on the mapping after its header was checked. */
    while (moment == ATTACHED &&
           !(info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_madvise && info.entry.args[0] == address))
        info = next_stop();
}

static void read_output(int fd, char text[OUTPUT_BYTES_MAX])
{
    ssize_t count = pread(fd, text, OUTPUT_BYTES_MAX - 1, 0);
    EXPECT(count >= 0 && count < OUTPUT_BYTES_MAX - 1);
    text[count] = '\0';
    close(fd);
}

/* Returns the status of waitpid(2). */
static int finish(void)
{
    int status;
    EXPECT_EQ(ptrace(PTRACE_DETACH, run.pid, NULL, NULL), 0);
    EXPECT_EQ(waitpid(run.pid, &status, 0), run.pid);
    read_output(run.out_fd, run.out);
    read_output(run.err_fd, run.err);
    return status;
}

/* ---- what it must print ---- */

/* Exactly one line. */
static void expect_complaint(const char *what)
{
    char line[256];
    snprintf(line, sizeof(line), "keyshm-stat: pool %s: %s", expect_name, what);
    EXPECT_EQ(strncmp(run.err, line, strlen(line)), 0);
    EXPECT(strchr(run.err, '\n') != NULL);
    EXPECT_EQ(strchr(run.err, '\n')[1], '\0');
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* The pools of a whole document. */
static json_t *parse_output(void)
{
    json_error_t error;
    json_t *document = json_loads(run.out, JSON_REJECT_DUPLICATES, &error);
    EXPECT(document != NULL);
    json_t *pools = json_incref(json_object_get(document, "pools"));
    json_decref(document);
    EXPECT(json_is_array(pools));
    return pools;
}

static void expect_json_of(const char *name_or_null)
{
    json_t *pools = parse_output();
    EXPECT_EQ(json_array_size(pools), name_or_null != NULL ? 1 : 0);
    if (name_or_null != NULL) {
        const json_t *pool = json_array_get(pools, 0);
        EXPECT_EQ(strcmp(json_string_value(json_object_get(pool, "provider")), name_or_null), 0);
        EXPECT_EQ(json_array_size(json_object_get(pool, "keys")), FEW_KEYS);
    }
    json_decref(pools);
}

static void expect_table_of(const char *name_or_null)
{
    char line[128];
    if (name_or_null == NULL) {
        EXPECT_EQ(run.out[0], '\0');
        return;
    }
    snprintf(line, sizeof(line), "%s: %d/%d keys, ", name_or_null, FEW_KEYS, CAPACITY);
    EXPECT_EQ(strncmp(run.out, line, strlen(line)), 0);
    EXPECT_EQ(count_lines(run.out), FEW_KEYS + 2);
}

/* ---- the rows ---- */

#define TRUNCATED \
    "the segment was truncated while it was read; if no worker needs it, remove it with: keyshm-ctl destroy "
#define WRITTEN_OVER "the segment was written over while it was read; if no worker needs it, "
#define REPLACED "the pool was replaced while it was read: run it again\n"
#define DESTROYED "the pool was destroyed while it was read\n"

static const struct row {
    const char *what;
    void (*change)(void);
    enum moment moment;
    unsigned keys;
    const char *complaint;
} rows[] = {
    {"truncated to nothing, when mapped", truncate_to_nothing, MAPPED, CAPACITY, TRUNCATED},
    {"truncated to nothing", truncate_to_nothing, ATTACHED, CAPACITY, TRUNCATED},
    {"truncated to its header", truncate_to_the_header, ATTACHED, CAPACITY, TRUNCATED},
    {"truncated to half", truncate_to_half, ATTACHED, CAPACITY, TRUNCATED},
    {"truncated by a page that is not read", truncate_by_a_page, ATTACHED, FEW_KEYS, TRUNCATED},
    {"written over, when mapped", write_garbage, MAPPED, FEW_KEYS, "not a keyshm segment, or damaged; "},
    {"written over", write_garbage, ATTACHED, FEW_KEYS, WRITTEN_OVER},
    {"another copied over it", copy_another_over_it, ATTACHED, FEW_KEYS, WRITTEN_OVER},
    {"destroyed, when mapped", destroy, MAPPED, FEW_KEYS, DESTROYED},
    {"destroyed", destroy, ATTACHED, FEW_KEYS, DESTROYED},
    {"destroyed and created anew", destroy_and_create, ATTACHED, FEW_KEYS, REPLACED},
    {"another renamed over it", rename_another_over_it, ATTACHED, FEW_KEYS, REPLACED},
};

/* Any of the arguments may be NULL, but not one before the others. */
static int run_stat(const struct row *row, const char *first, const char *second, const char *third)
{
    const char *arguments[ARGUMENTS_MAX + 1] = {"keyshm-stat", first, second, third, NULL};
    char *given[ARGUMENTS_MAX + 1];
    memcpy(given, arguments, sizeof(given));
    make_pool(expect_name, CAPACITY, row->keys);
    start(given);
    go_to(row->moment);
    row->change();
    return finish();
}

static void expect_shown(int status, const struct row *row, bool as_json, const char *name_or_null)
{
    EXPECT(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 3);
    expect_complaint(row->complaint);
    (as_json ? expect_json_of : expect_table_of)(name_or_null);
}

static void try_row(const struct row *row)
{
    static const char *const forms[] = {"--json", "--ids", "--"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        bool as_json = i == 0;
        expect_shown(run_stat(row, forms[i], expect_name, NULL), row, as_json, NULL);
        expect_shown(run_stat(row, forms[i], expect_name, other_name), row, as_json, other_name);
        expect_shown(run_stat(row, forms[i], other_name, expect_name), row, as_json, other_name);
    }
    printf("%-40s said, in 9 runs\n", row->what);
}

/* Otherwise the cases below would not test a change at the stop. */
static void try_unchanged(enum moment moment)
{
    const struct row row = {"", leave_alone, moment, FEW_KEYS, ""};
    EXPECT_EQ(run_stat(&row, "--json", expect_name, NULL), 0);
    expect_json_of(expect_name);
    EXPECT_EQ(run_stat(&row, expect_name, NULL, NULL), 0);
    expect_table_of(expect_name);
    EXPECT_EQ(run.err[0], '\0');
}

static bool shows(const char *name)
{
    json_t *pools = parse_output(), *pool;
    bool found = false;
    size_t i;
    json_array_foreach(pools, i, pool) found |= strcmp(json_string_value(json_object_get(pool, "provider")), name) == 0;
    json_decref(pools);
    return found;
}

/* All pools of this user, which includes those of other tests: only lines about this test's pools are checked. */
static void try_listed(void)
{
    const struct row truncated = {"", truncate_to_half, ATTACHED, CAPACITY, TRUNCATED};
    const struct row destroyed = {"", destroy, ATTACHED, FEW_KEYS, ""};
    int status = run_stat(&truncated, "--json", NULL, NULL);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    EXPECT(!shows(expect_name) && shows(other_name));
    EXPECT(strstr(run.err, TRUNCATED) != NULL);
    /* A pool that is destroyed before it is shown is not an error. */
    EXPECT(WIFEXITED(run_stat(&destroyed, "--json", NULL, NULL)));
    EXPECT(!shows(expect_name) && shows(other_name));
    EXPECT(strstr(run.err, expect_name) == NULL);
}

static void send_bus_error(void)
{
    EXPECT_EQ(kill(run.pid, SIGBUS), 0);
}

/* A SIGBUS that another process sends is not a missing page. */
static void try_sent_signal(void)
{
    const struct row row = {"", send_bus_error, ATTACHED, FEW_KEYS, ""};
    sanitizer_options = WITH_LEAKS ":handle_sigbus=0"; /* otherwise the sanitizer would exit on the signal */
    int status = run_stat(&row, "--json", expect_name, NULL);
    EXPECT(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGBUS);
    sanitizer_options = WITH_LEAKS;
}

static void try_all(void)
{
    make_pool(other_name, CAPACITY, FEW_KEYS);
    try_unchanged(MAPPED);
    try_unchanged(ATTACHED);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        try_row(&rows[i]);
    try_sent_signal();
    try_listed();
}

/* Is ptrace(2) permitted, and does this kernel have PTRACE_GET_SYSCALL_INFO? */
static bool may_trace(void)
{
    struct __ptrace_syscall_info info;
    int status;
    pid_t child = expect_fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(1);
        raise(SIGSTOP);
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status))
        return false;
    bool possible = ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0;
    expect_kill(child);
    return possible;
}

int main(int argc, char **argv)
{
    int status;
    EXPECT_EQ(argc, 2);
    keyshm_stat = argv[1];
    expect_pool_name("changed");
    snprintf(other_name, sizeof(other_name), "%.40s.other", expect_name);
    snprintf(spare_name, sizeof(spare_name), "%.40s.spare", expect_name);
    if (!may_trace()) {
        printf("skipped: this system does not let a process trace its child\n");
        return 77;
    }
    /* In a child, so that the pools are removed even if it is killed. */
    pid_t child = expect_fork();
    if (child == 0) {
        try_all();
        fflush(stdout);
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    remove_pools();
    return status == 0 ? 0 : 1;
}
