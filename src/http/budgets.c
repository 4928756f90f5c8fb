/* SPDX-License-Identifier: MIT */
#include "budgets.h"

#include <stdio.h>
#include <string.h>

enum { ITEM_NAME_MAX = 64, POLICIES_MAX = 8 };

#define RESET_MAX_MS (INT64_C(32) * 24 * 60 * 60 * 1000)

/* ---- values ---- */

/* Digits at the beginning, perhaps with a fraction, up to a ',' or ';' or the end. -1: anything else. */
static int64_t read_amount(const char *value, size_t length)
{
    size_t i = 0, digits = 0;
    int64_t amount = 0;
    while (i < length && (value[i] == ' ' || value[i] == '\t'))
        i++;
    for (; i < length && value[i] >= '0' && value[i] <= '9'; i++, digits++) {
        if (amount > INT64_MAX / 10 - 1)
            return -1;
        amount = amount * 10 + (value[i] - '0');
    }
    if (i < length && value[i] == '.' && digits > 0) {
        for (i++; i < length && value[i] >= '0' && value[i] <= '9';)
            i++;
    }
    while (i < length && (value[i] == ' ' || value[i] == '\t'))
        i++;
    return digits > 0 && (i == length || value[i] == ',' || value[i] == ';') ? amount : -1;
}

/* ---- budgets ---- */

static struct answer_budget *budget_of(struct answer *answer, enum budget_unit unit, enum window window, bool names_unit)
{
    for (unsigned i = 0; i < answer->budget_count; i++) {
        struct answer_budget *budget = &answer->budgets[i];
        if (budget->unit == unit && budget->window == window && budget->names_unit == names_unit)
            return budget;
    }
    if (answer->budget_count == ANSWER_BUDGETS_MAX)
        return NULL;
    struct answer_budget *budget = &answer->budgets[answer->budget_count++];
    *budget = (struct answer_budget){unit, window, names_unit, WINDOW_NONE, -1, -1, -1};
    return budget;
}

/* One that came several times: the smaller limit and rest, the later reset. */
static int64_t smaller(int64_t before, int64_t now)
{
    return before < 0 || (now >= 0 && now < before) ? now : before;
}

static int64_t larger(int64_t before, int64_t now)
{
    return now > before ? now : before;
}

/* Of "100, 100;w=60", as the first drafts of the IETF have it. */
static enum window window_of_policy(const char *value, size_t length)
{
    const char *found = memmem(value, length, "w=", 2);
    int64_t seconds = found != NULL ? read_amount(found + 2, length - (size_t)(found + 2 - value)) : -1;
    return seconds > 0 ? window_of_seconds((uint64_t)seconds) : WINDOW_NONE;
}

static void note_budget(struct answer *answer, const struct header_name *name, const char *value, size_t length)
{
    enum window window = name->window != WINDOW_NONE ? name->window : answer->provider->limits.windows[name->unit];
    struct answer_budget *budget = budget_of(answer, name->unit, window, name->names_unit);
    if (budget == NULL)
        return;
    if (name->part == BUDGET_LIMIT) {
        budget->limit = smaller(budget->limit, read_amount(value, length));
        budget->policy_window = window_of_policy(value, length);
    } else if (name->part == BUDGET_REMAINING)
        budget->remaining = smaller(budget->remaining, read_amount(value, length));
    else
        budget->reset_ms =
            larger(budget->reset_ms, time_value_ms(value, length, TIME_UNIT_S, answer_server_ms(answer), RESET_MAX_MS));
}

/* ---- the fields of the IETF: draft-ietf-httpapi-ratelimit-headers ---- */

/* An item of a list, with its parameters: "default";r=50;t=30, or, before -08, limit=100, remaining=50, reset=30. */
struct item {
    char name[ITEM_NAME_MAX];
    int64_t r, t, q, w;
};

struct ietf {
    struct answer *answer;
    unsigned policy_count;
    struct item policies[POLICIES_MAX];
    int64_t limit, remaining, reset; /* of the older form; -1: not said */
};

