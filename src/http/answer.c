/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "words.h"

enum { CODE_BYTES_MAX = 256 };

_Static_assert(BODY_MAX == KEYSHM_HTTP_BODY_MAX, "as much of a body is read as the interface says");

/* ---- headers ---- */

static void note_header(struct answer *answer, const struct header_name *name, unsigned index)
{
    uint16_t *link = &answer->first[name->number];
    while (*link != 0)
        link = &answer->next[*link - 1];
    *link = (uint16_t)(index + 1);
    answer->next[index] = 0;
}

static bool is_short(const struct keyshm_http_header *header)
{
    return header->value_length <= ANSWER_HEADER_BYTES_MAX && header->name_length > 0 &&
           header->name_length <= ANSWER_HEADER_BYTES_MAX;
}

const struct header_name *answer_budget_name(const struct provider *provider, const struct header_name *general_or_null,
                                             const char *name, size_t length)
{
    const struct header_name *own =
        provider->budget_names.places != NULL ? header_names_find(&provider->budget_names, name, length) : NULL;
    if (own != NULL)
        return own;
    return general_or_null != NULL && general_or_null->part != BUDGET_NO_PART ? general_or_null : NULL;
}

void answer_init(struct answer *answer, const struct rule_set *set, const struct provider *provider,
                 const struct keyshm_http_response *response)
{
    answer->set = set;
    answer->provider = provider;
    answer->response = response;
    answer->status = response->status;
    answer->server_unix_ms = answer->hint_ms = 0;
    answer->budget_header_count = answer->budget_count = answer->code_count = answer->message_count = 0;
    answer->code_bits = 0;
    answer->has_whole_code = answer->has_whole_message = answer->is_cut = false;
    answer->document = NULL;
    answer->body = (struct body){.kind = BODY_NONE};
    answer->lower_used = 0;
    memset(answer->first, 0, set->names.number_count * sizeof(answer->first[0]));
    for (size_t i = 0; i < response->header_count && i < ANSWER_HEADERS_MAX; i++) {
        const struct keyshm_http_header *header = &response->headers[i];
        if (!is_short(header))
            continue;
        const struct header_name *name = header_names_find(&set->names, header->name, header->name_length);
        if (name != NULL && name->number != HEADER_NONE)
            note_header(answer, name, (unsigned)i);
        const struct header_name *budget = answer_budget_name(provider, name, header->name, header->name_length);
        if (budget != NULL && answer->budget_header_count < ANSWER_BUDGET_HEADERS_MAX)
            answer->budget_headers[answer->budget_header_count++] =
                (struct answer_budget_header){budget, header->value, header->value_length};
    }
}

void answer_visit_headers(const struct answer *answer, unsigned number, answer_header_fn *fn, void *user)
{
    for (unsigned i = answer->first[number]; i != 0; i = answer->next[i - 1]) {
        const struct keyshm_http_header *header = &answer->response->headers[i - 1];
        if (!fn(header->value, header->value_length, user))
            return;
    }
}

struct type_search {
    const char *type;
    bool is_found;
};

static bool match_type(const char *value, size_t length, void *user)
{
    struct type_search *search = user;
    size_t size = strlen(search->type);
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    search->is_found = length >= size && strncasecmp(value, search->type, size) == 0 &&
                       (length == size || strchr(" \t;,", value[size]) != NULL);
    return !search->is_found;
}

static const char stream_type[] = "text/event-stream";

static bool begins_as_stream(const struct keyshm_http_response *response)
{
    return (response->body_length >= 6 && memcmp(response->body, "event:", 6) == 0) ||
           (response->body_length >= 5 && memcmp(response->body, "data:", 5) == 0);
}

bool answer_is_stream(const struct answer *answer)
{
    struct type_search search = {.type = stream_type};
    answer_visit_headers(answer, HEADER_CONTENT_TYPE, match_type, &search);
    return search.is_found || begins_as_stream(answer->response);
}

static bool is_stream_type(const struct keyshm_http_header *header)
{
    static const char name[] = "content-type";
    struct type_search search = {.type = stream_type};
    if (header->name_length != sizeof(name) - 1 || strncasecmp(header->name, name, sizeof(name) - 1) != 0)
        return false;
    match_type(header->value, header->value_length, &search);
    return search.is_found;
}

/* The filter is wrong about some: then the table says. */
static bool is_of_budget(const struct rule_set *set, const struct provider *provider,
                         const struct keyshm_http_header *header)
{
    if (!name_filter_has(&provider->budget_filter, header->name, header->name_length))
        return false;
    const struct header_name *name = header_names_find(&set->names, header->name, header->name_length);
    return (name != NULL && name->number == HEADER_RATELIMIT) ||
           answer_budget_name(provider, name, header->name, header->name_length) != NULL;
}

