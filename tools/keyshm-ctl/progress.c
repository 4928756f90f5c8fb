/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clocks.h"

#define PATIENCE_MS 500 /* no line for work that takes less */
#define INTERVAL_MS 250
#define CLEAR_LINE "\r\033[K"

#define NUMBER_SIZE 32

/* With a comma between thousands. Returns the first digit, in `buffer`. */
static const char *group_digits(size_t number, char buffer[NUMBER_SIZE])
{
    char *begin = &buffer[NUMBER_SIZE - 1];
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
                                  .next_ms = clock_monotonic_ms() + PATIENCE_MS};
}

void progress_show(struct progress *progress, size_t done)
{
    char done_text[NUMBER_SIZE], total_text[NUMBER_SIZE];
    if (!progress->is_on || clock_monotonic_ms() < progress->next_ms)
        return;
    fprintf(stderr, CLEAR_LINE "%s %s of %s %s", progress->what, group_digits(done, done_text),
            group_digits(progress->total, total_text), progress->unit);
    progress->is_shown = true;
    progress->next_ms = clock_monotonic_ms() + INTERVAL_MS;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs(CLEAR_LINE, stderr);
    progress->is_shown = false;
}
