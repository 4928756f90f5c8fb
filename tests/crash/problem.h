/* SPDX-License-Identifier: MIT */
#ifndef PROBLEM_H
#define PROBLEM_H

/* What is wrong with a pool, in words. Only the first problem is kept: the others are mostly its consequences. */

enum { PROBLEM_SIZE = 160 };

void problem_forget(void);
const char *problem_text(void); /* "": none */

__attribute__((format(printf, 1, 2))) void problem_blame(const char *format, ...);

/* For keyshm_verify(). */
void problem_note(const char *problem, void *user);

#define HOLD(condition, ...) ((condition) ? (void)0 : problem_blame(__VA_ARGS__))

#endif
