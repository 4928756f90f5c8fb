/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_EVENT_RING_H
#define KEYSHM_EVENT_RING_H

/*
 * The rings of event records, one for each class of events, as their writers use them; events.c reads them.
 *
 * A writer claims the next number of the class, does what is to be recorded, and then writes the record to the place of
 * that number. A process killed between the first and the last step leaves a number without a record, which readers count
 * as missing. Nobody waits: a writer that resumes after the ring has gone round spoils the record that is in its place by
 * then, and the checksum shows that too (event_record.h).
 */

#include "event_record.h"
#include "pool_clock.h"
#include "workers.h"

enum event_class {
    EVENT_CLASS_COOLDOWNS = 0,  /* what happens all the time under load */
    EVENT_CLASS_LASTING = 1,    /* quotas and invalid keys: somebody will ask when, and by which process */
    EVENT_CLASS_MEMBERSHIP = 2, /* what the owner of the mutex does */
};
_Static_assert(EVENT_CLASS_MEMBERSHIP + 1 == KEYSHM_EVENT_CLASS_COUNT, "the classes that keyshm.h counts");

struct event_ticket {
    enum event_class event_class;
    uint64_t number;
};

static inline struct event_ticket event_claim(const struct keyshm_pool *pool, enum event_class event_class)
{
    /* relaxed: the number orders nothing; a record is known by its checksum. */
    uint64_t number = atomic_fetch_add_explicit(&pool->header->event_classes[event_class].next, 1, memory_order_relaxed);
    return (struct event_ticket){event_class, number};
}

static inline struct layout_event *event_at(const struct keyshm_pool *pool, enum event_class event_class, uint64_t number)
{
    uint32_t count = pool->settings.events_per_class;
    return &pool->events[(size_t)event_class * count + (number & (count - 1))];
}

/* An event without a change of status, by this process, now. */
static inline struct event_record event_of(const struct keyshm_pool *pool, enum keyshm_event_kind kind)
{
    pool_clock_look(pool);
    return (struct event_record){
        .kind = kind,
        .from = -1,
        .to = -1,
        .time_us = pool_coarse_us(pool),
        .process = workers_process_id(pool),
        .number = -1,
    };
}

/* Always inlined: it is a tenth of a mark, whose words then stay in registers. The wall clock is filled in. */
__attribute__((always_inline)) static inline void event_write(const struct keyshm_pool *pool, struct event_ticket ticket,
                                                              struct event_record *record)
{
    struct layout_event *at = event_at(pool, ticket.event_class, ticket.number);
    uint64_t words[RECORD_WORDS];
    record->unix_us = pool_unix_us(pool, record->time_us);
    record_pack(ticket.number, record, words);
    /* Not in a loop: the words stay in registers. */
    atomic_store_explicit(&at->words[0], words[0], memory_order_relaxed);
    atomic_store_explicit(&at->words[1], words[1], memory_order_relaxed);
    atomic_store_explicit(&at->words[2], words[2], memory_order_relaxed);
    atomic_store_explicit(&at->words[3], words[3], memory_order_relaxed);
    atomic_store_explicit(&at->words[4], words[4], memory_order_relaxed);
    _Static_assert(RECORD_WORDS == 5 && RECORD_WORDS <= LAYOUT_EVENT_WORDS, "all of them");
}

#endif
