/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "segment.h"
#include "slot.h"

/* A record that is not whole may just be being written: it is looked at again so often, some microseconds long. */
#define READ_TRIES_MAX 100

/* What was read so far, before it is put in order. */
struct reading {
    const struct keyshm_pool *pool;
    struct keyshm_event_list *list;
    uint64_t now_us;
    int64_t unix_us; /* of the same moment */
};

static bool read_record(const struct keyshm_pool *pool, enum event_class class, uint64_t number,
                        struct event_record *ret_record)
{
    const struct layout_event *at = event_at(pool, class, number);
    uint64_t words[RECORD_WORDS];
    for (int tries = 0; tries < READ_TRIES_MAX; tries++) {
        for (int i = 0; i < RECORD_WORDS; i++)
            words[i] = atomic_load_explicit(&at->words[i], memory_order_relaxed);
        if (record_unpack(number, words, ret_record))
            return true;
    }
    return false;
}

static void append(const struct reading *reading, const struct event_record *record)
{
    struct keyshm_event *event = &reading->list->events[reading->list->count++];
    int64_t ago_us = record->time_us < reading->now_us ? (int64_t)(reading->now_us - record->time_us) : 0;
    bool is_death = record->kind == KEYSHM_EVENT_RECOVERED;
    *event = (struct keyshm_event){
        .kind = record->kind,
        .unix_us = reading->unix_us - ago_us,
        .ago_ms = ago_us / 1000,
        .pid = (pid_t)record->process,
        .id = record->id,
        .from = record->from,
        .to = record->to,
        .duration_ms = is_death ? -1 : record->number,
        .dead_pid = is_death && record->number > 0 ? (pid_t)record->number : 0,
    };
    if (record->id != 0)
        slot_masked_key(reading->pool, record->id, event->masked_key);
}

/* The events of a class from *next on, which is moved behind them. There is room for a whole ring. */
static void read_class(const struct reading *reading, enum event_class class, uint64_t *next)
{
    const struct keyshm_pool *pool = reading->pool;
    uint64_t end = atomic_load_explicit(&pool->header->event_classes[class].next, memory_order_relaxed);
    uint64_t kept = pool->settings.events_per_class, begin = *next;
    /* A cursor from ahead is another pool's, or the segment was written over: begin with what there is. */
    if (begin > end)
        begin = 0;
    if (end - begin > kept) {
        reading->list->overwritten += end - kept - begin;
        begin = end - kept;
    }
    for (uint64_t number = begin; number != end; number++) {
        struct event_record record;
        if (read_record(pool, class, number, &record))
            append(reading, &record);
        else
            reading->list->missing++;
    }
    *next = end;
}

static int compare_times(const void *a, const void *b)
{
    int64_t a_us = ((const struct keyshm_event *)a)->unix_us, b_us = ((const struct keyshm_event *)b)->unix_us;
    return a_us < b_us ? -1 : a_us > b_us;
}

int events_read(const struct keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null,
                struct keyshm_event_list **ret_list)
{
    struct keyshm_event_cursor cursor = {{0}};
    struct keyshm_event_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    list->events = calloc((size_t)pool->settings.events_per_class * KEYSHM_EVENT_CLASS_COUNT, sizeof(*list->events));
    if (list->events == NULL) {
        free(list);
        return -ENOMEM;
    }
    if (cursor_or_null != NULL)
        cursor = *cursor_or_null;
    struct reading reading = {.pool = pool, .list = list, .now_us = clock_now_us(), .unix_us = clock_unix_us()};
    for (int class = 0; class < KEYSHM_EVENT_CLASS_COUNT; class ++)
        read_class(&reading, (enum event_class) class, &cursor.next[class]);
    if (!segment_is_intact(pool)) {
        keyshm_event_list_free(list);
        return -EBADMSG;
    }
    qsort(list->events, list->count, sizeof(*list->events), compare_times);
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
