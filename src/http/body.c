/* SPDX-License-Identifier: MIT */
#include "body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_repair.h"
#include "utf8.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define HTML_LOOK_BYTES 1024 /* a page says so at its beginning, though comments may stand before */

/* What comes after the first value does not count; a string may be all of a body; and a NUL in a string is no error. */
#define JSON_FLAGS (JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL)

struct span {
    const char *text;
    size_t length;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static void skip(struct span *span, size_t length)
{
    span->text += length;
    span->length -= length;
}

static bool begins_with(struct span span, const char *prefix)
{
    size_t length = strlen(prefix);
    return span.length >= length && memcmp(span.text, prefix, length) == 0;
}

static void trim_begin(struct span *span)
{
    while (span->length > 0 && is_blank(span->text[0]))
        skip(span, 1);
}

static void trim(struct span *span)
{
    trim_begin(span);
    while (span->length > 0 && is_blank(span->text[span->length - 1]))
        span->length--;
}

static bool is_end_of_line(char c)
{
    return c == '\n' || c == '\r';
}

static void skip_byte_order_mark(struct span *span)
{
    if (begins_with(*span, BYTE_ORDER_MARK))
        skip(span, sizeof(BYTE_ORDER_MARK) - 1);
}

/* A server that is not ready yet sends blank lines and comments, so that the connection is not closed. */
static void skip_preamble(struct span *span)
{
    skip_byte_order_mark(span);
    for (trim_begin(span); span->length > 0 && span->text[0] == ':'; trim_begin(span))
        while (span->length > 0 && !is_end_of_line(span->text[0]))
            skip(span, 1);
}

/* Whether it begins with a tag of this name, in any case. */
static bool is_tag(struct span span, const char *tag)
{
    size_t length = strlen(tag);
    if (span.length <= length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (lower(span.text[i]) != tag[i])
            return false;
    char after = span.text[length];
    return after == '>' || after == '/' || is_blank(after);
}

/* XML may have a <title> without being a page, as problems have (RFC 9457). */
static bool is_html(struct span span)
{
    static const char *const tags[] = {"<html", "<!doctype html", "<head", "<body", "<title"};
    if (span.length == 0 || span.text[0] != '<')
        return false;
    size_t count = begins_with(span, "<?xml") ? 2 : sizeof(tags) / sizeof(tags[0]);
    struct span rest = {span.text, span.length < HTML_LOOK_BYTES ? span.length : HTML_LOOK_BYTES};
    for (; rest.length > 0; skip(&rest, 1))
        for (size_t i = 0; rest.text[0] == '<' && i < count; i++)
            if (is_tag(rest, tags[i]))
                return true;
    return false;
}

/* Of UTF-8 or Latin-1; those of ISO 6429 (U+0080 to U+009F) are not printable either. */
static bool is_printable(const char *text, int utf8_bytes)
{
    unsigned char first = (unsigned char)text[0];
    if (utf8_bytes == 2)
        return first != 0xc2 || (unsigned char)text[1] >= 0xa0;
    if (utf8_bytes > 2)
        return true;
    return first < 0x80 ? (first >= ' ' && first != 0x7f) || is_blank(text[0]) : first >= 0xa0;
}

/* What is no UTF-8 is taken for Latin-1. A character that the end has cut is left out. */
static bool is_text(struct span *span, bool *is_cut)
{
    for (size_t i = 0; i < span->length;) {
        int bytes = utf8_length(span->text + i, span->length - i);
        if (bytes < 0) {
            span->length = i;
            *is_cut = true;
            return true;
        }
        bytes = bytes > 0 ? bytes : 1;
        if (!is_printable(span->text + i, bytes))
            return false;
        i += (size_t)bytes;
    }
    return true;
}

static void set_text(struct body *body, struct span span, bool is_cut)
{
    trim(&span);
    if (is_html(span))
        body->kind = BODY_HTML;
    else if (is_text(&span, &is_cut))
        body->kind = span.length > 0 ? BODY_TEXT : BODY_NONE;
    else {
        body->kind = BODY_UNREADABLE;
        return;
    }
    body->text = span.text;
    body->text_length = span.length;
    body->is_cut = is_cut;
}

bool body_string_is_cut(const json_t *string)
{
    size_t length = json_string_length(string);
    return length > 0 && json_string_value(string)[length - 1] == '\0';
}

/* jansson goes down by recursion, and stops at a depth for which the stack of a thread may be too small already. */
static bool may_be_deep(struct span span)
{
    size_t brackets = 0;
    for (size_t i = 0; i < span.length; i++)
        brackets += span.text[i] == '{' || span.text[i] == '[';
    return brackets > JSON_REPAIR_DEPTH_MAX;
}

static json_t *load(const char *text, size_t length, size_t *ret_read_length)
{
    json_error_t error = {0};
    json_t *json = json_loadb(text, length, JSON_FLAGS, &error);
    *ret_read_length = (size_t)error.position;
    return json;
}

static int load_repaired(struct body *body, struct span span, json_t **ret_json, size_t *ret_read_length)
{
    struct json_repaired repaired;
    int error = json_repair(span.text, span.length, &repaired);
    if (error != 0)
        return error;
    size_t ignored;
    *ret_json = load(repaired.text, repaired.length, &ignored);
    free(repaired.text);
    *ret_read_length = repaired.read_length;
    body->is_cut = repaired.is_cut;
    return *ret_json != NULL ? 0 : -ENOMEM; /* nothing else is wrong with what was repaired */
}

/* Most bodies are whole, well-formed and flat: they cost one parse. */
static int load_or_repair(struct body *body, struct span span, json_t **ret_json, size_t *ret_read_length)
{
    *ret_json = may_be_deep(span) ? NULL : load(span.text, span.length, ret_read_length);
    return *ret_json != NULL ? 0 : load_repaired(body, span, ret_json, ret_read_length);
}

/* A text may begin as a list or a string does: [429] Too Many Requests. */
static bool is_text_after_all(const json_t *json, struct span rest)
{
    trim(&rest);
    if (rest.length == 0 || json_is_object(json))
        return false;
    const json_t *first = json_array_get(json, 0);
    return !json_is_object(first) && !json_is_array(first);
}

static void set_string(struct body *body, json_t *string)
{
    bool is_cut = body_string_is_cut(string);
    body->owned_value = string;
    set_text(body, (struct span){json_string_value(string), json_string_length(string) - is_cut}, is_cut);
}

static int read_json(struct body *body, struct span span, bool is_cut)
{
    json_t *json = NULL;
    size_t read_length = 0;
    int error = load_or_repair(body, span, &json, &read_length);
    if (error == -ENOMSG) {
        set_text(body, span, is_cut);
        return 0;
    }
    if (error == -EBADMSG) {
        body->kind = BODY_UNREADABLE;
        return 0;
    }
    if (error != 0)
        return error;
    if (!body->is_cut && is_text_after_all(json, (struct span){span.text + read_length, span.length - read_length})) {
        json_decref(json);
        set_text(body, span, is_cut);
    } else if (json_is_string(json)) {
        set_string(body, json);
    } else {
        body->kind = BODY_JSON;
        body->json = json;
    }
    return 0;
}

static bool begins_as_json(struct span span)
{
    return span.length > 0 && (span.text[0] == '{' || span.text[0] == '[' || span.text[0] == '"');
}

/* is_cut: the end of the span is none of a body or an event. What is complete nevertheless, as JSON may be, is not cut. */
static int read_span(struct body *body, struct span span, bool is_cut)
{
    skip_preamble(&span);
    if (begins_as_json(span))
        return read_json(body, span, is_cut);
    set_text(body, span, is_cut);
    return 0;
}

int body_read(struct body *ret_body, const char *bytes, size_t length, bool is_encoded)
{
    struct body body = {.kind = BODY_UNREADABLE};
    struct span span = {bytes, length < BODY_MAX ? length : BODY_MAX};
    int error = is_encoded && length > 0 ? 0 : read_span(&body, span, length > BODY_MAX);
    if (error == 0)
        *ret_body = body;
    return error;
}

/* An event, as its lines are read. */
struct event {
    struct span data;
    size_t line_count; /* of data */
    char *joined;      /* several lines of data */
    size_t joined_max;
    bool is_error;
    bool is_whole; /* an empty line has ended it */
};

/* The next line, without its end: LF, CR or both. */
static struct span take_line(struct span *stream)
{
    struct span line = {stream->text, 0};
    while (line.length < stream->length && !is_end_of_line(line.text[line.length]))
        line.length++;
    size_t taken = line.length;
    if (taken < stream->length)
        taken += begins_with((struct span){stream->text + taken, stream->length - taken}, "\r\n") ? 2 : 1;
    skip(stream, taken);
    return line;
}

/* One line is read where it is; several are joined in a buffer that has room for all of the stream. */
static int add_data(struct event *event, struct span line)
{
    if (event->line_count++ == 0) {
        event->data = line;
        return 0;
    }
    if (event->joined == NULL)
        event->joined = malloc(event->joined_max);
    if (event->joined == NULL)
        return -ENOMEM;
    if (event->data.text != event->joined)
        memcpy(event->joined, event->data.text, event->data.length);
    event->data.text = event->joined;
    event->joined[event->data.length++] = '\n';
    memcpy(event->joined + event->data.length, line.text, line.length);
    event->data.length += line.length;
    return 0;
}

/* A line "name: value"; a comment has an empty name. */
static int add_field(struct event *event, struct span line)
{
    struct span name = line;
    name.length = 0;
    while (name.length < line.length && line.text[name.length] != ':')
        name.length++;
    skip(&line, name.length);
    if (line.length > 0)
        skip(&line, 1);
    if (line.length > 0 && line.text[0] == ' ')
        skip(&line, 1);
    if (name.length == 4 && begins_with(name, "data"))
        return add_data(event, line);
    if (name.length == 5 && begins_with(name, "event"))
        event->is_error = line.length == 5 && begins_with(line, "error");
    return 0;
}

static bool has_data(const struct event *event)
{
    struct span data = event->data;
    trim_begin(&data);
    return data.length > 0;
}

/* The first event with data: as far as it has come. */
static int take_event(struct event *event, struct span stream)
{
    int error = 0;
    event->joined_max = stream.length;
    while (error == 0 && stream.length > 0 && !event->is_whole) {
        struct span line = take_line(&stream);
        if (line.length > 0)
            error = add_field(event, line);
        else if (has_data(event))
            event->is_whole = true;
        else
            *event = (struct event){.joined = event->joined, .joined_max = event->joined_max};
    }
    return error;
}

int body_read_event(struct body *ret_body, const char *bytes, size_t length)
{
    struct span stream = {bytes, length < BODY_MAX ? length : BODY_MAX};
    struct span begin = stream;
    skip_preamble(&begin);
    if (begins_as_json(begin))
        return body_read(ret_body, bytes, length, false);
    skip_byte_order_mark(&stream);
    struct event event = {0};
    struct body body = {0};
    int error = take_event(&event, stream);
    if (error == 0 && has_data(&event))
        error = read_span(&body, event.data, !event.is_whole);
    if (error != 0) {
        free(event.joined);
        return error;
    }
    body.is_error_event = body.kind != BODY_NONE && event.is_error;
    body.owned_data = event.joined;
    *ret_body = body;
    return 0;
}

void body_free(struct body *body)
{
    json_decref(body->json);
    json_decref(body->owned_value);
    free(body->owned_data);
    *body = (struct body){0};
}
