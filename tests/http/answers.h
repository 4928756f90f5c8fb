/* SPDX-License-Identifier: MIT */
#ifndef ANSWERS_H
#define ANSWERS_H

/* The cases of tests/http/cases: answers, and what a good reader makes of them. */

#include <jansson.h>
#include <keyshm-http.h>
#include <stdbool.h>
#include <stdio.h>

enum { ANSWER_FIELDS_MAX = 64 };

struct case_of_answer {
    json_t *json;
    const char *id, *provider;
    struct keyshm_http_header headers[ANSWER_FIELDS_MAX];
    char *body;
    struct keyshm_http_response response;
};

/* Reads the next line of a file; false at its end. Exits when a line is bad. */
bool case_read(FILE *file, struct case_of_answer *ret_case);
void case_free(struct case_of_answer *answer);

/* 0, or how many things are wrong with the verdict; each is printed. */
int case_compare(const struct case_of_answer *answer, const struct keyshm_http_verdict *verdict);

#endif
