/* SPDX-License-Identifier: MIT */
#include "hints.h"

#include <string.h>

#include "pattern.h"

#define HINT_MAX_MS (INT64_C(32) * 24 * 60 * 60 * 1000)
#define QUOTA_MAX_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

struct reading {
    struct answer *answer;
    const struct hint *hint;
    int64_t longest_ms;
};

static void note(struct reading *reading, int64_t ms)
{
    reading->longest_ms = ms > reading->longest_ms ? ms : reading->longest_ms;
}

/* ---- headers ---- */

/* A list of times: the latest. A date has a comma of its own, so the whole is tried first. */
static bool read_header(const char *value, size_t length, void *user)
{
    struct reading *reading = user;
    int64_t server_ms = answer_server_ms(reading->answer);
    int64_t whole_ms = time_value_ms(value, length, reading->hint->unit, server_ms, HINT_MAX_MS);
    note(reading, whole_ms);
    while (whole_ms < 0 && length > 0) {
        const char *comma = memchr(value, ',', length);
        size_t size = comma != NULL ? (size_t)(comma - value) : length;
        note(reading, time_value_ms(value, size, reading->hint->unit, server_ms, HINT_MAX_MS));
        size += comma != NULL;
        value += size;
        length -= size;
    }
    return true;
}

static int64_t of_header_ms(struct answer *answer, const struct hint *hint)
{
    struct reading reading = {answer, hint, -1};
    answer_visit_headers(answer, hint->header, read_header, &reading);
    return reading.longest_ms;
}

int64_t hints_of_header_ms(struct answer *answer, unsigned header)
{
    const struct hint hint = {.kind = HINT_HEADER, .header = header, .unit = TIME_UNIT_S};
    return of_header_ms(answer, &hint);
}

/* The first header that can be read. */
static int64_t header_hint_ms(struct answer *answer)
{
    const struct provider *provider = answer->provider;
    int64_t ms = -1;
    for (size_t i = 0; i < provider->hint_count && ms <= 0; i++) {
        if (provider->hints[i].kind == HINT_HEADER)
            ms = of_header_ms(answer, &provider->hints[i]);
    }
    return ms;
}

/* ---- the body ---- */

static int64_t ms_of_number(double number, enum time_unit unit)
{
    double ms = unit == TIME_UNIT_S ? number * 1000 : number;
    if (!(ms > 0 && ms <= (double)HINT_MAX_MS))
        return -1;
    int64_t whole = (int64_t)ms;
    return whole + ((double)whole < ms);
}

static bool read_field(json_t *value, void *user)
{
    struct reading *reading = user;
    int64_t server_ms = answer_server_ms(reading->answer);
    if (json_is_string(value) && !body_string_is_cut(value))
        note(reading, time_value_ms(json_string_value(value), json_string_length(value), reading->hint->unit, server_ms,
                                    HINT_MAX_MS));
    else if (json_is_number(value) && json_number_value(value) < 1e9)
        note(reading, ms_of_number(json_number_value(value), reading->hint->unit));
    else if (json_is_integer(value)) {
        int64_t at = json_integer_value(value), ms = at < INT64_C(1000000000000) ? at * 1000 : at;
        note(reading, ms - server_ms <= HINT_MAX_MS ? ms - server_ms : -1);
    }
    return true;
}

static void read_phrase(struct reading *reading, const struct pattern *pattern, int64_t most_ms)
{
    struct answer *answer = reading->answer;
    for (unsigned i = 0; i < answer->message_count; i++) {
        const struct message *message = &answer->messages[i];
        struct captures captures = {.time = NULL};
        if (pattern_find(pattern, message, &captures) != CERTAINLY || captures.time == NULL)
            continue;
        size_t left = message->length - (size_t)(captures.time - message->text);
        enum time_unit unit = reading->hint != NULL ? reading->hint->unit : TIME_UNIT_S;
        note(reading, time_in_sentence_ms(captures.time, left, message->is_cut, unit, answer_server_ms(answer), most_ms));
    }
}

/* Headers that stand in the body hint as well. */
struct embedded {
    struct reading *reading;
    const struct header_names *names;
};

static bool read_embedded(json_t *headers, void *user)
{
    struct embedded *embedded = user;
    const char *key;
    json_t *value;
    json_object_foreach(headers, key, value)
    {
        const struct header_name *name = header_names_find(embedded->names, key, strlen(key));
        if (name != NULL && name->number == embedded->reading->hint->header && name->number != HEADER_NONE)
            read_field(value, embedded->reading);
    }
    return true;
}

static int64_t body_hint_ms(struct answer *answer)
{
    const struct provider *provider = answer->provider;
    struct reading reading = {.answer = answer, .longest_ms = -1};
    for (size_t i = 0; i < provider->hint_count; i++) {
        struct embedded embedded = {&reading, &answer->set->names};
        reading.hint = &provider->hints[i];
        if (reading.hint->kind == HINT_PHRASE)
            read_phrase(&reading, &reading.hint->pattern, HINT_MAX_MS);
        else if (answer->document != NULL && reading.hint->kind == HINT_FIELD)
            answer_visit_path(answer, &reading.hint->path, read_field, &reading);
        for (size_t j = 0;
             answer->document != NULL && reading.hint->kind == HINT_HEADER && j < provider->embedded_headers.count; j++)
            answer_visit_path(answer, &provider->embedded_headers.paths[j], read_embedded, &embedded);
    }
    return reading.longest_ms;
}

int64_t hints_ms(struct answer *answer)
{
    if (answer->hint_ms == 0) {
        int64_t header_ms = header_hint_ms(answer), body_ms = body_hint_ms(answer);
        answer->hint_ms = header_ms > body_ms ? header_ms : body_ms;
    }
    return answer->hint_ms;
}

int64_t hints_end_of_quota_ms(struct answer *answer)
{
    const struct pattern_list *ends = &answer->provider->ends;
    struct reading reading = {.answer = answer, .longest_ms = -1};
    for (size_t i = 0; i < ends->count; i++)
        read_phrase(&reading, &ends->patterns[i], QUOTA_MAX_MS);
    return reading.longest_ms;
}

/* ---- windows ---- */

static bool read_window(json_t *value, void *user)
{
    enum window *longest = user;
    char lower[256];
    size_t length = json_string_length(value);
    if (!json_is_string(value) || length > sizeof(lower))
        return true;
    for (size_t i = 0; i < length; i++)
        lower[i] = to_lower(json_string_value(value)[i]);
    enum window window = window_named_in(lower, length);
    *longest = window > *longest ? window : *longest;
    return true;
}

enum window hints_window(const struct answer *answer)
{
    enum window longest = WINDOW_NONE;
    for (unsigned i = 0; i < answer->message_count; i++) {
        enum window window = window_named_in(answer->messages[i].lower, answer->messages[i].length);
        longest = window > longest ? window : longest;
    }
    const struct path_list *fields = &answer->provider->window_fields;
    for (size_t i = 0; i < fields->count && answer->document != NULL; i++)
        answer_visit_path(answer, &fields->paths[i], read_window, &longest);
    return longest;
}
