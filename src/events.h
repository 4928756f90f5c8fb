/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_EVENTS_H
#define KEYSHM_EVENTS_H

/*
 * What has happened: a ring of records for each class of events.
 *
 * Who makes an event first takes the next number of its class, then does it, then writes the record to the number's
 * place. So a death between the two is seen: there is a number without a record. Nobody waits for anybody: a writer that
 * comes late, when the ring has gone round, spoils the record that is there by then, and that is seen too
 * (event_record.h).
 */

#include "event_record.h"
#include "pool.h"

enum event_class {
    EVENTS_OF_COOLDOWNS = 0,  /* what happens all the time under load */
    EVENTS_THAT_LAST = 1,     /* somebody will ask for who did it, and when */
    EVENTS_OF_MEMBERSHIP = 2, /* what the owner of the mutex does */
};
_Static_assert(EVENTS_OF_MEMBERSHIP + 1 == KEYSHM_EVENT_CLASS_COUNT, "the classes that keyshm.h tells of");

struct event_ticket {
    enum event_class class;
    uint64_t number;
};

static inline struct event_ticket events_claim(const struct keyshm_pool *pool, enum event_class class)
{
    /* relaxed: the number orders nothing; a record is known by its checksum. */
    return (struct event_ticket){
        class, atomic_fetch_add_explicit(&pool->header->event_classes[class].next, 1, memory_order_relaxed)};
}

static inline struct layout_event *event_at(const struct keyshm_pool *pool, enum event_class class, uint64_t number)
{
    uint32_t count = pool->settings.events_per_class;
    return &pool->events[(size_t) class * count + (number & (count - 1))];
}

static inline void events_write(const struct keyshm_pool *pool, struct event_ticket ticket,
                                const struct event_record *record)
{
    struct layout_event *at = event_at(pool, ticket.class, ticket.number);
    uint64_t words[RECORD_WORDS];
    record_pack(ticket.number, record, words);
    /* Not in a loop: the words stay in registers. */
    atomic_store_explicit(&at->words[0], words[0], memory_order_relaxed);
    atomic_store_explicit(&at->words[1], words[1], memory_order_relaxed);
    atomic_store_explicit(&at->words[2], words[2], memory_order_relaxed);
    atomic_store_explicit(&at->words[3], words[3], memory_order_relaxed);
    _Static_assert(RECORD_WORDS == 4, "all of them");
}

/* As keyshm_events(). */
int events_read(const struct keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null,
                struct keyshm_event_list **ret_list);

#endif
