/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 500 /* what is done by then needs no line */
#define INTERVAL_MS 250
#define CLEAR_LINE "\r\033[K"

#define NUMBER_SIZE 32

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With a comma between thousands. Returns where it begins in `buffer`. */
static const char *group_digits(size_t number, char buffer[NUMBER_SIZE])
{
    char *begin = buffer + NUMBER_SIZE - 1;
    *begin = '\0';
    for (int count = 0; number > 0 || count == 0; count++, number /= 10) {
        if (count > 0 && count % 3 == 0)
            *--begin = ',';
        *--begin = (char)('0' + number % 10);
    }
    return begin;
}

void progress_begin(struct progress *progress, const char *what, const char *unit, size_t total)
{
    *progress = (struct progress){.what = what,
                                  .unit = unit,
                                  .total = total,
                                  .is_on = isatty(STDERR_FILENO) == 1,
                                  .next_ms = now_ms() + PATIENCE_MS};
}

void progress_tell(struct progress *progress, size_t done)
{
    char done_text[NUMBER_SIZE], total_text[NUMBER_SIZE];
    if (!progress->is_on || now_ms() < progress->next_ms)
        return;
    fprintf(stderr, CLEAR_LINE "%s %s of %s %s", progress->what, group_digits(done, done_text),
            group_digits(progress->total, total_text), progress->unit);
    progress->is_shown = true;
    progress->next_ms = now_ms() + INTERVAL_MS;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs(CLEAR_LINE, stderr);
    progress->is_shown = false;
}
