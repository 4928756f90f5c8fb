/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "layout.h"

static struct layout_settings settings_for(unsigned capacity, unsigned key_max, unsigned groups_max, unsigned models_max)
{
    struct layout_settings settings = {
        .capacity = capacity, .key_max = key_max, .groups_max = groups_max, .models_max = models_max};
    layout_compute(&settings);
    return settings;
}

Test(layout, parts_follow_one_another_without_overlap)
{
    static const unsigned capacities[] = {1, 2, 7, 63, 64, 65, 100, 1024, 65536, KEYSHM_CAPACITY_MAX};
    static const unsigned key_maxes[] = {1, 7, 8, 9, 512, 4095, 4096};
    static const unsigned names[] = {0, 1, 8, 1024};
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        for (size_t i = 0; i < 4 * sizeof(key_maxes) / sizeof(key_maxes[0]); i++) {
            size_t k = i / 4, n = i % 4;
            struct layout_settings at = settings_for(capacities[c], key_maxes[k], names[n], names[n]);
            uint32_t due_blocks = layout_due_blocks(capacities[c]);
            uint64_t models = 1 + names[n];
            cr_assert_eq(at.words_offset, LAYOUT_HEADER_BYTES + sizeof(struct layout_model) * names[n]);
            cr_assert_geq(layout_group_subject(capacities[c], 0), capacities[c], "groups are behind the slots");
            cr_assert_geq(at.words_per_model, layout_group_subject(capacities[c], names[n]));
            cr_assert_geq(at.histories_offset, at.words_offset + 8 * models * at.words_per_model);
            cr_assert_geq(at.key_groups_offset,
                          at.histories_offset + sizeof(struct layout_history) * models * at.words_per_model);
            cr_assert_geq(at.ready_offset, at.key_groups_offset + (names[n] > 0 ? 4ull * capacities[c] : 0));
            cr_assert_geq(64ull * layout_ready_words(capacities[c]), capacities[c]);
            cr_assert_geq(at.due_offset, at.ready_offset + 8 * models * layout_ready_words(capacities[c]));
            cr_assert_geq(64ull * due_blocks, capacities[c], "each slot has one");
            cr_assert_geq(at.groups_offset, at.due_offset + 8 * models * (due_blocks + layout_due_blocks(due_blocks)));
            cr_assert_geq(at.index_offset, at.groups_offset + sizeof(struct layout_group) * names[n]);
            cr_assert_geq(at.slots_offset, at.index_offset + 4ull * at.index_entries);
            cr_assert_geq(at.index_entries, 2 * capacities[c], "at most half full");
            cr_assert_eq(at.index_entries & (at.index_entries - 1), 0, "a power of two");
            cr_assert_geq(at.slot_bytes, sizeof(struct layout_slot) + key_maxes[k]);
            cr_assert_eq(at.events_offset, at.slots_offset + (uint64_t)at.slot_bytes * capacities[c]);
            cr_assert_eq(at.events_per_class & (at.events_per_class - 1), 0, "a power of two");
            cr_assert_geq(at.workers_offset, at.events_offset + KEYSHM_EVENT_CLASS_COUNT * sizeof(struct layout_event) *
                                                                    at.events_per_class);
            cr_assert_eq(at.segment_bytes, at.workers_offset + sizeof(struct layout_worker) * at.worker_rows);
            cr_assert_eq((at.words_offset | at.key_groups_offset | at.ready_offset | at.due_offset | at.groups_offset |
                          at.index_offset | at.slots_offset | at.slot_bytes | at.events_offset | at.workers_offset) %
                             64,
                         0);
        }
    }
}

Test(layout, a_key_takes_little_more_than_a_kibibyte_by_default)
{
    struct layout_settings at = settings_for(1024, 512, 0, 0);
    cr_assert_leq(at.slot_bytes, 1024);
    cr_assert_leq(at.segment_bytes, 1024 * 1070, "events, workers and everything else included");
    at = settings_for(1024, 512, 64, 8);
    cr_assert_leq(at.segment_bytes, 1024 * 1400, "groups and models included");
}

Test(layout, the_checksum_covers_every_byte)
{
    struct layout_settings settings = settings_for(10, 100, 3, 2);
    uint64_t checksum = layout_checksum(&settings);
    for (size_t i = 0; i < sizeof(settings); i++) {
        ((unsigned char *)&settings)[i] ^= 1;
        cr_assert_neq(layout_checksum(&settings), checksum, "byte %zu", i);
        ((unsigned char *)&settings)[i] ^= 1;
    }
}
