/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LAYOUT_H
#define KEYSHM_LAYOUT_H

/*
 * The bytes of a segment: every struct in shared memory, and nothing else. A change of a field here needs a new
 * LAYOUT_VERSION; the stamp (layout.c) catches most changes that lack one.
 *
 *   0            struct layout_header, one page, of which struct layout_model of model 0 is the end
 *   models       struct layout_model, from model 1 on (models.c)
 *   words        for each model, one state word a slot, and one a group: the truth (state_word.h)
 *   histories    struct layout_history, one for each of these words (streak.c, probe.c)
 *   limit_refs   which limits each has that has a state word (limit_sets.c)
 *   usages       struct layout_usage, what each of these has used of its limits (rate.h)
 *   observed     struct layout_observed, one for each slot and group (observed.c)
 *   places       struct layout_places, one for each slot and group (places.c)
 *   cells        and its places for requests in flight
 *   notes        struct layout_note, one for each cell
 *   limits       struct layout_limits: limits of which there are some, each once (limit_sets.c)
 *   key_groups   which group the key of each slot is in (groups.c)
 *   ready        for each model, one bit a slot: a hint (ready_bits.c)
 *   planes       one bit a slot for each priority, and for each bit of a weight (order.c)
 *   due          for each model, for each block of 64 slots, and for 64 of these, when the hint must be looked after (ready_bits.c)
 *   groups       struct layout_group (groups.c)
 *   index        a hash table from key to slot: a hint for readers, exact for the owner of the mutex (key_index.c)
 *   slots        struct layout_slot and the bytes of its key
 *   events       a ring of records for each class of events (events.c)
 *   workers      one row for each attachment (workers.c)
 *   waiting      how many of its threads wait for a key (waiters.c)
 *
 * The state words lie together and not in their slots: a count, a snapshot or a search for the next deadline reads
 * eight of them with one cache line, and the stamps that every pick writes into its slot do not take that line away
 * from other readers.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyshm.h"

#define LAYOUT_MAGIC "KEYSHM\r\n"
#define LAYOUT_VERSION 9u

#define LAYOUT_LINE_BYTES 64u
#define LAYOUT_PAIR_BYTES 128u /* what two processors must not both write: many fetch two lines at a time */
#define LAYOUT_HEADER_BYTES 4096u
#define LAYOUT_MUTEX_BYTES 64u
#define LAYOUT_METADATA_WORDS (KEYSHM_METADATA_BYTES_MAX / 8)

/* Fixed when the pool is created, and covered by settings_checksum. */
struct layout_settings {
    uint64_t segment_bytes;
    uint64_t words_offset;
    uint64_t histories_offset;
    uint64_t limit_refs_offset;
    uint64_t usages_offset;
    uint64_t observed_offset;
    uint64_t places_offset;
    uint64_t cells_offset;
    uint64_t notes_offset;
    uint64_t limits_offset;
    uint64_t key_groups_offset;
    uint64_t ready_offset;
    uint64_t planes_offset;
    uint64_t due_offset;
    uint64_t groups_offset;
    uint64_t index_offset;
    uint64_t slots_offset;
    uint64_t events_offset;
    uint64_t workers_offset;
    uint64_t waiting_offset;
    uint32_t slot_bytes;
    uint32_t index_entries; /* a power of two */
    uint32_t capacity;
    uint32_t key_max;
    uint32_t events_per_class; /* a power of two */
    uint32_t worker_rows;
    uint32_t groups_max;
    uint32_t models_max;
    uint32_t words_per_model; /* of slots, and from layout_group_subject(capacity, 0) on of groups */
    uint32_t in_flight_max;   /* cells of a slot */
    uint32_t group_in_flight_max;
    uint32_t limits_max; /* different ones */
    int64_t lock_timeout_ms;
    uint64_t created_unix_us;
    uint64_t epoch_boot_us; /* when the time of the pool was 0 (pool_clock.h), by CLOCK_BOOTTIME; may be negative */
    uint64_t pid_namespace; /* of the creator, as process_pid_namespace() has it */
    uint32_t creator_pid;
    uint32_t creator_uid;
    char creator_name[16];
    char provider[KEYSHM_PROVIDER_MAX + 1];
    char provider_rules[KEYSHM_PROVIDER_MAX + 1];
    char zero[6];
};