bool answer_says_nothing(const struct rule_set *set, const struct provider *provider,
                         const struct keyshm_http_response *response)
{
    if (provider->success_is_judged || begins_as_stream(response))
        return false;
    for (size_t i = 0; i < response->header_count && i < ANSWER_HEADERS_MAX; i++) {
        const struct keyshm_http_header *header = &response->headers[i];
        if (!answer_is_header(header))
            return false;
        if (header->name_length > 0 && (is_of_budget(set, provider, header) || is_stream_type(header)))
            return false;
    }
    return true;
}

bool answer_is_success(int status)
{
    return (status >= 200 && status <= 299) || status == 304;
}

/* ---- the server's clock ---- */

static bool read_date(const char *value, size_t length, void *user)
{
    int64_t *date = user;
    return !http_date_unix_ms(value, length, date);
}

/* RFC 9111, 5.1: whole seconds. */
static bool read_age(const char *value, size_t length, void *user)
{
    int64_t *age_ms = user, seconds = 0;
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    for (; length > 0 && *value >= '0' && *value <= '9' && seconds < INT64_C(1000000000); value++, length--)
        seconds = seconds * 10 + (*value - '0');
    *age_ms = seconds * 1000;
    return false;
}

static int64_t clock_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t answer_server_ms(struct answer *answer)
{
    int64_t date_ms = 0, age_ms = 0;
    if (answer->server_unix_ms != 0)
        return answer->server_unix_ms;
    answer_visit_headers(answer, HEADER_DATE, read_date, &date_ms);
    if (date_ms > 0)
        answer_visit_headers(answer, HEADER_AGE, read_age, &age_ms);
    if (date_ms <= 0)
        date_ms = answer->response->now_unix_ms != 0 ? answer->response->now_unix_ms : clock_unix_ms();
    answer->server_unix_ms = date_ms + age_ms;
    return answer->server_unix_ms;
}

/* ---- texts of the body ---- */

struct text_visit {
    answer_text_fn *fn;
    void *user;
};

static bool visit_value(json_t *value, void *user)
{
    const struct text_visit *visit = user;
    char number[24];
    if (json_is_string(value)) {
        bool is_cut = body_string_is_cut(value);
        return visit->fn(json_string_value(value), json_string_length(value) - is_cut, is_cut, visit->user);
    }
    if (!json_is_integer(value))
        return true;
    int length = snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return visit->fn(number, (size_t)length, false, visit->user);
}

/* Of "ThrottlingException:http://..." the name. */
static bool visit_header(const char *value, size_t length, void *user)
{
    const struct text_visit *visit = user;
    const char *colon = memchr(value, ':', length);
    length = colon != NULL ? (size_t)(colon - value) : length;
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    return visit->fn(value, length, false, visit->user);
}

void answer_visit_path(const struct answer *answer, const struct path *path, path_visit_fn *visit, void *user)
{
    if (answer->document != NULL && (path->names & ~answer->names) == 0)
        path_visit(path, answer->document, visit, user);
}

void answer_visit_texts(const struct answer *answer, const struct place *place, answer_text_fn *fn, void *user)
{
    struct text_visit visit = {fn, user};
    if (place->is_header)
        answer_visit_headers(answer, place->header, visit_header, &visit);
    else
        answer_visit_path(answer, &place->path, visit_value, &visit);
}

/* ---- codes and messages ---- */

/* Of "com.amazon.coral.availability#ThrottlingException" the name. */
static bool add_code(const char *text, size_t length, bool is_cut, void *user)
{
    struct answer *answer = user;
    const char *sharp = memrchr(text, '#', length);
    if (sharp != NULL) {
        length -= (size_t)(sharp + 1 - text);
        text = sharp + 1;
    }
    if (is_cut || length == 0 || length > CODE_BYTES_MAX || answer->code_count == ANSWER_CODES_MAX)
        return answer->code_count < ANSWER_CODES_MAX;
    struct answer_code *code = &answer->codes[answer->code_count];
    bool is_number = length < sizeof(answer->numbers[0]) && answer_is_number(text, length);
    if (is_number) { /* the text may be gone when this returns */
        char *copy = answer->numbers[answer->code_count];
        memcpy(copy, text, length);
        copy[length] = '\0';
        text = copy;
    }
    answer->code_count++;
    *code = (struct answer_code){text, length, word_hash(text, length)};
    answer->code_bits |= UINT64_C(1) << code->hash % 64;
    answer->has_whole_code = answer->has_whole_code || !is_number || atoi(text) != answer->response->status;
    return true;
}

