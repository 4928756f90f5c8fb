/* SPDX-License-Identifier: MIT */
#include "reap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget.h"
#include "event_ring.h"
#include "key_group.h"
#include "lease.h"
#include "places.h"
#include "pool_clock.h"
#include "process_local.h"
#include "subject.h"
#include "workers.h"

/* The processes that one call looks at, some 25 us each, and how long one that is alive is not looked at again. */
#define LOOKS_MAX 8
#define ALIVE_FOR_MS 400

/* ---- one cell ---- */

/* A request in flight. */
struct in_flight {
    uint32_t subject, number;
    struct places places;
    uint64_t cell, held, since;
};

static struct in_flight load(const struct keyshm_pool *pool, uint32_t subject, uint32_t number)
{
    struct in_flight request = {.subject = subject, .number = number, .places = places_of(pool, subject)};
    /* acquire: the note is written after the cell, and of that `held` last. So if that is of the cell, the time is, too. */
    request.cell = atomic_load_explicit(&request.places.cells[number], memory_order_acquire);
    request.held = atomic_load_explicit(&request.places.notes[number].held, memory_order_acquire);
    request.since = atomic_load_explicit(&request.places.notes[number].since_ms, memory_order_acquire);
    return request;
}

/* It has been noted, and stands for a lease by itself. */
static bool is_lease(const struct in_flight *request)
{
    return held_is_of(request->held, request->cell) && (request->held & HELD_HAS_KEY_CELL) == 0;
}

static keyshm_id key_of(const struct keyshm_pool *pool, const struct in_flight *request)
{
    uint32_t slot = (uint32_t)(request->since & ID_SLOT_MASK);
    return slot < pool->settings.capacity ? atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_acquire) : 0;
}

static void record(const struct keyshm_pool *pool, const struct in_flight *request)
{
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_LASTING);
    struct event_record record = event_of(pool, KEYSHM_EVENT_REAPED);
    record.id = key_of(pool, request);
    record.model = held_model(request->held);
    event_write(pool, ticket, &record);
}

/* Returns whether it was this one. */
static bool take_away(const struct keyshm_pool *pool, const struct in_flight *request)
{
    bool is_wanted;
    if (held_is_of(request->held, request->cell))
        lease_charge_held(pool, request->subject, held_model(request->held), held_tokens(request->held));
    if (!places_give_back(&request->places, request->number, request->cell, &is_wanted))
        return false;
    budget_announce(pool);
    if (is_lease(request))
        record(pool, request);
    return true;
}

/* A cell without a note: its owner is stopped between the two, or will write it at once. What is noted there is of the one
 * before, which may be old. So this process remembers since when it has seen the cell: bits 63..24 the time in milliseconds,
 * 23..0 a hash of the cell. */
static uint64_t unnoted_since_ms(const struct keyshm_pool *pool, uint64_t cell, uint64_t now_ms)
{
    uint64_t mark = cell * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SINCE_MS_SHIFT);
    _Atomic uint64_t *at = &pool->local->unnoted[mark % PROCESS_UNNOTED];
    uint64_t known = atomic_load_explicit(at, memory_order_relaxed);
    if (((known ^ mark) & ID_SLOT_MASK) == 0)
        return since_ms(known);
    atomic_store_explicit(at, now_ms << SINCE_MS_SHIFT | mark, memory_order_relaxed);
    return now_ms;
}

static bool is_too_old(const struct keyshm_pool *pool, const struct in_flight *request, uint64_t now_ms)
{
    int64_t most_ms = atomic_load_explicit(&pool->header->policy.lease_max_ms, memory_order_relaxed);
    uint64_t taken_ms = held_is_of(request->held, request->cell) ? since_ms(request->since)
                                                                 : unnoted_since_ms(pool, request->cell, now_ms);
    return most_ms > 0 && taken_ms + (uint64_t)most_ms < now_ms;
}

