/* SPDX-License-Identifier: MIT */

/*
 * The process that holds a pool's mutex: holder, break-lock.
 *
 * A pid may be reused at any moment. So break-lock opens the process first (pidfd_open(2)), then looks up the holder
 * again: if that pid holds the mutex now, the process it opened is the holder, or is dead, and a signal to it reaches
 * nobody else.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd.h"
#include "lookup.h"
#include "program.h"
#include "report.h"
#include "text.h"
#include "user.h"

/* NULL: out of memory. */
static json_t *holder_to_json(const struct keyshm_snapshot *snapshot)
{
    char state[2] = {snapshot->mutex_holder_state, '\0'};
    json_t *name = text_to_json(snapshot->mutex_holder_name, sizeof(snapshot->mutex_holder_name));
    return json_pack("{s:I, s:o, s:s, s:I}", "mutex_holder_pid", (json_int_t)snapshot->mutex_holder_pid,
                     "mutex_holder_name", name, "mutex_holder_state", state, "mutex_held_ms",
                     (json_int_t)snapshot->mutex_held_ms);
}

/* ---- holder ---- */

enum exit_status cmd_holder(const struct arguments *arguments)
{
    struct keyshm_snapshot *snapshot;
    char holder[TEXT_MUTEX_HOLDER_SIZE];
    enum exit_status status = EXIT_FINE;
    int r = lookup_pool(arguments->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        status = report(arguments->pool, holder_to_json(snapshot));
    else
        puts(text_mutex_holder(snapshot, holder) ? holder : "nobody");
    keyshm_snapshot_free(snapshot);
    return status;
}

/* ---- break-lock: may the holder be killed? ---- */

#define PATIENCE_MS 1000 /* a running process that has held the mutex for longer is stuck */
#define END_MS 5000      /* how long a killed process may take to end */

/* Are all of the process's user ids that of the pool's owner? Required of root too, who may kill any process. */
static bool is_of_this_user(pid_t pid)
{
    char path[32], line[256];
    unsigned real = 0, effective = 0, saved = 0;
    int found = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (status == NULL)
        return false;
    /* Not the owner of /proc/PID: that is root for every process that may not be traced, such as keyshm-ctl itself. */
    while (found != 3 && fgets(line, sizeof(line), status) != NULL)
        found = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved);
    fclose(status);
    uid_t own = user_of_pools();
    return found == 3 && real == own && effective == own && saved == own;
}

static bool is_stopped(const struct keyshm_snapshot *snapshot)
{
    return snapshot->mutex_holder_state == 'T' || snapshot->mutex_holder_state == 't';
}

/* Why this holder must not be killed; NULL: it may be. */
static const char *find_objection(const struct keyshm_snapshot *snapshot)
{
    pid_t pid = snapshot->mutex_holder_pid;
    if (pid < 0)
        return "the process that holds the mutex is in another PID namespace; run break-lock there, or from outside of "
               "it";
    if (pid == 1 || pid == getpid())
        return "the process that holds the mutex must not be killed: it is init, or keyshm-ctl itself";
    if (!is_of_this_user(pid))
        return "the process that holds the mutex is not this user's; ask its owner to end it";
    if (!is_stopped(snapshot) && snapshot->mutex_held_ms <= PATIENCE_MS)
        return "the process that holds the mutex is running and took it just now; try again";
    return NULL;
}

/* Ask on the controlling terminal, wherever the standard streams lead. -ENXIO or another error of open(2): there is none.
 */
__attribute__((format(printf, 2, 3))) static int ask_terminal(bool *ret_has_agreed, const char *format, ...)
{
    char answer[16] = "";
    va_list arguments;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL)
        return -errno;
    va_start(arguments, format);
    vfprintf(terminal, format, arguments);
    va_end(arguments);
    fflush(terminal);
    bool has_answer = fgets(answer, sizeof(answer), terminal) != NULL;
    fclose(terminal);
    *ret_has_agreed = has_answer && (strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0);
    return 0;
}

static enum exit_status ask(const struct arguments *arguments, const char *holder)
{
    bool has_agreed;
    if (arguments->has_consent)
        return EXIT_FINE;
    int r = ask_terminal(&has_agreed, "The mutex of pool %s is held by %s.\nKill that process, with SIGKILL? [y/N] ",
                         arguments->pool, holder);
    if (r < 0)
        return refuse("pool %s: the mutex is held by %s; there is no terminal to ask on; nothing was done; to kill it "
                      "unasked, use --yes",
                      arguments->pool, holder);
    return has_agreed ? EXIT_FINE : refuse("pool %s: nothing was done", arguments->pool);
}

/* ---- break-lock: kill it, and recover the pool ---- */

