/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char lines[64][512];
static enum keyshm_log_level levels[64];
static int line_count;

static void record(enum keyshm_log_level level, const char *message, void *user)
{
    cr_assert_eq(user, &line_count);
    cr_assert_lt(line_count, 64);
    levels[line_count] = level;
    snprintf(lines[line_count++], sizeof(lines[0]), "%s", message);
}

static void write_to_stderr(enum keyshm_log_level level, const char *message, void *user)
{
    (void)level;
    (void)user;
    ssize_t written = write(STDERR_FILENO, message, strlen(message));
    (void)written;
}

static void record_all(void)
{
    create_pool();
    keyshm_set_log(record, &line_count, KEYSHM_LOG_DEBUG);
}

static void stop(void)
{
    keyshm_set_log(NULL, NULL, KEYSHM_LOG_ERROR);
    close_pool();
}

TestSuite(log, .init = record_all, .fini = stop);

#define MASKED        \
    "sk-\xe2\x80\xa6" \
    "0001"

/* Check that exactly one message was logged since the last call, with this level and these words. */
static void expect_line(enum keyshm_log_level level, const char *words)
{
    cr_assert_eq(line_count, 1, "%d lines, waiting for '%s'; the last: %s", line_count, words,
                 line_count > 0 ? lines[line_count - 1] : "");
    cr_assert_eq(levels[0], level, "level %d: %s", levels[0], lines[0]);
    cr_assert(strstr(lines[0], words) != NULL, "'%s' is not in: %s", words, lines[0]);
    cr_assert(strstr(lines[0], key_text(1)) == NULL, "a key in: %s", lines[0]);
    line_count = 0;
}

Test(log, logs_every_transition)
{
    keyshm_id id = add_key(1);
    expect_line(KEYSHM_LOG_INFO, "test: added key " MASKED);
    keyshm_mark_rate_limited(pool, id, 3690000);
    expect_line(KEYSHM_LOG_INFO, "available -> rate_limited for 36"); /* what is left of it, after a while perhaps */
    keyshm_mark_rate_limited(pool, id, 1000);
    expect_line(KEYSHM_LOG_DEBUG, "marked rate_limited, stays rate_limited");
    keyshm_mark_quota_exceeded(pool, id, KEYSHM_UNTIL_MARKED);
    expect_line(KEYSHM_LOG_INFO, "rate_limited -> quota_exceeded");
    keyshm_mark_invalid(pool, id);
    expect_line(KEYSHM_LOG_INFO, MASKED ", id 16777216: quota_exceeded -> invalid");
    keyshm_mark_rate_limited(pool, id, 1000);
    expect_line(KEYSHM_LOG_DEBUG, "marked rate_limited, stays invalid");
    keyshm_mark_available(pool, id);
    expect_line(KEYSHM_LOG_INFO, "invalid -> available");
    keyshm_mark_rate_limited(pool, id, 1);
    line_count = 0;
    while (keyshm_is_available(pool, id) == 0)
        sleep_ms(1);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 1);
    expect_line(KEYSHM_LOG_INFO, MASKED ", id 16777216: its cooldown is over");
    keyshm_set_metadata(pool, id, "tier", "paid");
    expect_line(KEYSHM_LOG_DEBUG, "set metadata tier");
    keyshm_add(pool, key_text(1), NULL);
    expect_line(KEYSHM_LOG_DEBUG, "already had key " MASKED);
    keyshm_remove(pool, id);
    expect_line(KEYSHM_LOG_INFO, "removed key " MASKED);
    keyshm_mark_invalid(pool, id);
    expect_line(KEYSHM_LOG_WARNING, "not, or no longer, in the pool");
}

Test(log, names_groups_and_models)
{
    keyshm_id group, key;
    unsigned model;
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    cr_assert_eq(keyshm_group(pool, "acct-1", &group), 0);
    expect_line(KEYSHM_LOG_INFO, "test: made group acct-1, id ");
    cr_assert_eq(keyshm_group(pool, "acct-1", &group), 0);
    cr_assert_eq(line_count, 0, "it was there");
    cr_assert_eq(keyshm_model(pool, "gpt-4o", &model), 0);
    expect_line(KEYSHM_LOG_INFO, "test: made model gpt-4o, number 1");
    cr_assert_eq(keyshm_add_to_group(pool, key_text(1), group, &key), 0);
    line_count = 0;
    mark.status = KEYSHM_INVALID;
    mark.model = model;
    cr_assert_eq(keyshm_mark(pool, key, &mark), 0);
    expect_line(KEYSHM_LOG_INFO, "test: key " MASKED ", id 16777216, model gpt-4o: available -> invalid");
    mark.scope = KEYSHM_SCOPE_GROUP;
    mark.model = 0;
    cr_assert_eq(keyshm_mark(pool, key, &mark), 0);
    expect_line(KEYSHM_LOG_INFO, "test: group acct-1, id ");
    keyshm_pause(pool, group);
    expect_line(KEYSHM_LOG_INFO, ": paused");
    keyshm_set_group(pool, key, 0);
    expect_line(KEYSHM_LOG_INFO, "test: key " MASKED ", id 16777216: in no group");
    keyshm_remove_group(pool, group);
    expect_line(KEYSHM_LOG_INFO, "test: removed group acct-1, id ");
    keyshm_set_group(pool, key, group);
    expect_line(KEYSHM_LOG_WARNING, "the group with id ");
    cr_assert_eq(keyshm_set_limits(pool, key, model, NULL), 0);
    expect_line(KEYSHM_LOG_INFO, "test: key " MASKED ", id 16777216: limits removed, for model 1");
    cr_assert_eq(keyshm_set_limits(pool, 0, 0, NULL), 0);
    expect_line(KEYSHM_LOG_INFO, "test: keys without limits of their own: limits removed, for model 0");
    keyshm_mark_invalid(pool, group);
    expect_line(KEYSHM_LOG_WARNING, "the group with id ");
}