/* Turns that a process has claimed, and those that one has left behind: rotation.h. Its owner writes the range at each
 * pick. */
struct layout_turns {
    _Alignas(LAYOUT_PAIR_BYTES) _Atomic uint64_t owner; /* worker_token() of the process; 0: none */
    _Atomic uint64_t range;
    unsigned char reserve[LAYOUT_PAIR_BYTES - 16];
};

#define LAYOUT_TURNS 8
#define LAYOUT_PRIORITIES (KEYSHM_PRIORITY_MAX + 1)
#define LAYOUT_WEIGHT_BITS 4
#define LAYOUT_PLANES (LAYOUT_PRIORITIES + LAYOUT_WEIGHT_BITS)
#define LAYOUT_NAME_WORDS (KEYSHM_NAME_MAX / 8)

/* What each model has. */
struct layout_model {
    /* The one line that every claim writes. */
    _Alignas(LAYOUT_LINE_BYTES) _Atomic uint64_t cursor; /* the last claim: rotation.h */
    _Atomic uint64_t turns_left; /* bit i: turns[i] has an owner no more, and turns that nobody has taken. A hint */
    _Atomic uint64_t more_cursors[LAYOUT_PRIORITIES - 1]; /* of the priorities after the first that keys have */
    unsigned char cursor_reserve[LAYOUT_LINE_BYTES - 40];

    /* Read by every pick, written when a cooldown begins or ends. */
    _Alignas(LAYOUT_LINE_BYTES) _Atomic uint64_t next_due; /* of the blocks of slots: ready_bits.h */
    _Atomic uint64_t order_in_use; /* of model 0 only: which priorities and weights keys have: order.h */
    _Atomic uint32_t limit_ref;    /* of each key that has none of its own for this model: limit_sets.h */
    unsigned char due_reserve[LAYOUT_LINE_BYTES - 20];

    struct layout_turns turns[LAYOUT_TURNS];

    /* Immutable, once the model is counted in models_used. */
    _Atomic uint64_t name_length;             /* bytes; of model 0: 0 */
    _Atomic uint64_t name[LAYOUT_NAME_WORDS]; /* padded with zeros */
    unsigned char reserve[2 * LAYOUT_PAIR_BYTES - 8 - KEYSHM_NAME_MAX];
};

struct layout_header {
    /* These five keep their place and meaning in every version, so that each version recognises the segments of
     * another. */
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;
    uint64_t stamp;
    uint64_t settings_checksum;
    struct layout_settings settings;
    unsigned char settings_reserve[80];

    /* Membership: written by the owner of the mutex only. */
    _Alignas(LAYOUT_LINE_BYTES) unsigned char mutex[LAYOUT_MUTEX_BYTES]; /* a pthread_mutex_t: lock.c */
    _Atomic uint64_t owner;          /* of the mutex: process id << 32 | thread id; 0: none. A hint for messages */
    _Atomic uint64_t change_count;   /* odd while a membership change is under way */
    _Atomic uint64_t recoveries;     /* dead owners cleaned up after */
    _Atomic uint32_t slots_used;     /* no slot at or above it was ever used; only grows */
    _Atomic uint32_t lowest_free;    /* no slot below it is free */
    _Atomic uint64_t owned_since_ms; /* when the owner took it, by pool_now_ms(). A hint, as the owner is */
    _Atomic uint32_t groups_used;    /* no group at or above it was ever used; only grows */
    _Atomic uint32_t models_used;    /* so many models there are, without model 0; only grows */
    unsigned char membership_reserve[LAYOUT_LINE_BYTES - 48];

    /* Written by whoever makes a key available, before the call returns: how often that was. And by whoever waits for it. */
    _Alignas(LAYOUT_LINE_BYTES) _Atomic uint32_t made_available;
    _Atomic uint32_t waiters; /* waiters.h */
    unsigned char available_reserve[LAYOUT_LINE_BYTES - 8];

