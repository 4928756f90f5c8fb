/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "event_ring.h"

const struct keyshm_policy policy_default = KEYSHM_POLICY_INIT;

/* How long a probe of what was final is waited for, where the policy has no probes. */
#define PROBE_DEFAULT_MS 10000

/* A field, and its range. */
struct field {
    const char *name;
    size_t offset;        /* in struct keyshm_policy */
    bool is_unsigned;     /* there: an unsigned, rather than an int64_t */
    size_t stored_offset; /* in struct layout_policy */
    int64_t least, most;
    int64_t other; /* a value that is allowed beside the range */
};

enum {
    FIELD_COOLDOWN,
    FIELD_COOLDOWN_MAX,
    FIELD_GROWTH,
    FIELD_FORGET,
    FIELD_INVALID_AFTER,
    FIELD_INVALID_RETRY,
    FIELD_QUOTA_RETRY,
    FIELD_PROBE,
    FIELD_LEASE_MAX,
    FIELD_COUNT
};

#define FIELD(name, is_unsigned, least, most, other)                                                                 \
    {                                                                                                                \
#name, offsetof(struct keyshm_policy, name), is_unsigned, offsetof(struct layout_policy, name), least, most, \
            other                                                                                                    \
    }

static const struct field fields[FIELD_COUNT] = {
    [FIELD_COOLDOWN] = FIELD(cooldown_ms, false, 0, KEYSHM_DURATION_MAX_MS, 0),
    [FIELD_COOLDOWN_MAX] = FIELD(cooldown_max_ms, false, 1, KEYSHM_DURATION_MAX_MS, 1),
    [FIELD_GROWTH] = FIELD(cooldown_growth_percent, true, 100, 1000, 100),
    [FIELD_FORGET] = FIELD(streak_forget_ms, false, 1, KEYSHM_DURATION_MAX_MS, 1),
    [FIELD_INVALID_AFTER] = FIELD(invalid_after, true, 1, 255, 1),
    [FIELD_INVALID_RETRY] = FIELD(invalid_retry_ms, false, 1, KEYSHM_DURATION_MAX_MS, KEYSHM_UNTIL_MARKED),
    [FIELD_QUOTA_RETRY] = FIELD(quota_retry_ms, false, 1, KEYSHM_DURATION_MAX_MS, KEYSHM_UNTIL_MARKED),
    [FIELD_PROBE] = FIELD(probe_ms, false, 0, KEYSHM_DURATION_MAX_MS, 0),
    [FIELD_LEASE_MAX] = FIELD(lease_max_ms, false, 1000, KEYSHM_DURATION_MAX_MS, 0),
};
_Static_assert(sizeof(struct layout_policy) == sizeof(int64_t) * FIELD_COUNT, "every field");

/* ---- a struct keyshm_policy ---- */

static int64_t value_in(const struct keyshm_policy *policy, const struct field *field)
{
    const char *at = (const char *)policy + field->offset;
    return field->is_unsigned ? (int64_t) * (const unsigned *)(const void *)at : *(const int64_t *)(const void *)at;
}

static void put(struct keyshm_policy *policy, const struct field *field, int64_t value)
{
    char *at = (char *)policy + field->offset;
    if (field->is_unsigned)
        *(unsigned *)(void *)at = (unsigned)value;
    else
        *(int64_t *)(void *)at = value;
}

static bool is_within(const struct field *field, int64_t value)
{
    return (value >= field->least && value <= field->most) || value == field->other;
}

const char *policy_find_wrong(const struct keyshm_policy *policy)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (!is_within(&fields[i], value_in(policy, &fields[i])))
            return fields[i].name;
    return NULL;
}

/* ---- in the segment ---- */

static _Atomic int64_t *stored_at(struct layout_header *header, const struct field *field)
{
    return (_Atomic int64_t *)(void *)((char *)&header->policy + field->stored_offset);
}

