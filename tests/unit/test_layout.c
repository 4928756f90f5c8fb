/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "layout.h"

static struct layout_settings settings_for(unsigned capacity, unsigned key_max, unsigned groups_max, unsigned models_max)
{
    struct layout_settings settings = {.capacity = capacity,
                                       .key_max = key_max,
                                       .groups_max = groups_max,
                                       .models_max = models_max,
                                       .in_flight_max = 16,
                                       .group_in_flight_max = 64};
    layout_compute(&settings);
    return settings;
}

static uint64_t bytes_without_places(unsigned groups_max, unsigned models_max)
{
    struct layout_settings settings = {
        .capacity = 1024, .key_max = 512, .groups_max = groups_max, .models_max = models_max};
    layout_compute(&settings);
    return settings.segment_bytes;
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
            uint64_t words = models * at.words_per_model;
            uint64_t cells = layout_first_cell(&at, layout_group_subject(capacities[c], names[n]));
            cr_assert_geq(cells, 16ull * capacities[c] + 64ull * names[n]);
            cr_assert_geq(at.limit_refs_offset, at.histories_offset + sizeof(struct layout_history) * words);
            cr_assert_geq(at.usages_offset, at.limit_refs_offset + 4 * words);
            cr_assert_geq(at.observed_offset, at.usages_offset + sizeof(struct layout_usage) * words);
            cr_assert_geq(at.places_offset, at.observed_offset + sizeof(struct layout_observed) * at.words_per_model);
            cr_assert_geq(at.cells_offset, at.places_offset + sizeof(struct layout_places) * at.words_per_model);
            cr_assert_geq(at.notes_offset, at.cells_offset + 8 * cells);
            cr_assert_geq(at.limits_offset, at.notes_offset + sizeof(struct layout_note) * cells);
            cr_assert_eq(at.key_groups_offset, at.limits_offset + sizeof(struct layout_limits) * at.limits_max);
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
            cr_assert_eq(at.waiting_offset, at.workers_offset + sizeof(struct layout_worker) * at.worker_rows);
            cr_assert_eq(at.segment_bytes, at.waiting_offset + 4ull * at.worker_rows);
            cr_assert_eq((at.words_offset | at.usages_offset | at.cells_offset | at.limits_offset | at.key_groups_offset |
                          at.ready_offset | at.due_offset | at.groups_offset | at.index_offset | at.slots_offset |
                          at.slot_bytes | at.events_offset | at.workers_offset) %
                             64,
                         0);
        }
    }
}

Test(layout, a_key_takes_two_and_a_quarter_kibibytes_by_default)
{
    struct layout_settings at = settings_for(1024, 512, 64, 8);
    cr_assert_leq(at.slot_bytes, 1024);
    cr_assert_leq(at.segment_bytes, 1024 * 2304, "events, workers and everything else included");
    cr_assert_leq(bytes_without_places(64, 8), 1024 * 1800);
    at = settings_for(1024, 512, 0, 0);
    cr_assert_leq(at.segment_bytes, 1024 * 1580, "without groups and models");
    cr_assert_leq(bytes_without_places(0, 0), 1024 * 1180);
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