    /* Read by marks, seldom written. */
    _Alignas(LAYOUT_LINE_BYTES) _Atomic uint64_t pool_minus_monotonic_ms; /* pool_clock.h */
    _Atomic uint64_t unix_minus_pool_us;
    struct layout_policy { /* struct keyshm_policy */
        _Atomic int64_t cooldown_ms;
        _Atomic int64_t cooldown_max_ms;
        _Atomic int64_t cooldown_growth_percent;
        _Atomic int64_t streak_forget_ms;
        _Atomic int64_t invalid_after;
        _Atomic int64_t invalid_retry_ms;
        _Atomic int64_t quota_retry_ms;
        _Atomic int64_t probe_ms;
        _Atomic int64_t lease_max_ms;
    } policy;
    unsigned char policy_reserve[2 * LAYOUT_LINE_BYTES - 88];

    /* Written by the maker of an event of the class: the number of events so far. */
    struct layout_event_class {
        _Alignas(LAYOUT_LINE_BYTES) _Atomic uint64_t next;
        unsigned char reserve[LAYOUT_LINE_BYTES - 8];
    } event_classes[KEYSHM_EVENT_CLASS_COUNT];

    /* Written by a process that attaches. */
    _Alignas(LAYOUT_LINE_BYTES) _Atomic uint64_t workers_cursor; /* where the search for a row begins */
    _Atomic uint64_t workers_unlisted;
    unsigned char workers_reserve[LAYOUT_LINE_BYTES - 16];

    /* Written by the owner of the mutex only: how many keys have each priority, and each weight. */
    _Alignas(LAYOUT_LINE_BYTES) struct layout_order_counts {
        _Atomic uint32_t priorities[LAYOUT_PRIORITIES];
        _Atomic uint32_t weights[KEYSHM_WEIGHT_MAX + 1];
    } order_counts;
    unsigned char order_reserve[2 * LAYOUT_LINE_BYTES - 80];

    unsigned char reserve[LAYOUT_HEADER_BYTES - 1216 - sizeof(struct layout_model)];

    struct layout_model model_0; /* whatever the model; those of the models follow: pool_model() */
};

/* What is remembered beside a state word. */
struct layout_history {
    _Atomic uint64_t streak;    /* failures in a row: streak.h */
    _Atomic uint64_t failed_ms; /* when the last of them was, or one that was not marked in the end: streak.c; 0: none */
    _Atomic uint64_t prober;    /* which process has the probe: probe.c */
};

/* The rates of struct keyshm_limits, in its order. */
enum { LAYOUT_REQUESTS, LAYOUT_TOKENS, LAYOUT_REQUESTS_LONG, LAYOUT_TOKENS_LONG, LAYOUT_RATES };

/* What was used of each rate: rate.h. */
struct layout_usage {
    _Atomic uint64_t used_ns[LAYOUT_RATES];
};

/* What a provider has said is left, whatever the model: observed.h. */
enum { LAYOUT_OBSERVED_REQUESTS, LAYOUT_OBSERVED_TOKENS, LAYOUT_OBSERVED };
struct layout_observed {
    _Atomic uint64_t left[LAYOUT_OBSERVED];
};

#define LAYOUT_LIMITS_MAX 4096u /* different ones */

/* Limits: limit_sets.h. Immutable while anything refers to them. */
struct layout_limits {
    /* What a pick reads: rate.h. */
    _Alignas(LAYOUT_LINE_BYTES) _Atomic uint64_t cost_ns[LAYOUT_RATES];
    _Atomic uint64_t burst_ns[LAYOUT_RATES];

    _Atomic uint64_t kinds;      /* which rates there are, which are charged at release, and the cap */
    _Atomic uint32_t references; /* what has them. Written by the owner of the mutex only */
    _Atomic uint32_t version;    /* how often these were others; the same */
    unsigned char reserve[16];

    /* As they were set. */
    _Atomic uint64_t amount[LAYOUT_RATES];
    _Atomic uint64_t per_ms[LAYOUT_RATES];
    _Atomic uint64_t burst[LAYOUT_RATES];
};

/* Of the cells of a slot or a group: places.h. */
struct layout_places {
    _Atomic uint32_t wanted; /* somebody was refused for what is in its cells */
    _Atomic uint32_t width;  /* no cell at or above it is taken */
};

/* What goes with a cell. */
struct layout_note {
    _Atomic uint64_t held;
    _Atomic uint64_t since_ms;
};

