/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_PROGRAM_H
#define KEYSHM_COMMON_PROGRAM_H

/* How both programs begin, speak and end. */

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

void print_version(void);

/* The system's description of an errno value of one of its own calls, in English; keyshm_strerror() has other words for some
 * of them. A static string. */
const char *system_error(int error);

#endif
