/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_JSON_LINE_H
#define KEYSHM_HTTP_JSON_LINE_H

/* In which line of a JSON text something stands: jansson says it of errors of the syntax only. */

#include "rule_reader.h"

/* The text has been parsed, so it is well-formed. The first line is 1. Steps that are not there: where the last that is begins. */
unsigned json_line(const char *text, size_t length, const struct reader_step *steps, unsigned depth);

#endif
