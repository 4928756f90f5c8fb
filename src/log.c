/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MESSAGE_SIZE 512
#define LOG_SILENT (-1)
#define LOG_NOT_ASKED INT_MAX

/* Atomic so that a keyshm_set_log() at the wrong moment is not undefined behaviour. That the three match is the caller's
 * part: its contract says "before other threads use keyshm". */
_Atomic int log_least = LOG_NOT_ASKED;
static _Atomic(keyshm_log_fn *) log_fn;
static _Atomic(void *) log_user;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;

static const char *const level_names[] = {
    [KEYSHM_LOG_ERROR] = "error",
    [KEYSHM_LOG_WARNING] = "warning",
    [KEYSHM_LOG_INFO] = "info",
    [KEYSHM_LOG_DEBUG] = "debug",
};
#define LEVEL_COUNT ((int)(sizeof(level_names) / sizeof(level_names[0])))

/* `user` is the descriptor. One call, so that lines of different workers do not mix. */
static void log_to_fd(enum keyshm_log_level level, const char *message, void *user)
{
    char line[LOG_MESSAGE_SIZE + sizeof("keyshm: warning: \n")];
    int length = snprintf(line, sizeof(line), "keyshm: %s: %s\n", level_names[level], message);
    ssize_t written = write((int)(intptr_t)user, line, (size_t)length);
    (void)written; /* there is nobody to be told */
}

static void *user_of_fd(int fd)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): nothing is read through it, so there is nothing to optimise */
    return (void *)(intptr_t)fd; /* cppcheck-suppress intToPointerCast ; it is never followed */
}

static void log_from_environment(void)
{
    const char *wanted = secure_getenv("KEYSHM_LOG");
    atomic_store(&log_least, LOG_SILENT);
    if (wanted == NULL)
        return;
    for (int level = 0; level < LEVEL_COUNT; level++) {
        if (strcmp(wanted, level_names[level]) == 0) {
            atomic_store(&log_fn, log_to_fd);
            atomic_store(&log_user, user_of_fd(STDERR_FILENO));
            atomic_store(&log_least, level);
        }
    }
}

bool log_is_wanted(enum keyshm_log_level level)
{
    pthread_once(&log_once, log_from_environment);
    return (int)level <= atomic_load_explicit(&log_least, memory_order_relaxed);
}

void log_message(enum keyshm_log_level level, const char *format, ...)
{
    if (!log_is_on(level))
        return;
    keyshm_log_fn *fn = atomic_load(&log_fn);
    if (fn == NULL)
        return;

    char message[LOG_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    fn(level, message, atomic_load(&log_user));
}

void keyshm_set_log(keyshm_log_fn *fn_or_null, void *user, enum keyshm_log_level least)
{
    /* The environment counts only where the program sets nothing; it is read once. */
    pthread_once(&log_once, log_from_environment);
    atomic_store(&log_least, LOG_SILENT);
    atomic_store(&log_user, user);
    atomic_store(&log_fn, fn_or_null);
    if (fn_or_null != NULL)
        atomic_store(&log_least, (int)least);
}

void keyshm_set_log_fd(int fd, enum keyshm_log_level least)
{
    keyshm_set_log(fd >= 0 ? log_to_fd : NULL, user_of_fd(fd), least);
}
