/* SPDX-License-Identifier: MIT */

/*
 * Each call to libc of libkeyshm-http's that can fail fails in turn, and each of jansson's allocations. Then the error that comes
 * back is the right one, nothing is left behind, the rules in force are as they were, and the same call succeeds afterwards.
 *
 * faults-http [list]: "list" only prints what there is to try, for complete.py.
 */

#include <dirent.h>
#include <jansson.h>
#include <keyshm-http.h>
#include <sys/stat.h>

#include "expect.h"

enum {
    ALL_FIRST = 200, /* so many allocations of a call fail each */
    THEN_EACH = 61,  /* of those behind them, each 61st: there are thousands, and they are alike */
    CALLS_MAX = 100000
};

enum kind { MALLOC, CALLOC, OF_JANSSON, OPEN, OPENAT, FSTAT, READ, SCANDIRAT, KINDS };

static const struct {
    const char *name;
    int errors[3];
} kinds[KINDS] = {
    [MALLOC] = {"malloc", {ENOMEM}},
    [CALLOC] = {"calloc", {ENOMEM}},
    [OF_JANSSON] = {"malloc of jansson's", {ENOMEM}},
    [OPEN] = {"open", {EMFILE, EACCES}},
    [OPENAT] = {"openat", {EMFILE, EACCES}},
    [FSTAT] = {"fstat", {EIO}},
    [READ] = {"read", {EIO, EINTR}},
    [SCANDIRAT] = {"scandirat", {ENOMEM, EMFILE}},
};

static const struct {
    const char *name;
    const char *why;
} cannot_fail[] = {
    {"__errno_location", "the address of errno"},
    {"clock_gettime", "the clock exists and the pointer is good"},
    {"close", "of a file that was only read: its descriptor is gone in any case"},
    {"explicit_bzero", "memory"},
    {"free", "memory"},
    {"qsort", "without memory, it sorts in place"},
    {"secure_getenv", "NULL means: not set"},
    {"snprintf", "numbers and strings only"},
    {"vsnprintf", "numbers and strings only"},
    {"strtol", "a number that is too large is one that is refused"},
    {"bcmp", "memory"},
    {"memchr", "memory"},
    {"memcmp", "memory"},
    {"memcpy", "memory"},
    {"memmem", "memory"},
    {"memmove", "memory"},
    {"memrchr", "memory"},
    {"memset", "memory"},
    {"stpcpy", "memory"},
    {"strchr", "memory"},
    {"strcmp", "memory"},
    {"strcspn", "memory"},
    {"strlen", "memory"},
    {"strncasecmp", "memory"},
    {"strncmp", "memory"},
    {"strnlen", "memory"},
    {"strspn", "memory"},
};

static enum kind failing = KINDS;
static int failing_error;
static unsigned nth, seen; /* the call that fails; 0: none */
static long held;          /* allocations that have not been freed */

static bool fails(enum kind kind)
{
    if (kind != failing || ++seen != nth)
        return false;
    errno = failing_error;
    return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int directory, const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...);
int __real_fstat64(int fd, struct stat64 *ret);
int __wrap_fstat64(int fd, struct stat64 *ret);
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
typedef int select_fn(const struct dirent64 *entry);
typedef int compare_fn(const struct dirent64 **left, const struct dirent64 **right);
int __real_scandirat64(int directory, const char *path, struct dirent64 ***ret, select_fn *select, compare_fn *compare);
int __wrap_scandirat64(int directory, const char *path, struct dirent64 ***ret, select_fn *select, compare_fn *compare);

static void *counted(void *memory)
{
    held += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return fails(MALLOC) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(CALLOC) ? NULL : counted(__real_calloc(count, size));
}

void __wrap_free(void *memory)
{
    held -= memory != NULL;
    __real_free(memory);
}

static void *malloc_of_jansson(size_t size)
{
    return fails(OF_JANSSON) ? NULL : counted(__real_malloc(size));
}

int __wrap_open64(const char *path, int flags, ...)
{
    return fails(OPEN) ? -1 : __real_open64(path, flags);
}

int __wrap_openat64(int directory, const char *path, int flags, ...)
{
    return fails(OPENAT) ? -1 : __real_openat64(directory, path, flags);
}

int __wrap_fstat64(int fd, struct stat64 *ret)
{
    return fails(FSTAT) ? -1 : __real_fstat64(fd, ret);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    return fails(READ) ? -1 : __real_read(fd, buffer, size);
}

/* Its entries are libc's, which are freed here. */
int __wrap_scandirat64(int directory, const char *path, struct dirent64 ***ret, select_fn *select, compare_fn *compare)
{
    int count = fails(SCANDIRAT) ? -1 : __real_scandirat64(directory, path, ret, select, compare);
    held += count >= 0 ? count + 1 : 0;
    return count;
}

/* ---- the calls ---- */

static char directory[] = "/tmp/keyshm-faults-http-XXXXXX";
static char path[64];
static unsigned problems;

static void remove_directory(void)
{
    unlink(path);
    rmdir(directory);
}

