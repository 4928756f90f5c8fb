/* SPDX-License-Identifier: MIT */
#include "limit_settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "key_json.h"
#include "number.h"

#define NONE "none"

#define RATE(field) LIMIT_RATE, offsetof(struct keyshm_limits, field), #field
#define BURST(field) LIMIT_BURST, offsetof(struct keyshm_limits, field), NULL
#define CHARGE(field) LIMIT_CHARGE, offsetof(struct keyshm_limits, field), NULL
#define CAP(field) LIMIT_CAP, offsetof(struct keyshm_limits, field), #field

const struct limit_setting limit_settings[LIMIT_SETTINGS] = {
    [LIMIT_REQUESTS] = {RATE(requests)},
    [LIMIT_REQUESTS_BURST] = {BURST(requests)},
    [LIMIT_TOKENS] = {RATE(tokens)},
    [LIMIT_TOKENS_BURST] = {BURST(tokens)},
    [LIMIT_TOKENS_CHARGE] = {CHARGE(tokens)},
    [LIMIT_REQUESTS_LONG] = {RATE(requests_long)},
    [LIMIT_REQUESTS_LONG_BURST] = {BURST(requests_long)},
    [LIMIT_TOKENS_LONG] = {RATE(tokens_long)},
    [LIMIT_TOKENS_LONG_BURST] = {BURST(tokens_long)},
    [LIMIT_TOKENS_LONG_CHARGE] = {CHARGE(tokens_long)},
    [LIMIT_IN_FLIGHT] = {CAP(in_flight)},
};

static struct keyshm_rate *rate_in(struct keyshm_limits *limits, const struct limit_setting *setting)
{
    return (struct keyshm_rate *)(void *)((char *)limits + setting->offset);
}

static const struct keyshm_rate *known_rate(const struct keyshm_limits *limits, const struct limit_setting *setting)
{
    return (const struct keyshm_rate *)(const void *)((const char *)limits + setting->offset);
}

/* ---- as words ---- */

