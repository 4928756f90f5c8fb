/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <errno.h>
#include <stdlib.h>

#include "event_ring.h"
#include "slot.h"

/* A record that is not whole may be in the middle of being written: it is read again for some microseconds. */
#define READ_TRIES_MAX 100

/* A number without a record, in front of records, is given up when one of those is this old: its writer was killed or
 * stopped. */
#define UNFINISHED_MAX_US 1000000

/* The events read so far, before they are put in order. */
struct collection {
    const struct keyshm_pool *pool;
    struct keyshm_event_list *list;
    struct keyshm_event *events;
    uint64_t now_us;
    bool is_followed; /* with a cursor: what is not finished is left for the next time */
};

static bool read_record(const struct keyshm_pool *pool, enum event_class event_class, uint64_t number,
                        struct event_record *ret_record)
{
    const struct layout_event *at = event_at(pool, event_class, number);
    uint64_t words[RECORD_WORDS];
    for (int tries = 0; tries < READ_TRIES_MAX; tries++) {
        for (int i = 0; i < RECORD_WORDS; i++)
            words[i] = atomic_load_explicit(&at->words[i], memory_order_relaxed);
        if (record_unpack(number, words, ret_record))
            return true;
    }
    return false;
}

static void append(const struct collection *collection, enum event_class event_class, uint64_t number,
                   const struct event_record *record)
{
    struct keyshm_event *event = &collection->events[collection->list->count++];
    int64_t ago_us = record->time_us < collection->now_us ? (int64_t)(collection->now_us - record->time_us) : 0;
    bool is_death = record->kind == KEYSHM_EVENT_RECOVERED;
    *event = (struct keyshm_event){
        .kind = record->kind,
        .number = number * KEYSHM_EVENT_CLASS_COUNT + (uint64_t)event_class,
        .unix_us = (int64_t)record->unix_us,
        .ago_ms = ago_us / 1000,
        .pid = (pid_t)record->process,
        .id = record->id,
        .model = record->model,
        .scope = record->scope,
        .reason = record->reason,
        .from = record->from,
        .to = record->to,
        .duration_ms = is_death ? -1 : record->number,
        .dead_pid = is_death && record->number > 0 ? (pid_t)record->number : 0,
    };
    if (record->id != 0)
        slot_masked_key(collection->pool, record->id, event->masked_key);
}

/* The next number that has a record, if that is old enough to give up the numbers before it; otherwise `number`. */
static uint64_t give_up_to(const struct collection *collection, enum event_class event_class, uint64_t number,
                           uint64_t end)
{
    struct event_record record;
    uint64_t later = number + 1;
    while (later < end && !read_record(collection->pool, event_class, later, &record))
        later++;
    return later < end && record.time_us + UNFINISHED_MAX_US <= collection->now_us ? later : number;
}

/* Append the events of a class from *next on, and move *next past them. There is room for a whole ring. */
static void read_class(const struct collection *collection, enum event_class event_class, uint64_t *next)
{
    const struct keyshm_pool *pool = collection->pool;
    uint64_t end = atomic_load_explicit(&pool->header->event_classes[event_class].next, memory_order_relaxed);
    uint64_t kept = pool->settings.events_per_class, number = *next;
    /* A cursor that is ahead belongs to another pool, or the segment was overwritten: begin with the oldest. */
    if (number > end)
        number = 0;
    if (end - number > kept) {
        collection->list->overwritten += end - kept - number;
        number = end - kept;
    }
    uint64_t given_up = collection->is_followed ? number : end; /* before this number, none is waited for */
    for (; number < end; number++) {
        struct event_record record;
        if (read_record(pool, event_class, number, &record)) {
            append(collection, event_class, number, &record);
            continue;
        }
        if (number >= given_up && (given_up = give_up_to(collection, event_class, number, end)) == number)
            break;
        collection->list->missing++;
    }
    *next = number;
}

/* Within one tick of the clock: a key is more likely first added, then cooled down, and last given up. */
static const enum event_class order_in_a_tick[KEYSHM_EVENT_CLASS_COUNT] = {EVENT_CLASS_MEMBERSHIP, EVENT_CLASS_COOLDOWNS,
                                                                           EVENT_CLASS_LASTING};

/* Read each class in the order of its numbers, one class after the other, and note where each ends. */
static void read_classes(const struct collection *collection, struct keyshm_event_cursor *cursor,
                         size_t ret_ends[KEYSHM_EVENT_CLASS_COUNT])
{
    for (int i = 0; i < KEYSHM_EVENT_CLASS_COUNT; i++) {
        read_class(collection, order_in_a_tick[i], &cursor->next[order_in_a_tick[i]]);
        ret_ends[i] = collection->list->count;
    }
}

/* Merge the classes by time; the events of one class keep their order. */
static void merge(const struct keyshm_event *from, const size_t ends[KEYSHM_EVENT_CLASS_COUNT], struct keyshm_event *to)
{
    size_t at[KEYSHM_EVENT_CLASS_COUNT] = {0};
    for (int i = 1; i < KEYSHM_EVENT_CLASS_COUNT; i++)
        at[i] = ends[i - 1];
    for (size_t count = ends[KEYSHM_EVENT_CLASS_COUNT - 1]; count > 0; count--) {
        int first = 0;
        for (int i = 1; i < KEYSHM_EVENT_CLASS_COUNT; i++)
            if (at[i] < ends[i] && (at[first] == ends[first] || from[at[i]].ago_ms > from[at[first]].ago_ms))
                first = i;
        *to++ = from[at[first]++];
    }
}

/* On failure the list may be incomplete; it stays the caller's to free. */
static int read_in_order(const struct keyshm_pool *pool, struct keyshm_event_cursor *cursor, bool is_followed,
                         struct keyshm_event_list *list)
{
    size_t room = (size_t)pool->settings.events_per_class * KEYSHM_EVENT_CLASS_COUNT, ends[KEYSHM_EVENT_CLASS_COUNT];
    struct keyshm_event *by_class = calloc(room, sizeof(*by_class));
    list->events = calloc(room, sizeof(*list->events));
    if (by_class == NULL || list->events == NULL) {
        free(by_class);
        return -ENOMEM;
    }
    struct collection collection = {
        .pool = pool, .list = list, .events = by_class, .now_us = pool_now_us(pool), .is_followed = is_followed};
    read_classes(&collection, cursor, ends);
    merge(by_class, ends, list->events);
    free(by_class);
    return pool_is_unchanged(pool) ? 0 : -EBADMSG;
}

int events_read(const struct keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null,
                struct keyshm_event_list **ret_list)
{
    struct keyshm_event_cursor cursor = {{0}};
    struct keyshm_event_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    if (cursor_or_null != NULL)
        cursor = *cursor_or_null;
    list->element_bytes = sizeof(*list->events);
    int r = read_in_order(pool, &cursor, cursor_or_null != NULL, list);
    if (r < 0) {
        keyshm_event_list_free(list);
        return r;
    }
    if (cursor_or_null != NULL)
        *cursor_or_null = cursor;
    *ret_list = list;
    return 0;
}

void keyshm_event_list_free(struct keyshm_event_list *list)
{
    if (list != NULL)
        free(list->events);
    free(list);
}
