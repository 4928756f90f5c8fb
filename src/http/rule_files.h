/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_RULE_FILES_H
#define KEYSHM_HTTP_RULE_FILES_H

/* The files of rules are read, checked and put together. */

#include "rule_set.h"

/* Those that are compiled in, made by embed.py. */
struct built_in_file {
    const char *text;
    size_t length;
};
extern const struct built_in_file built_in_files[];
extern const size_t built_in_file_count;

/*
 * The rules that are compiled in, with those of a directory; NULL: without. Problems of files are told to fn_or_null. 0,
 * -EINVAL (a bad file), -ENOMEM, or an error of opendir(3), open(2) or read(2).
 */
int rule_files_make_set(const char *directory_or_null, keyshm_problem_fn *fn_or_null, void *user,
                        struct rule_set **ret_set);

void rule_set_free(struct rule_set *set);

#endif
