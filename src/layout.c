/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <string.h>

#include "hash.h"

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

/* A quarter of the keys: the record of the past grows with the pool, and a pool of the default size takes little more
 * than a kibibyte per key, everything included. */
static uint32_t quarter_of(uint32_t capacity, uint32_t least, uint32_t most)
{
    uint32_t quarter = least;
    while (quarter < most && 4 * quarter < capacity)
        quarter *= 2;
    return quarter;
}

/* What belongs to limits, and what follows it. */
static void compute_budgets(struct layout_settings *settings, uint64_t offset)
{
    uint64_t words = (1 + (uint64_t)settings->models_max) * settings->words_per_model;
    uint64_t cells = layout_first_cell(settings, layout_group_subject(settings->capacity, settings->groups_max));
    settings->limits_max = quarter_of(settings->capacity, 256, LAYOUT_LIMITS_MAX);
    settings->limit_refs_offset = offset;
    settings->usages_offset = align_up(settings->limit_refs_offset + 4 * words, LAYOUT_LINE_BYTES);
    settings->observed_offset = settings->usages_offset + sizeof(struct layout_usage) * words;
    settings->places_offset =
        settings->observed_offset + sizeof(struct layout_observed) * (uint64_t)settings->words_per_model;
    settings->cells_offset =
        align_up(settings->places_offset + sizeof(struct layout_places) * settings->words_per_model, LAYOUT_LINE_BYTES);
    settings->notes_offset = settings->cells_offset + 8 * cells;
    settings->limits_offset = align_up(settings->notes_offset + sizeof(struct layout_note) * cells, LAYOUT_LINE_BYTES);
    settings->key_groups_offset = settings->limits_offset + sizeof(struct layout_limits) * (uint64_t)settings->limits_max;
}

void layout_compute(struct layout_settings *settings)
{
    uint32_t capacity = settings->capacity;
    uint64_t models = 1 + (uint64_t)settings->models_max, groups_max = settings->groups_max;

    /* At most half full, so that a probe of the index is short (key_index.c). */
    uint32_t index_entries = 2;
    while (index_entries < 2 * capacity)
        index_entries *= 2;

    settings->index_entries = index_entries;
    settings->events_per_class = quarter_of(capacity, 256, 16384);
    if (settings->worker_rows == 0)
        settings->worker_rows = quarter_of(capacity, 256, 4096);
    settings->slot_bytes =
        (uint32_t)align_up(sizeof(struct layout_slot) + align_up(settings->key_max, 8), LAYOUT_LINE_BYTES);
    settings->words_per_model = (uint32_t)align_up(layout_group_subject(capacity, settings->groups_max), 8);
    settings->words_offset = LAYOUT_HEADER_BYTES + sizeof(struct layout_model) * settings->models_max;
    settings->histories_offset = settings->words_offset + 8 * models * settings->words_per_model;
    compute_budgets(settings,
                    settings->histories_offset + sizeof(struct layout_history) * models * settings->words_per_model);
    settings->ready_offset =
        align_up(settings->key_groups_offset + (groups_max > 0 ? UINT64_C(4) * capacity : 0), LAYOUT_LINE_BYTES);
    settings->planes_offset = settings->ready_offset + 8 * models * layout_ready_words(capacity);
    settings->due_offset = settings->planes_offset + UINT64_C(8) * LAYOUT_PLANES * layout_ready_words(capacity);
    settings->groups_offset = align_up(settings->due_offset + 8 * models * layout_due_words(capacity), LAYOUT_LINE_BYTES);
    settings->index_offset = settings->groups_offset + sizeof(struct layout_group) * groups_max;
    settings->slots_offset = align_up(settings->index_offset + UINT64_C(4) * index_entries, LAYOUT_LINE_BYTES);
    settings->events_offset = settings->slots_offset + (uint64_t)settings->slot_bytes * capacity;
    settings->workers_offset = settings->events_offset + sizeof(struct layout_event) * KEYSHM_EVENT_CLASS_COUNT *
                                                             (uint64_t)settings->events_per_class;
    settings->waiting_offset = settings->workers_offset + sizeof(struct layout_worker) * (uint64_t)settings->worker_rows;
    settings->segment_bytes = settings->waiting_offset + UINT64_C(4) * settings->worker_rows;
}

uint64_t layout_stamp(uint32_t mutex_bytes, uint32_t mutex_word_offset)
{
    const uint32_t facts[] = {
        LAYOUT_VERSION,
        0x01020304, /* byte order, by being hashed as bytes */
        sizeof(void *),
        sizeof(long),
        _Alignof(uint64_t),
        sizeof(struct layout_settings),
        sizeof(struct layout_header),
        sizeof(struct layout_model),
        sizeof(struct layout_history),
        sizeof(struct layout_limits),
        sizeof(struct layout_usage),
        sizeof(struct layout_observed),
        sizeof(struct layout_note),
        sizeof(struct layout_slot),
        sizeof(struct layout_group),
        sizeof(struct layout_event),
        sizeof(struct layout_worker),
        offsetof(struct layout_header, mutex),
        offsetof(struct layout_header, made_available),
        offsetof(struct layout_header, waiters),
        offsetof(struct layout_header, pool_minus_monotonic_ms),
        offsetof(struct layout_header, policy),
        offsetof(struct layout_header, event_classes),
        offsetof(struct layout_header, workers_cursor),
        offsetof(struct layout_header, order_counts),
        offsetof(struct layout_header, model_0),
        offsetof(struct layout_model, cursor),
        offsetof(struct layout_model, more_cursors),
        offsetof(struct layout_model, next_due),
        offsetof(struct layout_model, order_in_use),
        offsetof(struct layout_model, turns),
        offsetof(struct layout_model, name),
        offsetof(struct layout_group, marked),
        offsetof(struct layout_group, name),
        offsetof(struct layout_slot, id),
        offsetof(struct layout_slot, key_hash),
        offsetof(struct layout_slot, order),
        offsetof(struct layout_slot, metadata),
        offsetof(struct layout_slot, key),
        KEYSHM_STATUS_COUNT,
        mutex_bytes,
        mutex_word_offset,
#ifdef __GLIBC__
        1,
#else
        2,
#endif
    };
    return hash_bytes(facts, sizeof(facts));
}

#if UINTPTR_MAX == UINT64_MAX
#define WORD_NAME "64"
#else
#define WORD_NAME "32"
#endif
#ifdef __GLIBC__
#define LIBC_NAME "glibc"
#else
#define LIBC_NAME "other"
#endif

const char *keyshm_layout_name(void)
{
    static const char name[] = "v9-" WORD_NAME "-" LIBC_NAME;
    _Static_assert(LAYOUT_VERSION == 9, "the version in the name");
    _Static_assert(sizeof(name) - 1 <= KEYSHM_LAYOUT_NAME_MAX, "struct keyshm_pool_list");
    return name;
}

uint64_t layout_checksum(const struct layout_settings *settings)
{
    return hash_bytes(settings, sizeof(*settings));
}

bool layout_is_unchanged(const struct layout_header *header, const struct layout_settings *settings, uint64_t stamp)
{
    return memcmp(header->magic, LAYOUT_MAGIC, sizeof(header->magic)) == 0 && header->version == LAYOUT_VERSION &&
           header->header_bytes == LAYOUT_HEADER_BYTES && header->stamp == stamp &&
           header->settings_checksum == layout_checksum(settings) &&
           memcmp(&header->settings, settings, sizeof(*settings)) == 0;
}