static int64_t *parameter_of(struct item *item, struct ietf *ietf, const char *key, size_t length)
{
    const struct {
        const char *key;
        int64_t *value;
    } keys[] = {{"r", &item->r},        {"t", &item->t},         {"q", &item->q},
                {"w", &item->w},        {"limit", &ietf->limit}, {"remaining", &ietf->remaining},
                {"reset", &ietf->reset}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].key) == length && strncmp(keys[i].key, key, length) == 0)
            return keys[i].value;
    }
    return NULL;
}

/* Names stand in quotes; of several the last, as the policy of an older form has one of its own before. */
static void read_item_part(struct item *item, struct ietf *ietf, const char *part, size_t length)
{
    while (length > 0 && (*part == ' ' || *part == '\t')) {
        part++;
        length--;
    }
    const char *equals = memchr(part, '=', length);
    if (equals == NULL) {
        size_t quotes = length > 1 && part[0] == '"' && part[length - 1] == '"';
        snprintf(item->name, sizeof(item->name), "%.*s",
                 (int)(length - 2 * quotes < ITEM_NAME_MAX ? length - 2 * quotes : ITEM_NAME_MAX), part + quotes);
        return;
    }
    int64_t *value = parameter_of(item, ietf, part, (size_t)(equals - part));
    if (value != NULL)
        *value = read_amount(equals + 1, length - (size_t)(equals + 1 - part));
}

static struct item read_item(struct ietf *ietf, const char *text, size_t length)
{
    struct item item = {.name = "", .r = -1, .t = -1, .q = -1, .w = -1};
    while (length > 0) {
        const char *semicolon = memchr(text, ';', length);
        size_t part = semicolon != NULL ? (size_t)(semicolon - text) : length;
        read_item_part(&item, ietf, text, part);
        part += semicolon != NULL;
        text += part;
        length -= part;
    }
    return item;
}

typedef void item_fn(struct ietf *ietf, const struct item *item);

static void read_items(struct ietf *ietf, const char *text, size_t length, item_fn *fn)
{
    while (length > 0) {
        const char *comma = memchr(text, ',', length);
        size_t size = comma != NULL ? (size_t)(comma - text) : length;
        struct item item = read_item(ietf, text, size);
        fn(ietf, &item);
        size += comma != NULL;
        text += size;
        length -= size;
    }
}

static void note_policy(struct ietf *ietf, const struct item *item)
{
    if ((item->q >= 0 || item->w >= 0) && ietf->policy_count < POLICIES_MAX)
        ietf->policies[ietf->policy_count++] = *item;
}

/* The policy of the name, or the only one. */
static const struct item *policy_of(const struct ietf *ietf, const char *name)
{
    for (unsigned i = 0; i < ietf->policy_count; i++) {
        if (strcmp(ietf->policies[i].name, name) == 0)
            return &ietf->policies[i];
    }
    return ietf->policy_count == 1 ? &ietf->policies[0] : NULL;
}

static void note_limit(struct ietf *ietf, const char *name, int64_t limit, int64_t remaining, int64_t reset_s)
{
    const struct item *policy = policy_of(ietf, name);
    enum window window = policy != NULL && policy->w > 0 ? window_of_seconds((uint64_t)policy->w) : WINDOW_NONE;
    struct answer_budget *budget = budget_of(ietf->answer, BUDGET_REQUESTS, window, false);
    if (budget == NULL)
        return;
    budget->limit = smaller(budget->limit, limit >= 0 || policy == NULL ? limit : policy->q);
    budget->remaining = smaller(budget->remaining, remaining);
    if (reset_s > 0 && reset_s <= RESET_MAX_MS / 1000)
        budget->reset_ms = larger(budget->reset_ms, reset_s * 1000);
}

static void note_item(struct ietf *ietf, const struct item *item)
{
    if (item->r >= 0)
        note_limit(ietf, item->name, -1, item->r, item->t);
}

static bool read_policies(const char *value, size_t length, void *user)
{
    read_items(user, value, length, note_policy);
    return true;
}

static bool read_ratelimit(const char *value, size_t length, void *user)
{
    read_items(user, value, length, note_item);
    return true;
}