static void write_rules(const char *rule)
{
    FILE *file = fopen(path, "w");
    EXPECT(file != NULL);
    fprintf(file,
            "{\"provider\": \"acme\", \"like\": \"openai\", \"rules\": [{\"rule\": \"%s\", \"when\": {\"status\": "
            "[418]}, \"means\":"
            " \"busy\"}]}",
            rule);
    fclose(file);
}

static void count_problem(const char *problem, void *user)
{
    EXPECT(user == &problems && strncmp(problem, directory, strlen(directory)) == 0);
    problems++;
}

static int run_load(void)
{
    return keyshm_http_load(directory, count_problem, &problems);
}

static struct keyshm_http_verdict verdict;

/* The body was cut, so that all that is allocated for one is. */
static int run_judge(void)
{
    static const char body[] =
        "{\"error\": {\"message\": \"Rate limit reached for x in organization y\", \"code\": 429, \"type\": \"t";
    const struct keyshm_http_verdict empty = KEYSHM_HTTP_VERDICT_INIT;
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    response.status = 418;
    response.body = body;
    response.body_length = strlen(body);
    verdict = empty;
    return keyshm_http_judge("acme", &response, &verdict);
}

static int run_describe(void)
{
    char *json = NULL;
    int r = keyshm_http_describe("acme", &json);
    EXPECT((r == 0) == (json != NULL));
    free(json);
    return r;
}

static const struct call {
    const char *name;
    int (*run)(void);
} calls[] = {{"keyshm_http_judge", run_judge}, {"keyshm_http_describe", run_describe}, {"keyshm_http_load", run_load}};

static const struct call *now;

static void print_context(void)
{
    fprintf(stderr, "%s, of which call %u to %s failed with %s\n", now->name, nth, kinds[failing].name,
            keyshm_error_name(failing_error));
}

/* ---- what follows ---- */

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 64; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void expect_rule(const char *rule)
{
    EXPECT_EQ(run_judge(), 0);
    EXPECT(verdict.rule != NULL && strcmp(verdict.rule, rule) == 0);
}

/*
 * What the call said of it. A body that could not be parsed as it is, is parsed once more; and some of jansson's allocations
 * (2.14) can fail without its saying so.
 */
static bool is_right(int r)
{
    bool is_of_file = failing == OPENAT || failing == READ || failing == FSTAT;
    if (r == 0 && failing == OF_JANSSON)
        return now->run != run_judge || strcmp(verdict.rule, "acme/old") == 0;
    return r == -failing_error && (problems == 0 || is_of_file);
}

/* False: the call has no such call any more. */
static bool try_once(int *ret_result)
{
    long held_before = held;
    int descriptors = count_descriptors();
    seen = problems = 0;
    int r = *ret_result = now->run();
    bool was_reached = seen >= nth;
    nth = was_reached ? nth : 0;
    failing = was_reached ? failing : KINDS;
    if (was_reached && failing_error != EINTR)
        EXPECT(is_right(r));
    else
        EXPECT_EQ(r, 0);
    EXPECT_EQ(count_descriptors(), descriptors);
    if (r != 0)
        EXPECT_EQ(held, held_before);
    return was_reached;
}

static unsigned long try_all(const struct call *call, enum kind kind, int error)
{
    unsigned long count = 0;
    now = call;
    for (unsigned i = 1; i < CALLS_MAX; i += i < ALL_FIRST ? 1 : THEN_EACH) {
        write_rules("new");
        failing = kind;
        failing_error = error;
        nth = i;
        int r;
        bool was_reached = try_once(&r);
        failing = KINDS;
        if (call->run != run_load) {
            expect_rule("acme/old");
        } else {
            if (r != 0 || kind != OF_JANSSON)
                expect_rule(r != 0 ? "acme/old" : "acme/new");
            EXPECT_EQ(run_load(), 0);
            expect_rule("acme/new");
            write_rules("old");
            EXPECT_EQ(run_load(), 0);
        }
        if (!was_reached)
            break;
        count++;
    }
    return count;
}

static int list(void)
{
    for (int kind = 0; kind < KINDS; kind++)
        if (kind != OF_JANSSON)
            printf("fails %s\n", kinds[kind].name);
    for (size_t i = 0; i < sizeof(cannot_fail) / sizeof(cannot_fail[0]); i++)
        printf("cannot-fail %s\n", cannot_fail[i].name);
    return 0;
}

static void prepare(void)
{
    expect_end_in_time();
    expect_print_context = print_context;
    EXPECT(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/a.json", directory);
    atexit(remove_directory);
    json_set_alloc_funcs(malloc_of_jansson, free);
    now = &calls[2];
    write_rules("old");
    EXPECT_EQ(run_load(), 0);
}

int main(int argc, char **argv)
{
    unsigned long count = 0;
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        return list();
    prepare();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int k = 0; k < 3 && kinds[kind].errors[k] != 0; k++) {
                unsigned long tried = try_all(&calls[i], (enum kind)kind, kinds[kind].errors[k]);
                printf("%s: %s: %lu with %s\n", calls[i].name, kinds[kind].name, tried,
                       keyshm_error_name(kinds[kind].errors[k]));
                count += tried;
            }
    printf("%lu failures\n", count);
    return count < 100;
}
