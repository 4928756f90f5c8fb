/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

/* What came out, for people and for programs: both from the lists of work.h. */

#include "measure.h"

struct report {
    char date[32]; /* when it began, in UTC */
    char processor[80];
    long processors;
    char system[80];
    char libc[32];
    const char *compiler;
    double load[2]; /* how busy the machine was, before and after: the average of the last minute */
    const struct pace *pace;
    const char *instructions_path; /* as bench/instructions prints them; NULL: not counted */
};

/* Before measuring. What is not known of the machine is "unknown". */
void report_begin(struct report *report, const struct pace *pace, const char *instructions_path_or_null);

/* After it. */
void report_end(struct report *report);

void report_text(const struct report *report);

/* False, and errno, when the file could not be written. */
bool report_json(const struct report *report, const char *path);

/* The counts of instructions, one call of fn for each. False when there are none. */
bool report_each_count(const struct report *report, void (*fn)(const char *name, double count, void *user), void *user);

#endif
