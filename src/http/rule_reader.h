/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_RULE_READER_H
#define KEYSHM_HTTP_RULE_READER_H

/* A provider's JSON is read into what the judge uses, and checked. */

#include "rule_set.h"

enum { READER_DEPTH_MAX = 16, READER_PROBLEM_SIZE = 640 };

/* Where in a file something is: names of members, and numbers of elements. */
struct reader_step {
    const char *member; /* NULL: an element */
    size_t element;
};

/* What is wrong with a file. */
struct reader_problem {
    char text[READER_PROBLEM_SIZE]; /* "": nothing */
    unsigned depth;
    struct reader_step steps[READER_DEPTH_MAX];
};

/*
 * Read a provider of the set; those of `general_or_null` stand behind its own. What it points to is in the set's arena. Check
 * problem->text, and the arena, after it.
 */
void rule_reader_read(struct rule_set *set, json_t *file, const struct provider *general_or_null,
                      struct provider *ret_provider, struct reader_problem *ret_problem);

#endif
