/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_PROGRAM_H
#define KEYSHM_COMMON_PROGRAM_H

/* How both programs begin, speak and end. */

#include <stdbool.h>

enum exit_status {
    EXIT_FINE = 0,
    EXIT_REFUSED = 1, /* wrong usage, or it could not be done */
    EXIT_NO_POOL = 2, /* no such pool, or no permission */
    EXIT_DAMAGED = 3, /* another layout, or damage */
    EXIT_NO_KEY = 4,  /* keyshm-ctl: nothing to pick */
    EXIT_BROKEN = 4,  /* keyshm-stat --check: an invariant is */
};

/* First thing in main(): makes the standard streams safe to use, and sets the locale. */
void program_begin(void);

/* For a program that only reads: end silently when standard output has no reader any more, as others do. */
void program_end_with_reader(void);

/* The opposite: a closed pipe is an error of write(2). program_begin() calls it. */
void program_outlive_reader(void);

/* Last thing in main(): flushes standard output. Returns `status`, or a failure if not all of the output could be
 * written. */
enum exit_status program_end(enum exit_status status);

/* Print a line on standard error, after the program's name. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* The same; returns EXIT_REFUSED. */
__attribute__((format(printf, 1, 2))) enum exit_status refuse(const char *format, ...);

/* Say what is wrong with the option for which getopt_long(), with opterr off, returned '?' or ':'. `letters` are the
 * known short options. A value is never repeated: it may be a key. */
enum exit_status refuse_option(int returned, char *const *argv, const char *letters);

/* After wrong usage, say where the help is. Returns EXIT_REFUSED. */
enum exit_status point_to_help(void);

/* Refuse a value of the command line, and say what it must be: `rule`. `name` is that of the option or operand,
 * `command` the one that it belongs to, or "". The value is repeated if program_may_show(). Returns EXIT_REFUSED. */
enum exit_status refuse_value(const char *command, const char *name, const char *rule, const char *value);

/* May a message repeat this word of the command line? Not if it may be a key. Words in lower case, numbers and times
 * may be shown, also several with , : or = between them. */
bool program_may_show(const char *word);

void print_version(void);

/* The system's description of an errno value of one of its own calls, in English; keyshm_strerror() has other words for
 * some of them. A static string. */
const char *system_error(int error);

#endif