static const struct unit {
    const char *name;
    uint64_t size;
} amount_units[] = {{"M", 1000000}, {"k", 1000}},
  time_units[] = {{"day", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};
#define AMOUNT_UNITS (sizeof(amount_units) / sizeof(amount_units[0]))
#define TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))

/* NULL: there is none of that name. */
static const struct unit *find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

#define NUMBER_SIZE 32

/* The number that a text begins with, which may be "". Returns what comes behind it; NULL: it is too long. */
static const char *split_number(const char *text, const char *characters, char ret_number[NUMBER_SIZE])
{
    size_t length = strspn(text, characters);
    if (length >= NUMBER_SIZE)
        return NULL;
    memcpy(ret_number, text, length);
    ret_number[length] = '\0';
    return text + length;
}

int limit_amount_parse(const char *text, uint64_t *ret_amount)
{
    char number[NUMBER_SIZE];
    uint64_t value, size = 1;
    const char *suffix = split_number(text, "0123456789", number);
    if (suffix == NULL)
        return -ERANGE;
    if (*suffix != '\0') {
        const struct unit *unit = find_unit(amount_units, AMOUNT_UNITS, suffix);
        if (unit == NULL)
            return -EINVAL;
        size = unit->size;
    }
    int r = number_parse(number, INT64_MAX / size, &value);
    if (r == 0 && value == 0)
        r = -ERANGE;
    if (r == 0)
        *ret_amount = value * size;
    return r;
}

static int parse_number_of_units(const char *number, const struct unit *unit, int64_t *ret_ms)
{
    uint64_t value;
    if (unit->size < 1000) {
        int r = number_parse(number, KEYSHM_DURATION_MAX_MS, &value);
        *ret_ms = (int64_t)value;
        return r;
    }
    int r = number_parse_seconds(number, ret_ms);
    *ret_ms *= (int64_t)(unit->size / 1000);
    return r;
}

/* "min", "10min", "600ms", or seconds, as other options have them. */
static int parse_time(const char *text, int64_t *ret_ms)
{
    char number[NUMBER_SIZE];
    int64_t ms = 0;
    const char *name = split_number(text, "0123456789.", number);
    if (name == NULL)
        return -ERANGE;
    const struct unit *unit = find_unit(time_units, TIME_UNITS, *name != '\0' ? name : "s");
    if (unit == NULL || *text == '\0')
        return -EINVAL;
    int r = parse_number_of_units(*number != '\0' ? number : "1", unit, &ms);
    if (r == 0 && (ms < 1 || ms > KEYSHM_DURATION_MAX_MS))
        r = -ERANGE;
    if (r == 0)
        *ret_ms = ms;
    return r;
}

static int parse_rate(const char *text, struct keyshm_rate *rate)
{
    char amount[NUMBER_SIZE];
    const char *slash = strchr(text, '/');
    if (strcmp(text, NONE) == 0) {
        rate->amount = 0;
        return 0;
    }
    if (slash == NULL || (size_t)(slash - text) >= sizeof(amount))
        return -EINVAL;
    memcpy(amount, text, (size_t)(slash - text));
    amount[slash - text] = '\0';
    int r = limit_amount_parse(amount, &rate->amount);
    return r == 0 ? parse_time(slash + 1, &rate->per_ms) : r;
}

static const char *const charges[] = {
    [KEYSHM_CHARGE_AT_PICK] = "pick",
    [KEYSHM_CHARGE_AT_RELEASE] = "release",
};

static int parse_charge(const char *text, enum keyshm_charge *ret_charge)
{
    for (int i = KEYSHM_CHARGE_AT_PICK; i <= KEYSHM_CHARGE_AT_RELEASE; i++)
        if (strcmp(charges[i], text) == 0) {
            *ret_charge = (enum keyshm_charge)i;
            return 0;
        }
    return -EINVAL;
}

_Static_assert(KEYSHM_GROUP_IN_FLIGHT_MAX == 1024 && KEYSHM_IN_FLIGHT_MAX <= 1024, "LIMIT_CAP_RULE");

static int parse_cap(const char *text, unsigned *ret_cap)
{
    uint64_t value = 0;
    int r = strcmp(text, NONE) == 0 ? 0 : number_parse(text, KEYSHM_GROUP_IN_FLIGHT_MAX, &value);
    if (r == 0 && value == 0 && strcmp(text, NONE) != 0)
        r = -ERANGE;
    if (r == 0)
        *ret_cap = (unsigned)value;
    return r;
}

int limit_changes_parse(enum limit_setting_id id, const char *text, struct limit_changes *changes)
{
    const struct limit_setting *setting = &limit_settings[id];
    struct keyshm_rate *rate = rate_in(&changes->limits, setting);
    int r = -EINVAL;
    switch (setting->kind) {
    case LIMIT_RATE:
        r = parse_rate(text, rate);
        break;
    case LIMIT_BURST:
        r = limit_amount_parse(text, &rate->burst);
        break;
    case LIMIT_CHARGE:
        r = parse_charge(text, &rate->charge);
        break;
    case LIMIT_CAP:
        r = parse_cap(text, &changes->limits.in_flight);
        break;
    }
    changes->is_given[id] |= r == 0;
    return r;
}

bool limit_changes_are_given(const struct limit_changes *changes)
{
    for (int i = 0; i < LIMIT_SETTINGS; i++)
        if (changes->is_given[i])
            return true;
    return false;
}

/* The burst and charge of a rate come after it. */
void limit_changes_apply(const struct limit_changes *changes, struct keyshm_limits *limits)
{
    for (int i = 0; i < LIMIT_SETTINGS; i++) {
        const struct limit_setting *setting = &limit_settings[i];
        const struct keyshm_rate *from = known_rate(&changes->limits, setting);
        struct keyshm_rate *to = rate_in(limits, setting);
        if (!changes->is_given[i])
            continue;
        if (setting->kind == LIMIT_CAP) {
            limits->in_flight = changes->limits.in_flight;
        } else if (setting->kind == LIMIT_BURST) {
            to->burst = from->burst;
        } else if (setting->kind == LIMIT_CHARGE) {
            to->charge = from->charge;
        } else {
            to->amount = from->amount;
            to->per_ms = from->amount != 0 ? from->per_ms : to->per_ms;
            to->burst = 0;
        }
    }
}

enum limit_setting_id limit_changes_find_useless(const struct limit_changes *changes, const struct keyshm_limits *limits)
{
    int i = 0;
    for (; i < LIMIT_SETTINGS; i++) {
        bool is_of_a_rate = limit_settings[i].kind == LIMIT_BURST || limit_settings[i].kind == LIMIT_CHARGE;
        if (changes->is_given[i] && is_of_a_rate && known_rate(limits, &limit_settings[i])->amount == 0)
            break;
    }
    return (enum limit_setting_id)i;
}

bool limits_are_equal(const struct keyshm_limits *a, const struct keyshm_limits *b)
{
    bool is_equal = a->in_flight == b->in_flight;
    for (int i = 0; i < LIMIT_SETTINGS; i++) {
        const struct keyshm_rate *first = known_rate(a, &limit_settings[i]), *second = known_rate(b, &limit_settings[i]);
        if (limit_settings[i].kind == LIMIT_RATE && (first->amount != 0 || second->amount != 0))
            is_equal &= first->amount == second->amount && first->per_ms == second->per_ms &&
                        first->burst == second->burst && first->charge == second->charge;
    }
    return is_equal;
}

/* What is written shorter with it. */
#define SUFFIX_MIN 10000

static int format_amount(uint64_t amount, char *ret_text, size_t size)
{
    for (size_t i = 0; i < AMOUNT_UNITS; i++)
        if (amount >= SUFFIX_MIN && amount % amount_units[i].size == 0)
            return snprintf(ret_text, size, "%" PRIu64 "%s", amount / amount_units[i].size, amount_units[i].name);
    return snprintf(ret_text, size, "%" PRIu64, amount);
}

static void format_rate(const struct keyshm_rate *rate, char ret_text[LIMIT_SETTING_SIZE])
{
    uint64_t per_ms = (uint64_t)rate->per_ms;
    const struct unit *unit = time_units;
    int length = format_amount(rate->amount, ret_text, LIMIT_SETTING_SIZE);
    while (per_ms % unit->size != 0)
        unit++;
    if (per_ms == unit->size)
        snprintf(ret_text + length, LIMIT_SETTING_SIZE - (size_t)length, "/%s", unit->name);
    else
        snprintf(ret_text + length, LIMIT_SETTING_SIZE - (size_t)length, "/%" PRIu64 "%s", per_ms / unit->size,
                 unit->name);
}

bool limit_setting_format(enum limit_setting_id id, const struct keyshm_limits *limits, char ret_text[LIMIT_SETTING_SIZE])
{
    const struct limit_setting *setting = &limit_settings[id];
    const struct keyshm_rate *rate = known_rate(limits, setting);
    if (setting->kind == LIMIT_CAP) {
        snprintf(ret_text, LIMIT_SETTING_SIZE, "%u", limits->in_flight);
        return limits->in_flight != 0;
    }
    if (setting->kind == LIMIT_RATE)
        format_rate(rate, ret_text);
    else if (setting->kind == LIMIT_BURST)
        format_amount(rate->burst, ret_text, LIMIT_SETTING_SIZE);
    else
        stpcpy(ret_text, charges[rate->charge]);
    return rate->amount != 0 && (setting->kind != LIMIT_BURST || rate->burst != 0);
}

/* ---- as JSON ---- */

static json_int_t json_amount(uint64_t amount)
{
    return amount < INT64_MAX ? (json_int_t)amount : INT64_MAX;
}

static json_t *rate_json(const struct keyshm_rate *rate)
{
    if (rate->amount == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:s}", "amount", json_amount(rate->amount), "per_ms", (json_int_t)rate->per_ms,
                     "burst", json_amount(rate->burst), "charge", charges[rate->charge]);
}

