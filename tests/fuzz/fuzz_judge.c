/* SPDX-License-Identifier: MIT */

/*
 * Judge an answer: an input is its first line (provider, status, transport, time), then its header, an empty line and its body.
 * Names, values and the body are each in memory of their own, so that AddressSanitizer sees a look behind them.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdicts.h"

enum { FIELDS_MAX = 64, FIRST_LINE_MAX = 200 };

struct input {
    const char *at, *end;
};

static char *copy(const char *text, size_t length)
{
    char *bytes = malloc(length > 0 ? length : 1);
    if (bytes == NULL)
        abort();
    memcpy(bytes, text, length);
    return bytes;
}

/* Without its end. */
static const char *next_line(struct input *input, size_t *ret_length)
{
    const char *line = input->at;
    const char *end = memchr(line, '\n', (size_t)(input->end - line));
    *ret_length = (size_t)((end != NULL ? end : input->end) - line);
    input->at = end != NULL ? end + 1 : input->end;
    return line;
}

/* The memory of a field. */
struct field {
    char *name, *value;
};

static size_t read_headers(struct input *input, struct keyshm_http_header *headers, struct field *fields)
{
    size_t count = 0, length;
    while (count < FIELDS_MAX) {
        const char *line = next_line(input, &length);
        const char *colon = length > 0 ? memchr(line, ':', length) : NULL;
        if (length == 0)
            break;
        size_t name = colon != NULL ? (size_t)(colon - line) : length;
        size_t skipped = name + (colon != NULL) + (colon != NULL && name + 1 < length && line[name + 1] == ' ');
        fields[count] = (struct field){copy(line, name), copy(line + skipped, length - skipped)};
        headers[count] = (struct keyshm_http_header){fields[count].name, name, fields[count].value, length - skipped};
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {(const char *)bytes, (const char *)bytes + size};
    struct keyshm_http_header headers[FIELDS_MAX];
    struct field fields[FIELDS_MAX];
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    char first[FIRST_LINE_MAX + 1], provider[FIRST_LINE_MAX + 1];
    size_t length;
    int transport = 0;
    long long now_unix_ms = 0;
    const char *line = next_line(&input, &length);
    length = length < FIRST_LINE_MAX ? length : FIRST_LINE_MAX;
    memcpy(first, line, length);
    first[length] = '\0';
    if (sscanf(first, "%200s %d %d %lld", provider, &response.status, &transport, &now_unix_ms) < 2)
        return 0;
    response.transport = (enum keyshm_http_transport)transport;
    response.now_unix_ms = now_unix_ms;
    response.headers = headers;
    response.header_count = read_headers(&input, headers, fields);
    response.body_length = (size_t)(input.end - input.at);
    char *body = copy(input.at, response.body_length);
    response.body = body;
    verdicts_judge(provider, &response);
    free(body);
    for (size_t i = 0; i < response.header_count; i++) {
        free(fields[i].name);
        free(fields[i].value);
    }
    return 0;
}
