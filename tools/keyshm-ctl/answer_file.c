/* SPDX-License-Identifier: MIT */
#include "answer_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clocks.h"
#include "keyshm.h"
#include "program.h"

/* ---- before ---- */

/* 0, or the negative errno of access(2). */
static int check_directory(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return -ENOMEM;
    int r = faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
    free(copy);
    return r;
}

static int check_file(struct answer_file *file)
{
    if (stat(file->path, &file->before) < 0)
        return errno == ENOENT ? check_directory(file->path) : -errno;
    file->was_there = true;
    if (!S_ISREG(file->before.st_mode))
        return -EINVAL;
    return faccessat(AT_FDCWD, file->path, R_OK | W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

#define TICK_MS 4 /* of the clock of files, about */
#define TICKS_WAITED_MAX 50

/* The clock of files goes in steps. What is written within the same step as before has the same time, so wait for the next. */
static void wait_for_newer_time(const struct stat *before)
{
    struct timespec now;
    for (int i = 0; i < TICKS_WAITED_MAX; i++) {
        if (clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0 || is_before(&before->st_mtim, &now))
            return;
        clock_sleep_ms(TICK_MS);
    }
}

enum exit_status answer_file_begin(struct answer_file *file, const char *path)
{
    *file = (struct answer_file){.path = path};
    int r = check_file(file);
    if (r < 0)
        return refuse("the file given with --report cannot be used: %s; nothing was picked",
                      r == -EINVAL ? "it is not a regular file" : system_error(-r));
    if (file->was_there)
        wait_for_newer_time(&file->before);
    return EXIT_FINE;
}

/* ---- after ---- */

static bool is_written(const struct answer_file *file, const struct stat *now)
{
    const struct stat *before = &file->before;
    return !file->was_there || before->st_dev != now->st_dev || before->st_ino != now->st_ino ||
           before->st_size != now->st_size || before->st_mtim.tv_sec != now->st_mtim.tv_sec ||
           before->st_mtim.tv_nsec != now->st_mtim.tv_nsec;
}

static enum exit_status read_open(const struct answer_file *file, int fd, struct answer_input *input)
{
    struct stat now;
    if (fstat(fd, &now) < 0)
        return refuse("cannot read the file given with --report: %s", system_error(errno));
    if (!S_ISREG(now.st_mode))
        return refuse("cannot read the file given with --report: it is not a regular file any longer");
    if (!is_written(file, &now))
        return refuse("COMMAND has written no answer to the file given with --report: it is as it was before");
    return answer_read(input, fd, file->path);
}

enum exit_status answer_file_read(const struct answer_file *file, struct answer_input *input)
{
    *input = (struct answer_input){.text = NULL};
    int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return refuse("COMMAND has written no answer to the file given with --report: there is none");
    if (fd < 0)
        return refuse("cannot read the file given with --report: %s", system_error(errno));
    enum exit_status status = read_open(file, fd, input);
    close(fd);
    return status;
}
