/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_JSON_REPAIR_H
#define KEYSHM_HTTP_JSON_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * JSON that was cut, or that jansson refuses for what does not matter here, as JSON that it takes. In one pass, without recursion.
 */

#define JSON_REPAIR_DEPTH_MAX 128 /* what lies deeper is not read: the text counts as cut before it */

struct json_repaired {
    char *text; /* the caller frees it */
    size_t length;
    size_t read_length; /* of the original: through the end of the first value */
    bool is_cut;
};

/*
 * Where the text ends before its first value does, a number, a literal, an escape or a key that is not complete is left out, with
 * the member that it belongs to; a string that is a value gets a NUL at its end; and what is open is closed. In strings, what is not
 * UTF-8 becomes '?', as do control characters, but tabs and ends of lines blanks; halves of surrogate pairs become U+FFFD. Numbers
 * that are too large become null.
 *
 * -ENOMEM
 * -ENOMSG   it begins with a '[' that is no list's: "[DONE]", "[error] too many requests"
 * -EBADMSG  it is broken somewhere else
 */
int json_repair(const char *text, size_t length, struct json_repaired *ret_repaired);

#endif