static void add_message_text(struct answer *answer, const char *text, size_t length, bool is_cut)
{
    while (length > 0 && strchr(" \t\r\n", *text) != NULL) {
        text++;
        length--;
    }
    while (length > 0 && !is_cut && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    size_t room = sizeof(answer->lower) - answer->lower_used;
    room = room < ANSWER_MESSAGE_BYTES_MAX ? room : ANSWER_MESSAGE_BYTES_MAX;
    if (length == 0 || answer->message_count == ANSWER_MESSAGES_MAX || room == 0)
        return;
    bool is_longer = length > room;
    length = is_longer ? room : length;
    char *lower = answer->lower + answer->lower_used;
    for (size_t i = 0; i < length; i++)
        lower[i] = to_lower(text[i]);
    answer->lower_used += length;
    bool may_be_cut = !is_cut && answer->body.kind == BODY_TEXT;
    uint64_t *seen = answer->seen[answer->message_count];
    memset(seen, 0, sizeof(answer->seen[0]));
    pattern_note_fingerprints(lower, length, seen);
    answer->messages[answer->message_count++] = (struct message){text, lower, length, is_cut, may_be_cut, seen};
    answer->has_whole_message = answer->has_whole_message || !(is_cut || may_be_cut);
}

static bool add_message(const char *text, size_t length, bool is_cut, void *user)
{
    struct answer *answer = user;
    add_message_text(answer, text, length, is_cut);
    return answer->message_count < ANSWER_MESSAGES_MAX;
}

/* A message is a string: a number is none, and the text of one would not last. */
static bool add_message_value(json_t *value, void *user)
{
    if (!json_is_string(value))
        return true;
    bool is_cut = body_string_is_cut(value);
    return add_message(json_string_value(value), json_string_length(value) - is_cut, is_cut, user);
}

static void find_messages(struct answer *answer)
{
    const struct place_list *places = &answer->provider->messages;
    for (size_t i = 0; i < places->count; i++) {
        if (places->places[i].is_header)
            answer_visit_texts(answer, &places->places[i], add_message, answer);
        else
            answer_visit_path(answer, &places->places[i].path, add_message_value, answer);
    }
}

static void find_codes(struct answer *answer)
{
    for (size_t i = 0; i < answer->provider->codes.count; i++)
        answer_visit_texts(answer, &answer->provider->codes.places[i], add_code, answer);
}

/* A list around the whole body is not counted. */
static json_t *object_in(json_t *json)
{
    if (json_is_array(json))
        json = json_array_get(json, 0);
    return json_is_object(json) ? json : NULL;
}

static bool is_encoded(const char *value, size_t length, void *user)
{
    bool *ret = user;
    *ret = length > 0 && !(length == 8 && strncasecmp(value, "identity", length) == 0);
    return !*ret;
}

/* A string, whole or not, or a number. The recursion is bounded by `depth`. */
static bool has_text(json_t *json, unsigned depth)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_string(json))
        return json_string_length(json) > (body_string_is_cut(json) ? 1 : 0);
    if (json_is_number(json))
        return true;
    json_array_foreach(json, i, value)
    {
        if (depth > 0 && has_text(value, depth - 1))
            return true;
    }
    json_object_foreach(json, key, value)
    {
        if (depth > 0 && has_text(value, depth - 1))
            return true;
    }
    return false;
}

bool answer_is_readable(const struct answer *answer)
{
    return answer->message_count > 0 || has_text(answer->body.json, PATH_STEPS_MAX);
}

/* A page says where it ends. */
static bool is_page_cut(const char *text, size_t length)
{
    static const char end[] = "</html>";
    enum { TAIL_BYTES = 64 };
    const char *tail = length > TAIL_BYTES ? text + length - TAIL_BYTES : text;
    for (const char *at = tail; at + strlen(end) <= text + length; at++) {
        if (strncasecmp(at, end, strlen(end)) == 0)
            return false;
    }
    return true;
}

int answer_read_body(struct answer *answer, bool is_stream)
{
    const struct keyshm_http_response *response = answer->response;
    bool has_encoding = false;
    answer_visit_headers(answer, HEADER_CONTENT_ENCODING, is_encoded, &has_encoding);
    int r = is_stream && !has_encoding ? body_read_event(&answer->body, response->body, response->body_length)
                                       : body_read(&answer->body, response->body, response->body_length, has_encoding);
    if (r != 0)
        return r;
    answer->document = object_in(answer->body.json);
    answer->names = path_names_in(answer->document);
    find_codes(answer);
    if (answer->body.kind == BODY_HTML)
        answer->body.is_cut = answer->body.is_cut || is_page_cut(answer->body.text, answer->body.text_length);
    if (answer->body.kind == BODY_TEXT || answer->body.kind == BODY_HTML)
        add_message_text(answer, answer->body.text, answer->body.text_length, answer->body.is_cut);
    else
        find_messages(answer);
    /* Where nothing can be read, the answer is one without a body. */
    answer->is_cut = answer->body.is_cut && answer_is_readable(answer);
    return 0;
}

void answer_free(struct answer *answer)
{
    body_free(&answer->body);
    explicit_bzero(answer->lower, answer->lower_used);
}