/* One record of a ring: event_record.h. */
#define LAYOUT_EVENT_WORDS 8
struct layout_event {
    _Atomic uint64_t words[LAYOUT_EVENT_WORDS];
};

/* One row of the table of attached processes: workers.c. It has a line of its own, since its process writes it at every
 * pick. */
struct layout_worker {
    _Atomic uint64_t owner; /* workers.h */
    _Atomic uint64_t picks;
    _Atomic uint64_t attached_ms;   /* by pool_now_ms() */
    _Atomic uint64_t pid_namespace; /* as in the settings, of the process */
    _Atomic uint64_t started_ticks; /* when the process was started: proc_pid_stat(5), field 22; 0: not known */
    _Atomic uint64_t image;         /* which of the programs that it has executed (execve(2)) */
    _Atomic uint64_t name[2];       /* 16 bytes, with a NUL */
};

/*
 * What is stored of one key. Counters and stamps carry the generation of their key (tagged.h), so that a late store,
 * from a process that was stopped, cannot reach the next key in the slot.
 */
struct layout_slot {
    /* The line that every pick and mark of this key writes. */
    _Atomic uint64_t picks;                       /* a tagged counter */
    _Atomic uint64_t last_used_ms;                /* a tagged value */
    _Atomic uint64_t marked[KEYSHM_STATUS_COUNT]; /* tagged counters */
    uint64_t counters_reserve[2];

    /* The line that every pick and mark reads. Immutable while the key is in the pool, but for the version and the
     * order. */
    _Atomic uint64_t id; /* of the key that is, or was last, in the slot; 0: never used */
    _Atomic uint64_t key_hash;
    _Atomic uint64_t key_length;       /* bytes; in a free slot not 0 while its bytes are still to be wiped */
    _Atomic uint64_t metadata_version; /* its low bit says which of the two copies is valid */
    _Atomic uint64_t order;            /* its priority and weight: order.h. Written by the owner of the mutex only */
    uint64_t reserve[3];

    _Atomic uint64_t metadata[2][LAYOUT_METADATA_WORDS]; /* metadata.c; never larger, so that a slot of the default
                                                            key_max stays under 1 KiB */
    _Atomic uint64_t key[];                              /* key_max bytes, padded with zeros */
};

/* What is stored of one group. */
struct layout_group {
    /* Immutable while the group is there, as the name is. */
    _Atomic uint64_t id;          /* of the group that is, or was last, here; 0: never used */
    _Atomic uint64_t name_length; /* bytes; while there is no group, not 0 only if its name is still to be wiped */
    _Atomic uint64_t keys;        /* in it. Written by the owner of the mutex only */
    uint64_t reserve[5];

    /* Written by marks. */
    _Atomic uint64_t marked[KEYSHM_STATUS_COUNT]; /* tagged counters */
    uint64_t counters_reserve[4];

    _Atomic uint64_t name[LAYOUT_NAME_WORDS]; /* padded with zeros */
};

/* Compute the place of everything in a segment from the fields capacity, key_max, worker_rows (0: a quarter of the
 * capacity), groups_max, models_max, in_flight_max and group_in_flight_max; all must be within their limits. */
void layout_compute(struct layout_settings *settings);

/* Of what a state word is the state: the number of a slot, or behind all slots that of a group. */
static inline uint32_t layout_group_subject(uint32_t capacity, uint32_t group)
{
    return (capacity + 7) / 8 * 8 + group;
}

/* The number of the first cell of a slot or a group. Those of groups follow those of all slots. */
static inline uint64_t layout_first_cell(const struct layout_settings *layout, uint32_t subject)
{
    uint64_t slots = layout_group_subject(layout->capacity, 0);
    if (subject < slots)
        return (uint64_t)subject * layout->in_flight_max;
    return slots * layout->in_flight_max + (subject - slots) * layout->group_in_flight_max;
}

/* The words of ready bits of one model: whole lines. */
static inline uint32_t layout_ready_words(uint32_t capacity)
{
    return (capacity + 511) / 512 * 8;
}

/* The words of due times: one for each 64 slots, and after them one for each 64 of these. */
static inline uint32_t layout_due_blocks(uint32_t capacity)
{
    return (capacity + 63) / 64;
}