/* ---- those that are wanted ---- */

struct reaping {
    const struct keyshm_pool *pool;
    uint64_t now_ms;
    int looks_left;
    int count;
};

/* When an owner was found alive: bits 63..34 the low bits of a time in milliseconds, 33..0 which it was. */
#define ALIVE_OWNER_BITS (64 - CELL_NUMBER_BITS)
#define ALIVE_OWNER_MASK ((UINT64_C(1) << ALIVE_OWNER_BITS) - 1)

static uint64_t alive_at(uint64_t cell, uint64_t now_ms)
{
    return now_ms << ALIVE_OWNER_BITS | cell >> CELL_NUMBER_BITS;
}

/* Was it found alive shortly before? Otherwise *ret_at is where to remember that. */
static bool is_known_alive(const struct reaping *reaping, uint64_t cell, _Atomic uint64_t **ret_at)
{
    *ret_at = &reaping->pool->local->alive[cell_row(cell) % PROCESS_ALIVE];
    uint64_t known = atomic_load_explicit(*ret_at, memory_order_relaxed), now = alive_at(cell, reaping->now_ms);
    return ((known ^ now) & ALIVE_OWNER_MASK) == 0 && (now - known) >> ALIVE_OWNER_BITS < ALIVE_FOR_MS;
}

static bool has_left(struct reaping *reaping, uint64_t cell)
{
    _Atomic uint64_t *at;
    if (is_known_alive(reaping, cell, &at) || reaping->looks_left == 0)
        return false;
    reaping->looks_left--;
    if (workers_has_left(reaping->pool, cell_row(cell), cell_count(cell)))
        return true;
    atomic_store_explicit(at, alive_at(cell, reaping->now_ms), memory_order_relaxed);
    return false;
}

static void reap_places(struct reaping *reaping, uint32_t subject)
{
    struct places places = places_of(reaping->pool, subject);
    for (uint32_t number = 0; number < places.max; number++) {
        struct in_flight request = load(reaping->pool, subject, number);
        if (request.cell != CELL_FREE &&
            (is_too_old(reaping->pool, &request, reaping->now_ms) || has_left(reaping, request.cell)))
            reaping->count += take_away(reaping->pool, &request);
    }
}

bool reap_wanted(const struct keyshm_pool *pool)
{
    struct reaping reaping = {.pool = pool, .now_ms = pool_now_ms(pool), .looks_left = LOOKS_MAX};
    if (pool->local == NULL || reaping.now_ms < atomic_load_explicit(&pool->local->next_reap_ms, memory_order_relaxed))
        return false;
    atomic_store_explicit(&pool->local->next_reap_ms, reaping.now_ms + REAP_EVERY_MS, memory_order_relaxed);
    for (uint32_t subject = 0; subject < pool_subjects_end(pool); subject++)
        if (atomic_load_explicit(&pool->places[subject].wanted, memory_order_relaxed) != 0)
            reap_places(&reaping, subject);
    return reaping.count > 0;
}

/* ---- all ---- */

/* Is it to be given back? */
static bool is_reaped(const struct keyshm_pool *pool, uint64_t cell, pid_t pid_or_0)
{
    uint32_t row = cell_row(cell);
    uint64_t count = cell_count(cell);
    if (pid_or_0 != 0 && !workers_was_of(pool, row, count, pid_or_0))
        return false;
    return (pid_or_0 != 0 && workers_is_own(pool, row, count)) || workers_has_left(pool, row, count);
}

int reap_all(const struct keyshm_pool *pool, pid_t pid_or_0)
{
    int count = 0;
    for (uint32_t subject = 0; subject < pool_subjects_end(pool); subject++) {
        struct places places = places_of(pool, subject);
        for (uint32_t number = 0; number < places.max; number++) {
            struct in_flight request = load(pool, subject, number);
            if (request.cell != CELL_FREE && is_reaped(pool, request.cell, pid_or_0))
                count += take_away(pool, &request) && is_lease(&request);
        }
    }
    return count;
}

