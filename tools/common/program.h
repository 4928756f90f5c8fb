/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_PROGRAM_H
#define KEYSHM_COMMON_PROGRAM_H

/* How both programs begin, speak and end. */

#include "failure.h"

/* First thing in main(): makes the standard streams safe to use, and takes over the locale. */
void program_begin(void);

/* Last thing in main(): what was printed must have arrived. Returns the exit status, `status` if all is well. */
enum exit_status program_end(enum exit_status status);

/* A line on standard error, with the program's name in front. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* The same, and returns EXIT_REFUSED. */
__attribute__((format(printf, 1, 2))) enum exit_status refuse(const char *format, ...);

/* Say what is wrong with the option at which getopt_long(), with opterr off, returned '?' or ':'. `letters` are the short
 * options that there are. Never repeats a value: it may be a key. */
enum exit_status refuse_option(int returned, char *const *argv, const char *letters);

/* Where to read on after wrong usage. Returns EXIT_REFUSED. */
enum exit_status point_to_help(void);

void print_version(void);

#endif