/* The words of due times of one model. */
static inline uint32_t layout_due_words(uint32_t capacity)
{
    uint32_t blocks = layout_due_blocks(capacity);
    return blocks + layout_due_blocks(blocks);
}

/* A number that differs between two builds of this library whose processes must not share a segment. */
uint64_t layout_stamp(uint32_t mutex_bytes, uint32_t mutex_word_offset);

uint64_t layout_checksum(const struct layout_settings *settings);

/* Is the header still the one that was checked on attach? It is not when another file was written over the segment. */
bool layout_is_unchanged(const struct layout_header *header, const struct layout_settings *settings, uint64_t stamp);

#define LAYOUT_AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)

LAYOUT_AT(struct layout_settings, segment_bytes, 0);
LAYOUT_AT(struct layout_settings, words_offset, 8);
LAYOUT_AT(struct layout_settings, histories_offset, 16);
LAYOUT_AT(struct layout_settings, limit_refs_offset, 24);
LAYOUT_AT(struct layout_settings, usages_offset, 32);
LAYOUT_AT(struct layout_settings, observed_offset, 40);
LAYOUT_AT(struct layout_settings, places_offset, 48);
LAYOUT_AT(struct layout_settings, cells_offset, 56);
LAYOUT_AT(struct layout_settings, notes_offset, 64);
LAYOUT_AT(struct layout_settings, limits_offset, 72);
LAYOUT_AT(struct layout_settings, key_groups_offset, 80);
LAYOUT_AT(struct layout_settings, ready_offset, 88);
LAYOUT_AT(struct layout_settings, planes_offset, 96);
LAYOUT_AT(struct layout_settings, due_offset, 104);
LAYOUT_AT(struct layout_settings, groups_offset, 112);
LAYOUT_AT(struct layout_settings, index_offset, 120);
LAYOUT_AT(struct layout_settings, slots_offset, 128);
LAYOUT_AT(struct layout_settings, events_offset, 136);
LAYOUT_AT(struct layout_settings, workers_offset, 144);
LAYOUT_AT(struct layout_settings, waiting_offset, 152);
LAYOUT_AT(struct layout_settings, slot_bytes, 160);
LAYOUT_AT(struct layout_settings, index_entries, 164);
LAYOUT_AT(struct layout_settings, capacity, 168);
LAYOUT_AT(struct layout_settings, key_max, 172);
LAYOUT_AT(struct layout_settings, events_per_class, 176);
LAYOUT_AT(struct layout_settings, worker_rows, 180);
LAYOUT_AT(struct layout_settings, groups_max, 184);
LAYOUT_AT(struct layout_settings, models_max, 188);
LAYOUT_AT(struct layout_settings, words_per_model, 192);
LAYOUT_AT(struct layout_settings, in_flight_max, 196);
LAYOUT_AT(struct layout_settings, group_in_flight_max, 200);
LAYOUT_AT(struct layout_settings, limits_max, 204);
LAYOUT_AT(struct layout_settings, lock_timeout_ms, 208);
LAYOUT_AT(struct layout_settings, created_unix_us, 216);
LAYOUT_AT(struct layout_settings, epoch_boot_us, 224);
LAYOUT_AT(struct layout_settings, pid_namespace, 232);
LAYOUT_AT(struct layout_settings, creator_pid, 240);
LAYOUT_AT(struct layout_settings, creator_uid, 244);
LAYOUT_AT(struct layout_settings, creator_name, 248);
LAYOUT_AT(struct layout_settings, provider, 264);
LAYOUT_AT(struct layout_settings, provider_rules, 329);
LAYOUT_AT(struct layout_settings, zero, 394);
_Static_assert(sizeof(struct layout_settings) == 400, "struct layout_settings");

