/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_EVENT_RECORD_H
#define KEYSHM_EVENT_RECORD_H

/*
 * The record of one event: packing, unpacking, and the check that it is whole. Pure functions: no memory, no clock.
 *
 *   word 0  bits 63..32 checksum; 31..0 the event's number in its class
 *   word 1  the key's id; 0: none
 *   word 2  bits 63..16 microseconds of the pool's time (8.9 years); 15..5 model; 4..1 reason; 0 scope
 *   word 3  bits 63..40 process id; 39..0 1 + a number: a duration in milliseconds, or the process that died; 0: none
 *   word 4  bits 63..12 microseconds of the wall clock (until 2112); 11..8 kind; 7..5 from; 4..2 to; 1..0 zero
 *
 * from and to are 1 + enum keyshm_status; 0: none.
 *
 * Five words cannot be stored at once. A writer may be killed between two of them, or be stopped there and resume when
 * the ring has gone round and another process writes to the same place. So a record is accepted only when the checksum
 * shows that its words belong together and to this number; the order in which they were stored does not matter.
 */

#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"

#define RECORD_WORDS 5
#define RECORD_NUMBER_MASK ((UINT64_C(1) << 40) - 1)
#define RECORD_PROCESS_MASK ((UINT64_C(1) << 24) - 1) /* no process id is larger: 2^22 at most (proc(5), pid_max) */
#define RECORD_MODEL_MAX 1024u

struct event_record {
    enum keyshm_event_kind kind;
    int from; /* enum keyshm_status; -1: none */
    int to;   /* the same */
    enum keyshm_reason reason;
    enum keyshm_scope scope;
    unsigned model;
    keyshm_id id;
    uint64_t time_us; /* of the pool */
    uint64_t unix_us;
    uint32_t process;
    int64_t number; /* a duration in milliseconds, or the process that died; -1: none */
};

/* The high half of a sum of products with odd numbers: it almost certainly differs when any word does, and the
 * multiplications do not wait for one another. */
static inline uint32_t record_checksum(uint32_t number, const uint64_t words[RECORD_WORDS])
{
    uint64_t sum = UINT64_C(0x9e3779b97f4a7c15) + number * UINT64_C(0xbf58476d1ce4e5b9) +
                   words[1] * UINT64_C(0x94d049bb133111eb) + words[2] * UINT64_C(0xd6e8feb86659fd93) +
                   words[3] * UINT64_C(0xa0761d6478bd642f) + words[4] * UINT64_C(0xe7037ed1a0b428db);
    return (uint32_t)(sum >> 32);
}

static inline void record_pack(uint64_t event_number, const struct event_record *record, uint64_t ret_words[RECORD_WORDS])
{
    uint32_t number = (uint32_t)event_number;
    ret_words[1] = record->id;
    ret_words[2] =
        record->time_us << 16 | (uint64_t)record->model << 5 | (uint64_t)record->reason << 1 | (uint64_t)record->scope;
    ret_words[3] = (record->process & RECORD_PROCESS_MASK) << 40 | ((uint64_t)(record->number + 1) & RECORD_NUMBER_MASK);
    ret_words[4] = record->unix_us << 12 | (uint64_t)record->kind << 8 | (uint64_t)(record->from + 1) << 5 |
                   (uint64_t)(record->to + 1) << 2;
    ret_words[0] = (uint64_t)record_checksum(number, ret_words) << 32 | number;
}

/* Are the parts those of a known version? */
static inline bool record_is_known(const struct event_record *record)
{
    return record->kind < KEYSHM_EVENT_KIND_COUNT && record->from < KEYSHM_STATUS_COUNT &&
           record->to < KEYSHM_STATUS_COUNT && record->reason < KEYSHM_REASON_COUNT && record->model <= RECORD_MODEL_MAX;
}

/* Are these the words of this event, all of them, and of a known kind? */
static inline bool record_unpack(uint64_t event_number, const uint64_t words[RECORD_WORDS],
                                 struct event_record *ret_record)
{
    uint32_t number = (uint32_t)event_number;
    if (words[0] != ((uint64_t)record_checksum(number, words) << 32 | number))
        return false;
    struct event_record record = {
        .kind = (enum keyshm_event_kind)(words[4] >> 8 & 15),
        .from = (int)(words[4] >> 5 & 7) - 1,
        .to = (int)(words[4] >> 2 & 7) - 1,
        .reason = (enum keyshm_reason)(words[2] >> 1 & 15),
        .scope = (enum keyshm_scope)(words[2] & 1),
        .model = (unsigned)(words[2] >> 5 & 2047),
        .id = words[1],
        .time_us = words[2] >> 16,
        .unix_us = words[4] >> 12,
        .process = (uint32_t)(words[3] >> 40),
        .number = (int64_t)(words[3] & RECORD_NUMBER_MASK) - 1,
    };
    if (!record_is_known(&record))
        return false;
    *ret_record = record;
    return true;
}

#endif
