/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_BODY_H
#define KEYSHM_HTTP_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * What a body is. It comes from outside, perhaps cut anywhere, compressed or broken: whatever it is, the time is linear in its
 * length, of which the first BODY_MAX bytes are looked at, and nothing of it is written anywhere.
 */

#define BODY_MAX 65536

enum body_kind {
    BODY_NONE,       /* empty, or blanks only */
    BODY_JSON,       /* an object or an array. A string alone is BODY_TEXT, and so is all else */
    BODY_HTML,       /* a page */
    BODY_TEXT,       /* printable, in UTF-8 or Latin-1; also XML */
    BODY_UNREADABLE, /* compressed, binary, or begun as JSON and broken */
};

struct body {
    enum body_kind kind;
    bool is_cut;         /* it goes on after what was read */
    bool is_error_event; /* of body_read_event(): the name of the event is "error" */
    json_t *json;        /* of BODY_JSON: owned */
    const char *text;    /* of BODY_TEXT and BODY_HTML, without blanks at the ends: a part of `bytes`, or of owned_* */
    size_t text_length;
    char *owned_data;    /* lines of data of an event, joined */
    json_t *owned_value; /* a string that was alone */
};

/*
 * Blank lines, a byte order mark and lines of comments (": keep-alive") before it do not count.
 *
 * JSON: what comes after the first value does not count. Where the body ends before its JSON does, what stands before the cut
 * counts and is_cut is set: a number, a literal or a key that is not complete is left out, and a string that is a value is kept
 * as far as it came, see body_string_is_cut(). Bytes that are not UTF-8, control characters in strings and numbers too large
 * for jansson are no errors; see json_repair.h for what they become, and how deep it is read.
 *
 * is_encoded: with a Content-Encoding other than "identity"; then it is BODY_UNREADABLE, unless it is empty.
 *
 * `bytes` must stay as long as ret_body. After -ENOMEM there is nothing to free.
 */
int body_read(struct body *ret_body, const char *bytes, size_t length, bool is_encoded);

/*
 * The data of the first event that has any, of an event stream (text/event-stream); BODY_NONE: none has come yet. It is read as a
 * body is. A body that is no stream, although it was called one, but JSON, is read as that.
 */
int body_read_event(struct body *ret_body, const char *bytes, size_t length);

void body_free(struct body *body);

/*
 * The string goes on after what is there. Its last character is a NUL then, which is no part of it. (A string that was sent with a NUL
 * at its end counts as cut, too.)
 */
bool body_string_is_cut(const json_t *string);

#endif