/* <sys/pidfd.h> is of glibc 2.36, the system calls of Linux 5.3. */
static int open_process(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool send_kill(int pidfd)
{
    return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0;
}

static enum exit_status wait_for_end(const struct arguments *arguments, pid_t pid, int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    int r = poll(&end, 1, END_MS);
    if (r == 1)
        return EXIT_FINE;
    return refuse("pool %s: pid %d was killed, but has not ended in %d seconds; see its state with: keyshm-ctl holder %s",
                  arguments->pool, (int)pid, END_MS / 1000, arguments->pool);
}

static enum exit_status kill_process(const struct arguments *arguments, pid_t pid, int pidfd)
{
    if (send_kill(pidfd) || errno == ESRCH)
        return wait_for_end(arguments, pid, pidfd);
    if (errno == EPERM)
        return refuse("pool %s: this user may not kill pid %d, which holds the mutex; ask root to", arguments->pool,
                      (int)pid);
    return refuse("pool %s: cannot kill pid %d: %s", arguments->pool, (int)pid, system_error(errno));
}

static enum exit_status report_all(const struct arguments *arguments, const struct keyshm_snapshot *holder,
                                   const struct keyshm_snapshot *now, bool was_killed, bool was_in_change)
{
    json_t *members = holder_to_json(holder);
    json_t *recovery = json_pack("{s:b, s:b, s:I}", "was_killed", (int)was_killed, "was_in_change", (int)was_in_change,
                                 "recoveries", (json_int_t)now->recoveries);
    json_object_update(members, recovery);
    json_decref(recovery);
    return report(arguments->pool, members);
}

static enum exit_status show_recovery(const struct arguments *arguments, keyshm_pool *pool,
                                      const struct keyshm_snapshot *before, bool was_in_change)
{
    struct keyshm_snapshot *after;
    enum exit_status status = EXIT_FINE;
    int r = keyshm_snapshot(pool, &after);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        status = report_all(arguments, before, after, true, was_in_change);
    else
        printf("pool %s: pid %d was killed %s; the pool is recovered, and has %u keys\n", arguments->pool,
               (int)before->mutex_holder_pid,
               was_in_change ? "while it added or removed a key, and what it left of that was cleaned up"
                             : "and left no change unfinished",
               after->count);
    keyshm_snapshot_free(after);
    return status;
}

static enum exit_status recover(const struct arguments *arguments, keyshm_pool *pool,
                                const struct keyshm_snapshot *before)
{
    bool was_in_change = keyshm_verify(pool, NULL, NULL) == -EBUSY;
    int r = keyshm_repair(pool);
    return r < 0 ? fail(arguments->pool, r, NULL) : show_recovery(arguments, pool, before, was_in_change);
}

/* ---- break-lock: all of it, in order ---- */

static enum exit_status show_nobody(const struct arguments *arguments, const struct keyshm_snapshot *snapshot)
{
    if (arguments->json)
        return report_all(arguments, snapshot, snapshot, false, false);
    printf("pool %s: nobody holds the mutex; nothing was done\n", arguments->pool);
    return EXIT_FINE;
}

/* The holder may have changed, or have gone on, while the question was on the screen. */
static enum exit_status check_again(const struct arguments *arguments, keyshm_pool *pool, pid_t pid)
{
    struct keyshm_snapshot *snapshot;
    int r = keyshm_snapshot(pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    const char *objection = snapshot->mutex_holder_pid != pid
                                ? "the process that held the mutex has given it back; nothing was done"
                                : find_objection(snapshot);
    keyshm_snapshot_free(snapshot);
    return objection != NULL ? refuse("pool %s: %s", arguments->pool, objection) : EXIT_FINE;
}

static enum exit_status break_lock_of(const struct arguments *arguments, keyshm_pool *pool,
                                      const struct keyshm_snapshot *snapshot)
{
    char holder[TEXT_MUTEX_HOLDER_SIZE];
    pid_t pid = snapshot->mutex_holder_pid;
    const char *objection = find_objection(snapshot);
    if (objection != NULL)
        return refuse("pool %s: %s", arguments->pool, objection);

    int pidfd = open_process(pid);
    if (pidfd < 0)
        return refuse("pool %s: cannot open pid %d, which held the mutex: %s; try again", arguments->pool, (int)pid,
                      system_error(errno));
    text_mutex_holder(snapshot, holder);
    if (arguments->has_consent)
        complain("pool %s: killing the holder of its mutex: %s", arguments->pool, holder);
    enum exit_status status = ask(arguments, holder);
    if (status == EXIT_FINE)
        status = check_again(arguments, pool, pid);
    if (status == EXIT_FINE)
        status = kill_process(arguments, pid, pidfd);
    close(pidfd);
    return status == EXIT_FINE ? recover(arguments, pool, snapshot) : status;
}

enum exit_status cmd_break_lock(const struct arguments *arguments)
{
    keyshm_pool *pool;
    struct keyshm_snapshot *snapshot;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status;
    r = keyshm_snapshot(pool, &snapshot);
    if (r < 0) {
        status = fail(arguments->pool, r, NULL);
    } else {
        status =
            snapshot->mutex_holder_pid == 0 ? show_nobody(arguments, snapshot) : break_lock_of(arguments, pool, snapshot);
        keyshm_snapshot_free(snapshot);
    }
    keyshm_close(pool);
    return status;
}
