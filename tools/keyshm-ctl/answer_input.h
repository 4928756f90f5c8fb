/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_ANSWER_INPUT_H
#define KEYSHM_CTL_ANSWER_INPUT_H

/* The answer of an HTTP API as text: a status line, header fields, an empty line and the body, as "curl -i" prints it. Keys may
 * be in it. */

#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "keyshm-http.h"

#define ANSWER_HEAD_MAX 262144 /* bytes of status lines and header fields, of all answers together */
#define ANSWER_TEXT_MAX (ANSWER_HEAD_MAX + KEYSHM_HTTP_BODY_MAX)

struct answer_input {
    char *text;
    size_t length;
    struct keyshm_http_header *headers;   /* they point into the text */
    struct keyshm_http_response response; /* it points into the text, too */
};

/*
 * Understand input->text, which is changed where a field goes on in the next line. Interim answers, those of a proxy that opened
 * a tunnel, redirects and demands to authenticate stand before the answer, which is the last. The text may end anywhere: a line
 * of the header that has no end is as if it had not come.
 *
 * NULL, or what is wrong with it, and *ret_line_number says where; 0: nowhere in particular.
 */
const char *answer_parse(struct answer_input *input, uint64_t *ret_line_number);

/* Read it from there to the end, of which ANSWER_TEXT_MAX bytes count, and understand it. If that cannot be done, say so on
 * standard error, with `name`, that of the file. Returns the exit status. */
enum exit_status answer_read(struct answer_input *input, int fd, const char *name);

/* Wipe it. Also after a failure, and of one that is all zero. */
void answer_free(struct answer_input *input);

#endif