static void read_ietf(struct answer *answer)
{
    struct ietf ietf = {.answer = answer, .limit = -1, .remaining = -1, .reset = -1};
    answer_visit_headers(answer, HEADER_RATELIMIT_POLICY, read_policies, &ietf);
    answer_visit_headers(answer, HEADER_RATELIMIT, read_ratelimit, &ietf);
    if (ietf.remaining >= 0)
        note_limit(&ietf, "", ietf.limit, ietf.remaining, ietf.reset);
}

/* ---- together ---- */

/* A reset without a unit may be that of tokens, too. */
static void share_reset(struct answer *answer)
{
    int64_t reset_ms = -1;
    if (!answer->provider->limits.reset_covers_tokens)
        return;
    for (unsigned i = 0; i < answer->budget_count; i++) {
        if (!answer->budgets[i].names_unit)
            reset_ms = larger(reset_ms, answer->budgets[i].reset_ms);
    }
    for (unsigned i = 0; i < answer->budget_count; i++) {
        if (answer->budgets[i].reset_ms < 0)
            answer->budgets[i].reset_ms = reset_ms;
    }
}

void budgets_read_headers(struct answer *answer)
{
    for (unsigned i = 0; i < answer->budget_header_count; i++) {
        const struct answer_budget_header *header = &answer->budget_headers[i];
        note_budget(answer, header->name, header->value, header->length);
    }
    if (answer->first[HEADER_RATELIMIT] != 0)
        read_ietf(answer);
    share_reset(answer);
}

static bool read_embedded(json_t *headers, void *user)
{
    struct answer *answer = user;
    const char *key;
    json_t *value;
    json_object_foreach(headers, key, value)
    {
        char number[32];
        const char *text = json_string_value(value);
        if (json_is_integer(value)) {
            snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
            text = number;
        }
        const struct header_name *general = header_names_find(&answer->set->names, key, strlen(key));
        const struct header_name *name = answer_budget_name(answer->provider, general, key, strlen(key));
        if (name != NULL && text != NULL && !body_string_is_cut(value))
            note_budget(answer, name, text, strlen(text));
    }
    return true;
}

void budgets_read_body(struct answer *answer)
{
    const struct path_list *paths = &answer->provider->embedded_headers;
    for (size_t i = 0; i < paths->count && answer->document != NULL; i++)
        answer_visit_path(answer, &paths->paths[i], read_embedded, answer);
    share_reset(answer);
}

/* ---- what it comes to ---- */

static bool is_tighter(const struct answer_budget *budget, const struct keyshm_http_budget *than)
{
    if (budget->remaining < 0 || than->remaining < 0)
        return than->remaining < 0 && (budget->remaining >= 0 || than->limit < 0);
    return budget->remaining < than->remaining ||
           (budget->remaining == than->remaining && budget->reset_ms > than->reset_ms);
}

void budgets_tell(const struct answer *answer, struct keyshm_http_verdict *verdict)
{
    struct keyshm_http_budget *const told[BUDGET_UNITS] = {[BUDGET_REQUESTS] = &verdict->requests,
                                                           [BUDGET_TOKENS] = &verdict->tokens,
                                                           [BUDGET_INPUT_TOKENS] = &verdict->input_tokens,
                                                           [BUDGET_OUTPUT_TOKENS] = &verdict->output_tokens};
    for (unsigned i = 0; i < answer->budget_count; i++) {
        const struct answer_budget *budget = &answer->budgets[i];
        if (is_tighter(budget, told[budget->unit]))
            *told[budget->unit] = (struct keyshm_http_budget){budget->limit, budget->remaining, budget->reset_ms};
    }
}

int64_t budgets_used_up_ms(const struct answer *answer, enum window *ret_window)
{
    int64_t reset_ms = -1;
    *ret_window = WINDOW_NONE;
    for (unsigned i = 0; i < answer->budget_count; i++) {
        const struct answer_budget *budget = &answer->budgets[i];
        if (budget->remaining != 0)
            continue;
        reset_ms = larger(reset_ms, budget->reset_ms);
        enum window window = budget->window > budget->policy_window ? budget->window : budget->policy_window;
        *ret_window = window > *ret_window ? window : *ret_window;
    }
    return reset_ms;
}