LAYOUT_AT(struct layout_header, magic, 0);
LAYOUT_AT(struct layout_header, version, 8);
LAYOUT_AT(struct layout_header, header_bytes, 12);
LAYOUT_AT(struct layout_header, stamp, 16);
LAYOUT_AT(struct layout_header, settings_checksum, 24);
LAYOUT_AT(struct layout_header, settings, 32);
LAYOUT_AT(struct layout_header, settings_reserve, 432);
LAYOUT_AT(struct layout_header, mutex, 512);
LAYOUT_AT(struct layout_header, owner, 576);
LAYOUT_AT(struct layout_header, change_count, 584);
LAYOUT_AT(struct layout_header, recoveries, 592);
LAYOUT_AT(struct layout_header, slots_used, 600);
LAYOUT_AT(struct layout_header, lowest_free, 604);
LAYOUT_AT(struct layout_header, owned_since_ms, 608);
LAYOUT_AT(struct layout_header, groups_used, 616);
LAYOUT_AT(struct layout_header, models_used, 620);
LAYOUT_AT(struct layout_header, membership_reserve, 624);
LAYOUT_AT(struct layout_header, made_available, 640);
LAYOUT_AT(struct layout_header, waiters, 644);
LAYOUT_AT(struct layout_header, available_reserve, 648);
LAYOUT_AT(struct layout_header, pool_minus_monotonic_ms, 704);
LAYOUT_AT(struct layout_header, unix_minus_pool_us, 712);
LAYOUT_AT(struct layout_header, policy, 720);
LAYOUT_AT(struct layout_header, policy_reserve, 792);
LAYOUT_AT(struct layout_header, event_classes, 832);
LAYOUT_AT(struct layout_header, workers_cursor, 1024);
LAYOUT_AT(struct layout_header, workers_unlisted, 1032);
LAYOUT_AT(struct layout_header, workers_reserve, 1040);
LAYOUT_AT(struct layout_header, order_counts, 1088);
LAYOUT_AT(struct layout_header, order_reserve, 1168);
LAYOUT_AT(struct layout_header, reserve, 1216);
LAYOUT_AT(struct layout_header, model_0, 2688);
_Static_assert(sizeof(struct layout_header) == LAYOUT_HEADER_BYTES, "the models follow");

LAYOUT_AT(struct layout_model, cursor, 0);
LAYOUT_AT(struct layout_model, turns_left, 8);
LAYOUT_AT(struct layout_model, more_cursors, 16);
LAYOUT_AT(struct layout_model, cursor_reserve, 40);
LAYOUT_AT(struct layout_model, next_due, 64);
LAYOUT_AT(struct layout_model, order_in_use, 72);
LAYOUT_AT(struct layout_model, limit_ref, 80);
LAYOUT_AT(struct layout_model, due_reserve, 84);
LAYOUT_AT(struct layout_model, turns, 128);
LAYOUT_AT(struct layout_model, name_length, 1152);
LAYOUT_AT(struct layout_model, name, 1160);
LAYOUT_AT(struct layout_model, reserve, 1288);
_Static_assert(sizeof(struct layout_model) == 1408, "struct layout_model");

LAYOUT_AT(struct layout_group, id, 0);
LAYOUT_AT(struct layout_group, name_length, 8);
LAYOUT_AT(struct layout_group, keys, 16);
LAYOUT_AT(struct layout_group, reserve, 24);
LAYOUT_AT(struct layout_group, marked, 64);
LAYOUT_AT(struct layout_group, counters_reserve, 96);
LAYOUT_AT(struct layout_group, name, 128);
_Static_assert(sizeof(struct layout_group) == 256, "struct layout_group");

LAYOUT_AT(struct layout_policy, cooldown_ms, 0);
LAYOUT_AT(struct layout_policy, cooldown_max_ms, 8);
LAYOUT_AT(struct layout_policy, cooldown_growth_percent, 16);
LAYOUT_AT(struct layout_policy, streak_forget_ms, 24);
LAYOUT_AT(struct layout_policy, invalid_after, 32);
LAYOUT_AT(struct layout_policy, invalid_retry_ms, 40);
LAYOUT_AT(struct layout_policy, quota_retry_ms, 48);
LAYOUT_AT(struct layout_policy, probe_ms, 56);
LAYOUT_AT(struct layout_policy, lease_max_ms, 64);
_Static_assert(sizeof(struct layout_policy) == 72, "struct layout_policy");

LAYOUT_AT(struct layout_order_counts, priorities, 0);
LAYOUT_AT(struct layout_order_counts, weights, 16);
_Static_assert(sizeof(struct layout_order_counts) == 80, "struct layout_order_counts");

