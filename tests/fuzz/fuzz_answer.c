/* SPDX-License-Identifier: MIT */

/*
 * The answer of an HTTP API as text: whatever it contains, it is refused with a line that it has, or what was understood lies
 * within it, in its order.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "answer_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void need(bool condition)
{
    if (!condition)
        abort();
}

static uint64_t count_lines(const uint8_t *text, size_t length)
{
    uint64_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

/* NULL, or what is wrong. The copy has exactly these bytes, so that a read behind them is found. */
static const char *parse(struct answer_input *answer, const uint8_t *text, size_t length)
{
    uint64_t line_number;
    *answer = (struct answer_input){.text = malloc(length), .length = length};
    need(answer->text != NULL || length == 0);
    if (length > 0)
        memcpy(answer->text, text, length);
    const char *wrong = answer_parse(answer, &line_number);
    need(line_number <= count_lines(text, length));
    return wrong;
}

static bool is_within(const struct answer_input *answer, const char *bytes, size_t length)
{
    return bytes >= answer->text && length <= answer->length && bytes + length <= answer->text + answer->length;
}

static void check(const struct answer_input *answer)
{
    const struct keyshm_http_response *response = &answer->response;
    const char *behind = answer->text;
    need(response->status >= 100 && response->status <= 999);
    for (size_t i = 0; i < response->header_count; i++) {
        const struct keyshm_http_header *header = &response->headers[i];
        need(is_within(answer, header->name, header->name_length) && header->name_length > 0);
        need(is_within(answer, header->value, header->value_length));
        need(header->name >= behind && header->value > header->name);
        need(memchr(header->value, '\n', header->value_length) == NULL);
        behind = header->value + header->value_length;
    }
    need(response->body_length <= KEYSHM_HTTP_BODY_MAX && (response->body == NULL) == (response->body_length == 0));
    need(response->body == NULL ||
         (is_within(answer, response->body, response->body_length) && response->body >= behind));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct answer_input answer;
    if (parse(&answer, input, input_bytes) == NULL)
        check(&answer);
    answer_free(&answer);
    return 0;
}