json_t *limits_json(const struct keyshm_limits *limits)
{
    json_t *object = json_object();
    int r = 0;
    for (int i = 0; i < LIMIT_SETTINGS; i++) {
        const struct limit_setting *setting = &limit_settings[i];
        if (setting->kind == LIMIT_RATE)
            r |= json_object_set_new(object, setting->json_name, rate_json(known_rate(limits, setting)));
        else if (setting->kind == LIMIT_CAP)
            r |= json_object_set_new(object, setting->json_name, json_integer(limits->in_flight));
    }
    return whole_or_nothing(object, r == 0);
}

static bool take_number(const json_t *object, const char *name, json_int_t min, json_int_t max, json_int_t *ret_value)
{
    const json_t *value = json_object_get(object, name);
    *ret_value = json_integer_value(value);
    return json_is_integer(value) && *ret_value >= min && *ret_value <= max;
}

/* Of requests, which are charged at the pick, or of tokens. */
static bool rate_from_json(const json_t *object, struct keyshm_rate *rate)
{
    json_int_t amount, per_ms, burst;
    enum keyshm_charge charge;
    const char *name = json_string_value(json_object_get(object, "charge"));
    bool is_of_requests = rate->charge == KEYSHM_CHARGE_AT_PICK;
    if (object == NULL || json_is_null(object))
        return true;
    if (!take_number(object, "amount", 1, INT64_MAX, &amount) ||
        !take_number(object, "per_ms", 1, KEYSHM_DURATION_MAX_MS, &per_ms) ||
        !take_number(object, "burst", 1, INT64_MAX, &burst) || name == NULL || parse_charge(name, &charge) < 0 ||
        (is_of_requests && charge != KEYSHM_CHARGE_AT_PICK))
        return false;
    *rate =
        (struct keyshm_rate){.amount = (uint64_t)amount, .per_ms = per_ms, .burst = (uint64_t)burst, .charge = charge};
    return true;
}

bool limits_from_json(const json_t *object, struct keyshm_limits *ret_limits)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    json_int_t cap = 0;
    for (int i = 0; i < LIMIT_SETTINGS; i++) {
        const struct limit_setting *setting = &limit_settings[i];
        if (setting->kind == LIMIT_RATE &&
            !rate_from_json(json_object_get(object, setting->json_name), rate_in(&limits, setting)))
            return false;
        if (setting->kind == LIMIT_CAP && !take_number(object, setting->json_name, 0, KEYSHM_GROUP_IN_FLIGHT_MAX, &cap))
            return false;
    }
    limits.in_flight = (unsigned)cap;
    *ret_limits = limits;
    return json_is_object(object);
}
