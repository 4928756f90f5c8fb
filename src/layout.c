/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include "hash.h"

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

void layout_compute(struct layout_settings *settings, unsigned capacity, unsigned key_max)
{
    /* At most half full, so that a probe of the index is short (key_index.c). */
    uint32_t index_entries = 2;
    while (index_entries < 2 * capacity)
        index_entries *= 2;

    settings->capacity = capacity;
    settings->key_max = key_max;
    settings->index_entries = index_entries;
    settings->slot_bytes = (uint32_t)align_up(sizeof(struct layout_slot) + align_up(key_max, 8), LAYOUT_LINE_BYTES);
    settings->words_offset = LAYOUT_HEADER_BYTES;
    settings->ready_offset = align_up(settings->words_offset + UINT64_C(8) * capacity, LAYOUT_LINE_BYTES);
    settings->index_offset = settings->ready_offset + align_up(capacity, UINT64_C(8) * LAYOUT_LINE_BYTES) / 8;
    settings->slots_offset = align_up(settings->index_offset + UINT64_C(4) * index_entries, LAYOUT_LINE_BYTES);
    settings->segment_bytes = settings->slots_offset + (uint64_t)settings->slot_bytes * capacity;
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
        sizeof(struct layout_slot),
        offsetof(struct layout_header, mutex),
        offsetof(struct layout_header, cursor),
        offsetof(struct layout_header, next_sweep_ms),
        offsetof(struct layout_slot, id),
        offsetof(struct layout_slot, key_hash),
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

uint64_t layout_checksum(const struct layout_settings *settings)
{
    return hash_bytes(settings, sizeof(*settings));
}
