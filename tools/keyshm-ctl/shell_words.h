/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_SHELL_WORDS_H
#define KEYSHM_CTL_SHELL_WORDS_H

/* Words with quotes around them, as a shell has them (POSIX.1, "Shell Command Language", 2.2). Nothing is expanded. */

/* Of a word of so many bytes, at most. */
#define SHELL_QUOTED_SIZE(length) (4 * (length) + 3)

/* In quotes, unless it needs none. */
void shell_quote(const char *word, char *ret_text);

/* Split a line into words, in place. A # at the beginning of a word begins a comment. Returns how many there are; -EINVAL: a
 * quote is not closed; -E2BIG: there are more than `max`. */
int shell_split(char *line, const char *words[], int max);

#endif
