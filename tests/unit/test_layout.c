/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "layout.h"

Test(layout, parts_follow_one_another_without_overlap)
{
    static const unsigned capacities[] = {1, 2, 7, 63, 64, 65, 100, 1024, 65536, KEYSHM_CAPACITY_MAX};
    static const unsigned key_maxes[] = {1, 7, 8, 9, 512, 4095, 4096};
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        for (size_t k = 0; k < sizeof(key_maxes) / sizeof(key_maxes[0]); k++) {
            struct layout_settings at;
            uint32_t groups = layout_due_groups(capacities[c]);
            layout_compute(&at, capacities[c], key_maxes[k], 0);
            cr_assert_eq(at.words_offset, sizeof(struct layout_header) <= LAYOUT_HEADER_BYTES ? LAYOUT_HEADER_BYTES : 0);
            cr_assert_geq(at.ready_offset, at.words_offset + 8ull * capacities[c]);
            cr_assert_geq(at.due_offset, at.ready_offset + (capacities[c] + 63ull) / 64 * 8);
            cr_assert_geq(64ull * groups, capacities[c], "each slot has a group");
            cr_assert_geq(at.index_offset, at.due_offset + 8ull * (groups + layout_due_groups(groups)));
            cr_assert_geq(at.slots_offset, at.index_offset + 4ull * at.index_entries);
            cr_assert_geq(at.index_entries, 2 * capacities[c], "at most half full");
            cr_assert_eq(at.index_entries & (at.index_entries - 1), 0, "a power of two");
            cr_assert_geq(at.slot_bytes, sizeof(struct layout_slot) + key_maxes[k]);
            cr_assert_eq(at.events_offset, at.slots_offset + (uint64_t)at.slot_bytes * capacities[c]);
            cr_assert_eq(at.events_per_class & (at.events_per_class - 1), 0, "a power of two");
            cr_assert_geq(at.workers_offset, at.events_offset + KEYSHM_EVENT_CLASS_COUNT * sizeof(struct layout_event) *
                                                                    at.events_per_class);
            cr_assert_eq(at.segment_bytes, at.workers_offset + sizeof(struct layout_worker) * at.worker_rows);
            cr_assert_eq((at.words_offset | at.ready_offset | at.due_offset | at.index_offset | at.slots_offset |
                          at.slot_bytes | at.events_offset | at.workers_offset) %
                             64,
                         0);
        }
    }
}

Test(layout, a_key_takes_little_more_than_a_kibibyte_by_default)
{
    struct layout_settings at;
    layout_compute(&at, 1024, 512, 0);
    cr_assert_leq(at.slot_bytes, 1024);
    cr_assert_leq(at.segment_bytes, 1024 * 1045, "events, workers and everything else included");
}

Test(layout, the_checksum_covers_every_byte)
{
    struct layout_settings settings;
    memset(&settings, 0, sizeof(settings));
    layout_compute(&settings, 10, 100, 0);
    uint64_t checksum = layout_checksum(&settings);
    for (size_t i = 0; i < sizeof(settings); i++) {
        ((unsigned char *)&settings)[i] ^= 1;
        cr_assert_neq(layout_checksum(&settings), checksum, "byte %zu", i);
        ((unsigned char *)&settings)[i] ^= 1;
    }
}