LAYOUT_AT(struct layout_history, streak, 0);
LAYOUT_AT(struct layout_history, failed_ms, 8);
LAYOUT_AT(struct layout_history, prober, 16);
_Static_assert(sizeof(struct layout_history) == 24, "struct layout_history");

LAYOUT_AT(struct layout_usage, used_ns, 0);
_Static_assert(sizeof(struct layout_usage) == 32, "struct layout_usage");
LAYOUT_AT(struct layout_observed, left, 0);
_Static_assert(sizeof(struct layout_observed) == 16, "struct layout_observed");

LAYOUT_AT(struct layout_limits, cost_ns, 0);
LAYOUT_AT(struct layout_limits, burst_ns, 32);
LAYOUT_AT(struct layout_limits, kinds, 64);
LAYOUT_AT(struct layout_limits, references, 72);
LAYOUT_AT(struct layout_limits, version, 76);
LAYOUT_AT(struct layout_limits, reserve, 80);
LAYOUT_AT(struct layout_limits, amount, 96);
LAYOUT_AT(struct layout_limits, per_ms, 128);
LAYOUT_AT(struct layout_limits, burst, 160);
_Static_assert(sizeof(struct layout_limits) == 192, "struct layout_limits");

LAYOUT_AT(struct layout_places, wanted, 0);
LAYOUT_AT(struct layout_places, width, 4);
_Static_assert(sizeof(struct layout_places) == 8, "struct layout_places");

LAYOUT_AT(struct layout_note, held, 0);
LAYOUT_AT(struct layout_note, since_ms, 8);
_Static_assert(sizeof(struct layout_note) == 16, "struct layout_note");

LAYOUT_AT(struct layout_turns, owner, 0);
LAYOUT_AT(struct layout_turns, range, 8);
LAYOUT_AT(struct layout_turns, reserve, 16);
_Static_assert(sizeof(struct layout_turns) == LAYOUT_PAIR_BYTES, "struct layout_turns");

LAYOUT_AT(struct layout_slot, picks, 0);
LAYOUT_AT(struct layout_slot, last_used_ms, 8);
LAYOUT_AT(struct layout_slot, marked, 16);
LAYOUT_AT(struct layout_slot, counters_reserve, 48);
LAYOUT_AT(struct layout_slot, id, 64);
LAYOUT_AT(struct layout_slot, key_hash, 72);
LAYOUT_AT(struct layout_slot, key_length, 80);
LAYOUT_AT(struct layout_slot, metadata_version, 88);
LAYOUT_AT(struct layout_slot, order, 96);
LAYOUT_AT(struct layout_slot, reserve, 104);
LAYOUT_AT(struct layout_slot, metadata, 128);
LAYOUT_AT(struct layout_slot, key, 448);

LAYOUT_AT(struct layout_event_class, next, 0);
LAYOUT_AT(struct layout_event_class, reserve, 8);
_Static_assert(sizeof(struct layout_event_class) == LAYOUT_LINE_BYTES, "struct layout_event_class");

LAYOUT_AT(struct layout_event, words, 0);
_Static_assert(sizeof(struct layout_event) == LAYOUT_LINE_BYTES, "a record never lies across two lines");

LAYOUT_AT(struct layout_worker, owner, 0);
LAYOUT_AT(struct layout_worker, picks, 8);
LAYOUT_AT(struct layout_worker, attached_ms, 16);
LAYOUT_AT(struct layout_worker, pid_namespace, 24);
LAYOUT_AT(struct layout_worker, started_ticks, 32);
LAYOUT_AT(struct layout_worker, image, 40);
LAYOUT_AT(struct layout_worker, name, 48);
_Static_assert(sizeof(struct layout_worker) == LAYOUT_LINE_BYTES, "struct layout_worker");

_Static_assert(offsetof(struct layout_slot, key) % LAYOUT_LINE_BYTES == 0,
               "a key begins a line, and a slot ends with one");

_Static_assert(KEYSHM_METADATA_BYTES_MAX % 8 == 0 && KEYSHM_NAME_MAX % 8 == 0, "they are copied in words");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(_Atomic uint64_t) == 8, "a state word is one atomic store");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && sizeof(_Atomic uint32_t) == 4, "an index entry is one atomic store");

#endif