/* The segment must not get file descriptor 2, or messages would be written into it. */
Test(log, a_closed_standard_error_does_not_lead_into_the_pool)
{
    char name[64];
    keyshm_pool *named, *other;
    snprintf(name, sizeof(name), "unit-log-closed.%d", getpid());
    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    cr_assert_eq(keyshm_create(&named, name, NULL), 0);
    cr_assert_eq(fcntl(2, F_GETFD), -1);
    keyshm_set_log(write_to_stderr, NULL, KEYSHM_LOG_DEBUG);
    cr_assert_eq(keyshm_attach(&other, name), 0);
    keyshm_close(other);
    int r = keyshm_attach(&other, name);
    keyshm_unlink(name);
    cr_assert_eq(r, 0);
}

Test(log, picks_say_nothing)
{
    struct keyshm_pick pick;
    keyshm_next(pool, &pick);
    add_key(1);
    line_count = 0;
    keyshm_next(pool, &pick);
    cr_assert_eq(line_count, 0);
}

Test(log, logs_pools_and_refused_attaches)
{
    char name[64];
    keyshm_pool *named, *other;
    snprintf(name, sizeof(name), "unit-log.%d", getpid());
    cr_assert_eq(keyshm_attach(&other, name), -ENOENT);
    expect_line(KEYSHM_LOG_WARNING, "refused to attach: there is no such pool");
    cr_assert_eq(keyshm_create(&named, name, NULL), 0);
    expect_line(KEYSHM_LOG_INFO, "created a pool for 1024 keys");
    cr_assert_eq(keyshm_create(&other, name, NULL), -EEXIST);
    expect_line(KEYSHM_LOG_WARNING, "cannot create a pool");
    cr_assert_eq(keyshm_attach_readonly(&other, name), 0);
    expect_line(KEYSHM_LOG_DEBUG, "attached read-only");
    cr_assert_eq(keyshm_mark_invalid(other, 1), -EROFS);
    expect_line(KEYSHM_LOG_WARNING, "the attachment is read-only");
    keyshm_close(other);
    keyshm_close(named);
    cr_assert_eq(keyshm_unlink(name), 0);
    expect_line(KEYSHM_LOG_INFO, "unlinked");
    cr_assert_eq(keyshm_attach(&other, "a/b"), -EINVAL);
    expect_line(KEYSHM_LOG_WARNING, "a provider name is");
}

Test(log, logs_that_memory_could_not_be_locked)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("AddressSanitizer makes mlock(2) do nothing, and call that success");
#endif
    /* Root is exempt from the limit on locked memory. */
    struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    keyshm_pool *unlocked;
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    cr_assert_eq(keyshm_create_anonymous(&unlocked, "unlocked", NULL), 0, "it is no error");
    cr_assert_eq(line_count, 2);
    cr_assert_eq(levels[0], KEYSHM_LOG_WARNING);
    cr_assert(strstr(lines[0], "unlocked: keys may be swapped out: cannot lock") != NULL, "%s", lines[0]);
    keyshm_close(unlocked);
}

Test(log, logs_refused_input)
{
    cr_assert_eq(keyshm_add(pool, "", NULL), -EINVAL);
    expect_line(KEYSHM_LOG_WARNING, "empty");
    cr_assert_eq(keyshm_add(pool, "tab\there", NULL), -EINVAL);
    expect_line(KEYSHM_LOG_WARNING, "control character");
    cr_assert_eq(keyshm_mark_all_available(pool, 0), -EINVAL);
    expect_line(KEYSHM_LOG_WARNING, "status mask");
}