/* ---- showing them ---- */

/* Also those that it holds in its place of the group that the key is in. */
static uint64_t tokens_of(const struct keyshm_pool *pool, const struct in_flight *request)
{
    uint32_t key_group =
        subject_is_group(pool, request->subject) ? GROUP_NONE : key_group_of_slot(pool, request->subject);
    uint64_t tokens = held_tokens(request->held);
    if (key_group == GROUP_NONE)
        return tokens;
    struct places places = places_of(pool, pool_group_subject(pool, group_index(key_group)));
    for (uint32_t number = 0; number < places.max; number++) {
        struct in_flight of_group = load(pool, pool_group_subject(pool, group_index(key_group)), number);
        if (of_group.cell == request->cell && held_is_of(of_group.held, of_group.cell) &&
            held_tokens(of_group.held) > tokens)
            tokens = held_tokens(of_group.held);
    }
    return tokens;
}

static struct keyshm_held describe(const struct keyshm_pool *pool, const struct in_flight *request, uint64_t now_ms)
{
    uint64_t taken_ms = since_ms(request->since);
    struct keyshm_held held = {
        .id = key_of(pool, request),
        .model = held_model(request->held),
        .pid = workers_process_of(pool, cell_row(request->cell), cell_count(request->cell)),
        .held_ms = taken_ms < now_ms ? (int64_t)(now_ms - taken_ms) : 0,
        .tokens = tokens_of(pool, request),
    };
    workers_name_of(pool, cell_row(request->cell), cell_count(request->cell), held.name);
    return held;
}

static int compare_ages(const void *a, const void *b)
{
    int64_t a_ms = ((const struct keyshm_held *)a)->held_ms, b_ms = ((const struct keyshm_held *)b)->held_ms;
    return a_ms > b_ms ? -1 : a_ms < b_ms;
}

/* Add what is in flight there, if there is room. */
static void add_leases(const struct keyshm_pool *pool, uint32_t subject, uint64_t now_ms, size_t room,
                       struct keyshm_lease_list *list)
{
    struct places places = places_of(pool, subject);
    for (uint32_t number = 0; number < places.max; number++) {
        struct in_flight request = load(pool, subject, number);
        if (request.cell == CELL_FREE || !is_lease(&request))
            continue;
        if (list->count < room)
            list->leases[list->count] = describe(pool, &request, now_ms);
        list->count++;
    }
}

static size_t fill(const struct keyshm_pool *pool, size_t room, struct keyshm_lease_list *list)
{
    uint64_t now_ms = pool_now_ms(pool);
    list->count = 0;
    for (uint32_t subject = 0; subject < pool_subjects_end(pool); subject++)
        add_leases(pool, subject, now_ms, room, list);
    return list->count;
}

/* How often more are found than there was room for, before some are left out. */
#define FILL_TRIES_MAX 10

int reap_list(const struct keyshm_pool *pool, struct keyshm_lease_list **ret_list)
{
    struct keyshm_lease_list *list = calloc(1, sizeof(*list));
    size_t room = 0;
    if (list == NULL)
        return -ENOMEM;
    list->element_bytes = sizeof(*list->leases);
    for (int i = 0; i < FILL_TRIES_MAX && (fill(pool, room, list) > room || room == 0); i++) {
        free(list->leases);
        room = list->count + list->count / 2 + 16;
        list->leases = calloc(room, sizeof(*list->leases));
        if (list->leases == NULL) {
            free(list);
            return -ENOMEM;
        }
    }
    list->count = list->count < room ? list->count : room;
    qsort(list->leases, list->count, sizeof(*list->leases), compare_ages);
    *ret_list = list;
    return 0;
}

void keyshm_lease_list_free(struct keyshm_lease_list *list)
{
    if (list != NULL)
        free(list->leases);
    free(list);
}