/* relaxed, here and below: each field stands for itself. */
void policy_store(struct layout_header *header, const struct keyshm_policy *policy)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        atomic_store_explicit(stored_at(header, &fields[i]), value_in(policy, &fields[i]), memory_order_relaxed);
}

ALWAYS_INLINE int64_t load(const struct keyshm_pool *pool, int number)
{
    const struct field *field = &fields[number];
    int64_t value = atomic_load_explicit(stored_at(pool->header, field), memory_order_relaxed);
    if (is_within(field, value))
        return value;
    return value < field->least ? field->least : field->most;
}

void policy_set(const struct keyshm_pool *pool, const struct keyshm_policy *policy)
{
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_LASTING);
    struct event_record record = event_of(pool, KEYSHM_EVENT_SETTINGS);
    policy_store(pool->header, policy);
    event_write(pool, ticket, &record);
}

void policy_read(const struct keyshm_pool *pool, struct keyshm_policy *ret_policy)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        put(ret_policy, &fields[i], load(pool, i));
}

/* ---- what it says ---- */

int64_t policy_duration_ms(const struct keyshm_pool *pool, enum keyshm_status status, int64_t duration_ms,
                           bool *ret_was_too_long)
{
    bool is_quota = status == KEYSHM_QUOTA_EXCEEDED;
    *ret_was_too_long = false;
    if (status == KEYSHM_AVAILABLE)
        return DURATION_UNTIL_MARKED;
    if (status == KEYSHM_INVALID || duration_ms == KEYSHM_NO_RETRY_AFTER)
        return DURATION_BY_POLICY;
    if (duration_ms == KEYSHM_UNTIL_MARKED)
        return is_quota ? DURATION_BY_POLICY : DURATION_UNTIL_MARKED;
    int64_t most_ms = is_quota ? KEYSHM_DURATION_MAX_MS : load(pool, FIELD_COOLDOWN_MAX);
    *ret_was_too_long = duration_ms > most_ms;
    return duration_ms < 0 ? 0 : duration_ms < most_ms ? duration_ms : most_ms;
}

int64_t policy_cooldown_ms(const struct keyshm_pool *pool, unsigned number)
{
    int64_t growth_percent = load(pool, FIELD_GROWTH), most_ms = load(pool, FIELD_COOLDOWN_MAX);
    int64_t duration_ms = load(pool, FIELD_COOLDOWN);
    if (duration_ms == 0)
        return DURATION_UNTIL_MARKED;
    /* At most 254 steps. No product exceeds 1,000 times KEYSHM_DURATION_MAX_MS. */
    for (unsigned i = 1; i < number && growth_percent > 100 && duration_ms < most_ms; i++)
        duration_ms = (duration_ms * growth_percent + 99) / 100;
    return duration_ms < most_ms ? duration_ms : most_ms;
}

static int64_t retry_ms(const struct keyshm_pool *pool, int number)
{
    int64_t duration_ms = load(pool, number);
    return duration_ms == KEYSHM_UNTIL_MARKED ? DURATION_UNTIL_MARKED : duration_ms;
}

int64_t policy_invalid_retry_ms(const struct keyshm_pool *pool)
{
    return retry_ms(pool, FIELD_INVALID_RETRY);
}

int64_t policy_quota_retry_ms(const struct keyshm_pool *pool)
{
    return retry_ms(pool, FIELD_QUOTA_RETRY);
}

unsigned policy_invalid_after(const struct keyshm_pool *pool)
{
    return (unsigned)load(pool, FIELD_INVALID_AFTER);
}

uint64_t policy_streak_forget_ms(const struct keyshm_pool *pool)
{
    return (uint64_t)load(pool, FIELD_FORGET);
}

uint64_t policy_probe_ms(const struct keyshm_pool *pool)
{
    int64_t probe_ms = load(pool, FIELD_PROBE);
    return probe_ms != 0 ? (uint64_t)probe_ms : PROBE_DEFAULT_MS;
}