Test(log, says_that_a_duration_was_shortened)
{
    keyshm_id id = add_key(1);
    keyshm_set_log(record, &line_count, KEYSHM_LOG_WARNING);
    line_count = 0;
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, INT64_C(1754006400000000)), 0);
    expect_line(KEYSHM_LOG_WARNING, "marked rate_limited for 1754006400000000 ms, shortened to 86400000 ms");
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, KEYSHM_DURATION_MAX_MS + 1), 0);
    expect_line(KEYSHM_LOG_WARNING, "shortened to 31622400000 ms");
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, KEYSHM_DURATION_MAX_MS), 0);
    cr_assert_eq(line_count, 0, "neither is too long");
}

Test(log, gives_only_what_was_asked_for)
{
    keyshm_set_log(record, &line_count, KEYSHM_LOG_WARNING);
    keyshm_id id = add_key(1);
    keyshm_mark_invalid(pool, id);
    cr_assert_eq(line_count, 0, "info");
    keyshm_add(pool, "", NULL);
    cr_assert_eq(line_count, 1, "a warning");
    keyshm_set_log(NULL, NULL, KEYSHM_LOG_DEBUG);
    keyshm_add(pool, "", NULL);
    cr_assert_eq(line_count, 1, "silence");
}

/* Runs log_victim in a new process, since the environment is read only once, and collects its standard error. */
static void run_with(const char *level, char *output, size_t size)
{
    int ends[2], status;
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        if (level != NULL)
            setenv("KEYSHM_LOG", level, 1);
        else
            unsetenv("KEYSHM_LOG");
        execl(LOG_VICTIM, LOG_VICTIM, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t count;
    while (length < size - 1 && (count = read(ends[0], output + length, size - 1 - length)) > 0)
        length += (size_t)count;
    output[length] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(log, is_silent_by_default_and_speaks_by_environment)
{
    char output[4096];
    run_with(NULL, output, sizeof(output));
    cr_assert_str_eq(output, "");
    run_with("debug", output, sizeof(output));
    cr_assert(strstr(output, "keyshm: info: log-victim: added key sk-\xe2\x80\xa6"
                             "0001") != NULL,
              "%s", output);
    cr_assert(strstr(output, "keyshm: debug: ") != NULL, "%s", output);
    cr_assert(strstr(output, key_text(1)) == NULL, "a key in the log");
    run_with("info", output, sizeof(output));
    cr_assert(strstr(output, "keyshm: info: ") != NULL && strstr(output, "debug") == NULL, "%s", output);
    run_with("nonsense", output, sizeof(output));
    cr_assert_str_eq(output, "");
}

Test(log, goes_to_a_file_descriptor)
{
    int ends[2];
    char text[512];
    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    keyshm_set_log_fd(ends[1], KEYSHM_LOG_WARNING);
    keyshm_id id = add_key(1);
    cr_assert_eq(read(ends[0], text, sizeof(text)), -1, "info");
    cr_assert_eq(keyshm_mark_invalid(pool, id + 1), -ESTALE);
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    cr_assert_gt(length, 0);
    text[length] = '\0';
    cr_assert_eq(strncmp(text, "keyshm: warning: test: refused: ", 32), 0, "%s", text);
    cr_assert_eq(strchr(text, '\n'), text + length - 1, "one line");
    cr_assert_eq(line_count, 0, "the last call counts");
    keyshm_set_log_fd(-1, KEYSHM_LOG_DEBUG);
    keyshm_mark_invalid(pool, id + 1);
    cr_assert_eq(read(ends[0], text, sizeof(text)), -1, "silence");
    keyshm_set_log_fd(ends[1], KEYSHM_LOG_DEBUG);
    keyshm_set_log(record, &line_count, KEYSHM_LOG_WARNING);
    keyshm_mark_invalid(pool, id + 1);
    expect_line(KEYSHM_LOG_WARNING, "not, or no longer, in the pool");
    cr_assert_eq(read(ends[0], text, sizeof(text)), -1);
    close(ends[0]);
    close(ends[1]);
}

Test(log, says_what_an_operator_did)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = add_key(1);
    line_count = 0;
    keyshm_pause(pool, id);
    expect_line(KEYSHM_LOG_INFO, MASKED ", id 16777216: paused");
    keyshm_pause(pool, id);
    cr_assert_eq(line_count, 0, "it was");
    keyshm_resume(pool, id);
    expect_line(KEYSHM_LOG_INFO, "resumed");
    keyshm_set_policy(pool, &policy);
    expect_line(KEYSHM_LOG_INFO, "the policy was set");
    keyshm_mark_invalid(pool, id);
    line_count = 0;
    keyshm_mark_all_available(pool, 1u << KEYSHM_INVALID);
    expect_line(KEYSHM_LOG_INFO, MASKED);
    keyshm_replace_keys(pool, NULL, 0, NULL);
    expect_line(KEYSHM_LOG_INFO, "replaced the keys: 0 kept, 0 added, 1 removed");
}
