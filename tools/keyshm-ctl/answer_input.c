/* SPDX-License-Identifier: MIT */
#include "answer_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "program.h"
#include "secret.h"

#define NO_ANSWER "it is no answer as curl -i prints it, which begins with a line such as HTTP/1.1 429 Too Many Requests"
#define NO_FIELD "this is neither a header field, NAME: VALUE, nor the empty line at the end of the header"
#define TOO_LONG "the header is longer than 256 KiB"
_Static_assert(ANSWER_HEAD_MAX == 256 * 1024, "TOO_LONG");

/* ---- lines ---- */

struct scan {
    char *text;
    size_t length;
    size_t at; /* the beginning of the next line */
    uint64_t line_number;
};

struct line {
    char *text;
    size_t length; /* without its end */
    bool is_ended;
};

/* False: nothing is left. */
static bool next_line(struct scan *scan, struct line *ret_line)
{
    if (scan->at >= scan->length)
        return false;
    char *begin = scan->text + scan->at;
    const char *end = memchr(begin, '\n', scan->length - scan->at);
    size_t length = end != NULL ? (size_t)(end - begin) : scan->length - scan->at;
    scan->at += length + (end != NULL);
    scan->line_number++;
    if (length > 0 && begin[length - 1] == '\r')
        length--;
    *ret_line = (struct line){begin, length, end != NULL};
    return true;
}

/* ---- the status line ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* HTTP/1.1 429 Too Many Requests, HTTP/2 429. The status; 0: it is no status line. */
static int status_of(const struct line *line)
{
    static const char name[] = "HTTP/";
    const char *at = line->text, *end = line->text + line->length;
    if (line->length < sizeof(name) - 1 || memcmp(at, name, sizeof(name) - 1) != 0)
        return 0;
    at += sizeof(name) - 1;
    if (at < end && is_digit(*at))
        at++;
    else
        return 0;
    if (end - at >= 2 && at[0] == '.' && is_digit(at[1]))
        at += 2;
    if (end - at < 4 || at[0] != ' ' || at[1] < '1' || at[1] > '9' || !is_digit(at[2]) || !is_digit(at[3]))
        return 0;
    if (end - at > 4 && at[4] != ' ')
        return 0;
    return 100 * (at[1] - '0') + 10 * (at[2] - '0') + (at[3] - '0');
}

/* Is another status line next? */
static bool is_at_status(const struct scan *scan)
{
    struct scan ahead = *scan;
    struct line line;
    return next_line(&ahead, &line) && status_of(&line) != 0;
}

/* ---- header fields ---- */

/* RFC 9110, 5.6.2 */
static bool is_token(const char *text, size_t length)
{
    static const char more[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < length; i++) {
        char c = text[i], lower = (char)(c | 0x20);
        if (!is_digit(c) && (lower < 'a' || lower > 'z') && (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return length > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_blank(**text)) {
        ++*text;
        --*length;
    }
    while (*length > 0 && is_blank((*text)[*length - 1]))
        --*length;
}

/* False: it is no field. */
static bool read_field(const struct line *line, struct keyshm_http_header *ret_header)
{
    const char *colon = memchr(line->text, ':', line->length);
    if (colon == NULL || memchr(line->text, '\0', line->length) != NULL)
        return false;
    *ret_header = (struct keyshm_http_header){
        .name = line->text,
        .name_length = (size_t)(colon - line->text),
        .value = colon + 1,
        .value_length = line->length - (size_t)(colon - line->text) - 1,
    };
    trim(&ret_header->value, &ret_header->value_length);
    return is_token(ret_header->name, ret_header->name_length);
}

/* The line goes on with the value of the field before it (RFC 9112, 5.2): what is between becomes blanks. */
static void join(struct keyshm_http_header *header, const struct line *line)
{
    char *end_of_value = line->text; /* the value is in the same text, before the line */
    while (end_of_value > header->value + header->value_length)
        *--end_of_value = ' ';
    header->value_length = (size_t)(line->text + line->length - header->value);
    trim(&header->value, &header->value_length);
}

/* ---- an answer ---- */

struct head {
    int status;
    size_t header_count;
    bool is_ended; /* by an empty line */
};

static const char *read_fields(struct scan *scan, struct keyshm_http_header *headers, struct head *head)
{
    struct line line;
    head->header_count = 0;
    head->is_ended = false;
    while (!head->is_ended && next_line(scan, &line) && line.is_ended) {
        struct keyshm_http_header *next = &headers[head->header_count];
        if (line.length == 0)
            head->is_ended = true;
        else if (is_blank(line.text[0]) && head->header_count > 0 && memchr(line.text, '\0', line.length) == NULL)
            join(next - 1, &line);
        else if (read_field(&line, next))
            head->header_count++;
        else
            return NO_FIELD;
        if (scan->at > ANSWER_HEAD_MAX)
            return TOO_LONG;
    }
    return !head->is_ended && scan->length > ANSWER_HEAD_MAX ? TOO_LONG : NULL;
}

static bool has_field(const struct keyshm_http_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (headers[i].name_length == strlen(name) && strncasecmp(headers[i].name, name, strlen(name)) == 0)
            return true;
    return false;
}

/* May another answer come after it? curl shows the head, without a body, of an interim answer, a redirect that it follows, a
 * demand to authenticate that it meets, and of the proxy's answer to CONNECT, whose success has no content. */
static bool may_precede(const struct head *head, const struct keyshm_http_header *headers)
{
    if (head->status >= 200 && head->status < 300)
        return !has_field(headers, head->header_count, "content-type") &&
               !has_field(headers, head->header_count, "content-length") &&
               !has_field(headers, head->header_count, "transfer-encoding");
    return head->status < 200 || (head->status >= 300 && head->status < 400) || head->status == 401 ||
           head->status == 407;
}

static const char *read_heads(struct scan *scan, struct keyshm_http_header *headers, struct head *ret_head)
{
    struct line line;
    do {
        if (!next_line(scan, &line) || (ret_head->status = status_of(&line)) == 0)
            return NO_ANSWER;
        const char *wrong = read_fields(scan, headers, ret_head);
        if (wrong != NULL)
            return wrong;
    } while (ret_head->is_ended && may_precede(ret_head, headers) && is_at_status(scan));
    return ret_head->status < 200 && ret_head->status != 101 ? "it ends before the answer: there is an interim one alone"
                                                             : NULL;
}

/* As many fields as there can be: each has a line. */
static size_t count_lines(const char *text, size_t length)
{
    size_t count = 1;
    for (const char *end = text + length; text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL; text++)
        count++;
    return count;
}

const char *answer_parse(struct answer_input *input, uint64_t *ret_line_number)
{
    struct scan scan = {.text = input->text, .length = input->length};
    struct head head = {.status = 0};
    size_t head_max = input->length < ANSWER_HEAD_MAX ? input->length : ANSWER_HEAD_MAX;
    *ret_line_number = 0;
    if (input->length == 0)
        return "there is no answer in it, it is empty";
    input->headers = calloc(count_lines(input->text, head_max) + 1, sizeof(*input->headers));
    if (input->headers == NULL)
        return keyshm_strerror(ENOMEM);
    const char *wrong = read_heads(&scan, input->headers, &head);
    *ret_line_number = scan.line_number;
    if (wrong != NULL)
        return wrong;
    size_t left = scan.length - scan.at;
    input->response = (struct keyshm_http_response)KEYSHM_HTTP_RESPONSE_INIT;
    input->response.status = head.status;
    input->response.headers = head.header_count > 0 ? input->headers : NULL;
    input->response.header_count = head.header_count;
    input->response.body = left > 0 ? scan.text + scan.at : NULL;
    input->response.body_length = left < KEYSHM_HTTP_BODY_MAX ? left : KEYSHM_HTTP_BODY_MAX;
    return NULL;
}

/* ---- from a file ---- */

/* Up to `size` bytes, less only at the end. A negative errno. */
static ssize_t read_whole(int fd, char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t count = read(fd, bytes + length, size - length);
        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return -errno;
        length += count > 0 ? (size_t)count : 0;
    }
    return (ssize_t)length;
}

#define DRAINED_MAX (64 << 20) /* what writes more has to live with a closed pipe */

/* So that a program that writes a long body to a pipe does not fail. */
static void drain(int fd)
{
    char bytes[16384];
    ssize_t count = 1;
    for (size_t drained = 0; count > 0 && drained < DRAINED_MAX; drained += sizeof(bytes))
        count = read_whole(fd, bytes, sizeof(bytes));
    explicit_bzero(bytes, sizeof(bytes));
}

enum exit_status answer_read(struct answer_input *input, int fd, const char *name)
{
    uint64_t line_number;
    *input = (struct answer_input){.text = malloc(ANSWER_TEXT_MAX)};
    if (input->text == NULL)
        return refuse("%s", keyshm_strerror(ENOMEM));
    ssize_t length = read_whole(fd, input->text, ANSWER_TEXT_MAX);
    if (length < 0)
        return refuse("cannot read %s: %s; nothing was marked", name, system_error((int)-length));
    input->length = (size_t)length;
    if (length == ANSWER_TEXT_MAX)
        drain(fd);
    const char *wrong = answer_parse(input, &line_number);
    if (wrong == NULL)
        return EXIT_FINE;
    return line_number == 0 ? refuse("%s: %s; nothing was marked", name, wrong)
                            : refuse("%s:%" PRIu64 ": %s; nothing was marked", name, line_number, wrong);
}

void answer_free(struct answer_input *input)
{
    secret_free(input->text);
    free(input->headers);
    *input = (struct answer_input){.text = NULL};
}
