/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "event_ring.h"
#include "slot.h"

#include "fixture.h"

static struct keyshm_event_list *list;

static keyshm_id add(const char *key)
{
    keyshm_id id;
    cr_assert_eq(keyshm_add(pool, key, &id), 0);
    return id;
}

static void read_all(struct keyshm_event_cursor *cursor_or_null)
{
    keyshm_event_list_free(list);
    cr_assert_eq(keyshm_events(pool, cursor_or_null, &list), 0);
}

static void forget(void)
{
    keyshm_event_list_free(list);
    list = NULL;
    close_pool();
}

TestSuite(events, .init = create_pool, .fini = forget);

/* The last event of this kind, which must be about this key and by this process. (Within one tick of the clock, an event
 * of another class may be listed after it.) */
static const struct keyshm_event *last(enum keyshm_event_kind kind, keyshm_id id)
{
    read_all(NULL);
    size_t i = list->count;
    while (i > 0 && list->events[i - 1].kind != kind)
        i--;
    cr_assert_gt(i, 0, "no event of this kind");
    const struct keyshm_event *event = &list->events[i - 1];
    cr_assert_eq(event->id, id);
    cr_assert_eq(event->pid, getpid());
    cr_assert_lt(event->ago_ms, 60000);
    cr_assert_lt(llabs(event->unix_us / 1000 - (int64_t)(clock_unix_us() / 1000)), 60000);
    cr_assert_eq(list->missing, 0);
    return event;
}

Test(events, an_empty_pool_has_none)
{
    read_all(NULL);
    cr_assert_eq(list->count, 0);
    cr_assert_eq(list->missing + list->overwritten, 0);
}

Test(events, adds_and_removes)
{
    keyshm_id id = add("sk-abcdefghijklmnopqrstuvwxyz");
    const struct keyshm_event *event = last(KEYSHM_EVENT_ADDED, id);
    cr_assert_eq(event->from, -1);
    cr_assert_eq(event->to, KEYSHM_AVAILABLE);
    cr_assert_eq(event->duration_ms, -1);
    cr_assert_str_eq(event->masked_key, "sk-…wxyz");
    cr_assert_eq(keyshm_remove(pool, id), 0);
    event = last(KEYSHM_EVENT_REMOVED, id);
    cr_assert_eq(event->to, -1);
    cr_assert_str_eq(event->masked_key, "");
    cr_assert_eq(list->count, 2);
}

Test(events, a_mark_says_from_what_to_what_and_for_how_long)
{
    keyshm_id id = add("a");
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 30000), 0);
    const struct keyshm_event *event = last(KEYSHM_EVENT_MARKED, id);
    cr_assert_eq(event->from, KEYSHM_AVAILABLE);
    cr_assert_eq(event->to, KEYSHM_RATE_LIMITED);
    cr_assert_eq(event->duration_ms, 30000);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, KEYSHM_UNTIL_MARKED), 0);
    event = last(KEYSHM_EVENT_MARKED, id);
    cr_assert_eq(event->from, KEYSHM_RATE_LIMITED);
    cr_assert_eq(event->to, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(event->duration_ms, -1);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(last(KEYSHM_EVENT_MARKED, id)->from, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    event = last(KEYSHM_EVENT_MARKED, id);
    cr_assert_eq(event->from, KEYSHM_INVALID);
    cr_assert_eq(event->to, KEYSHM_AVAILABLE);
    cr_assert_eq(event->duration_ms, -1);
}

Test(events, a_rate_limit_without_a_time_has_the_default_one)
{
    keyshm_id id = add("a");
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_NO_RETRY_AFTER), 0);
    cr_assert_eq(last(KEYSHM_EVENT_MARKED, id)->duration_ms, 60000);
}

Test(events, a_stale_mark_is_refused_and_a_repeated_mark_is_no_event)
{
    keyshm_id id = add("a");
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    last(KEYSHM_EVENT_MARKED, id);
    size_t count = list->count;
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 0), 0);
    read_all(NULL);
    cr_assert_eq(list->count, count, "repeated the current state");
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 500), 0);
    const struct keyshm_event *event = last(KEYSHM_EVENT_REFUSED, id);
    cr_assert_eq(event->from, KEYSHM_INVALID);
    cr_assert_eq(event->to, KEYSHM_RATE_LIMITED);
    cr_assert_eq(event->duration_ms, 500);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    read_all(NULL);
    count = list->count;
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    read_all(NULL);
    cr_assert_eq(list->count, count, "it was available already");
}

Test(events, a_mark_of_a_removed_key_is_refused)
{
    keyshm_id id = add("a");
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, id), -ESTALE);
    const struct keyshm_event *event = last(KEYSHM_EVENT_REFUSED, id);
    cr_assert_eq(event->from, -1);
    cr_assert_eq(event->to, KEYSHM_INVALID);
}

Test(events, the_end_of_a_cooldown_is_recorded_when_it_is_written_down)
{
    keyshm_id id = add("a");
    atomic_store(&pool->words[id_slot(id)], word_make(KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_QUOTA, 1, 1));
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 1);
    const struct keyshm_event *event = last(KEYSHM_EVENT_EXPIRED, id);
    cr_assert_eq(event->from, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(event->to, KEYSHM_AVAILABLE);
}

Test(events, a_mark_that_finds_a_cooldown_over_says_so)
{
    keyshm_id id = add("a");
    atomic_store(&pool->words[id_slot(id)], word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, 1, 1));
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(last(KEYSHM_EVENT_EXPIRED, id)->from, KEYSHM_RATE_LIMITED);
    atomic_store(&pool->words[id_slot(id)], word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, 1, 1));
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(last(KEYSHM_EVENT_MARKED, id)->from, KEYSHM_AVAILABLE, "as a pick would have found it");
}

Test(events, a_repair_is_recorded)
{
    cr_assert_eq(keyshm_repair(pool), 0);
    cr_assert_eq(last(KEYSHM_EVENT_REPAIRED, 0)->dead_pid, 0);
}

Test(events, a_storm_of_cooldowns_does_not_push_out_what_lasts)
{
    keyshm_id victim = add("a"), other = add("b");
    uint32_t kept = pool->settings.events_per_class;
    cr_assert_eq(keyshm_mark_invalid(pool, victim), 0);
    for (uint32_t i = 0; i < 3 * kept; i++) {
        cr_assert_eq(keyshm_mark_rate_limited(pool, other, 60000), 0);
        cr_assert_eq(keyshm_mark_available(pool, other), 0);
    }
    read_all(NULL);
    cr_assert_eq(list->count, kept + 3);
    cr_assert_eq(list->overwritten, 5 * kept);
    cr_assert_eq(list->missing, 0);
    int found = 0;
    for (size_t i = 0; i < list->count; i++)
        found += list->events[i].id == victim && list->events[i].to == KEYSHM_INVALID;
    cr_assert_eq(found, 1);
}

Test(events, a_cursor_goes_on_where_it_was)
{
    struct keyshm_event_cursor cursor = {{0}};
    keyshm_id id = add("a");
    read_all(&cursor);
    cr_assert_eq(list->count, 1);
    read_all(&cursor);
    cr_assert_eq(list->count, 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 1000), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    read_all(&cursor);
    cr_assert_eq(list->count, 2);
    cursor.next[EVENT_CLASS_COOLDOWNS] = UINT64_MAX;
    read_all(&cursor);
    cr_assert_eq(list->count, 1, "a cursor of another pool starts from the beginning");
}

Test(events, a_torn_record_is_skipped_and_counted_whichever_word_is_torn)
{
    keyshm_id id = add("a");
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    struct layout_event *at = event_at(pool, EVENT_CLASS_LASTING, 0);
    for (int word = 0; word < RECORD_WORDS; word++) {
        for (int bit = 0; bit < 64; bit++) {
            atomic_fetch_xor(&at->words[word], UINT64_C(1) << bit);
            read_all(NULL);
            cr_assert_eq(list->count, 1, "word %d, bit %d", word, bit);
            cr_assert_eq(list->missing, 1, "word %d, bit %d", word, bit);
            atomic_fetch_xor(&at->words[word], UINT64_C(1) << bit);
        }
    }
    read_all(NULL);
    cr_assert_eq(list->count, 2);
}

Test(events, a_number_without_a_record_is_counted)
{
    event_claim(pool, EVENT_CLASS_LASTING);
    read_all(NULL);
    cr_assert_eq(list->count, 0);
    cr_assert_eq(list->missing, 1);
}

/* A writer that was stopped continues after the ring has wrapped around. */
Test(events, a_late_record_overwrites_one_and_is_not_taken_for_it)
{
    keyshm_id id = add("a");
    struct event_record record = {.kind = KEYSHM_EVENT_MARKED, .from = 0, .to = 3, .id = id, .time_us = 1, .number = -1};
    struct event_ticket late = event_claim(pool, EVENT_CLASS_LASTING);
    for (uint32_t i = 0; i < pool->settings.events_per_class; i++)
        event_write(pool, event_claim(pool, EVENT_CLASS_LASTING), &record);
    event_write(pool, late, &record);
    read_all(NULL);
    cr_assert_eq(list->count, pool->settings.events_per_class); /* one for the add */
    cr_assert_eq(list->missing, 1);
    cr_assert_eq(list->overwritten, 1);
}

Test(events, kinds_have_names)
{
    for (int kind = 0; kind < KEYSHM_EVENT_KIND_COUNT; kind++)
        cr_assert_not_null(keyshm_event_kind_name((enum keyshm_event_kind)kind));
    cr_assert_str_eq(keyshm_event_kind_name(KEYSHM_EVENT_RECOVERED), "recovered");
    cr_assert_null(keyshm_event_kind_name((enum keyshm_event_kind)KEYSHM_EVENT_KIND_COUNT));
}

Test(events, records_keep_their_limits)
{
    uint64_t words[RECORD_WORDS];
    struct event_record read, record = {
                                  .kind = KEYSHM_EVENT_REPAIRED,
                                  .from = KEYSHM_INVALID,
                                  .to = KEYSHM_INVALID,
                                  .reason = KEYSHM_REASON_OPERATOR,
                                  .scope = KEYSHM_SCOPE_GROUP,
                                  .model = RECORD_MODEL_MAX,
                                  .id = UINT64_MAX,
                                  .time_us = (UINT64_C(1) << 48) - 1,
                                  .unix_us = (UINT64_C(1) << 52) - 1,
                                  .process = 1 << 22,
                                  .number = KEYSHM_DURATION_MAX_MS,
                              };
    record_pack(UINT64_MAX, &record, words);
    cr_assert(record_unpack(UINT64_MAX, words, &read));
    cr_assert_eq(read.kind, record.kind);
    cr_assert_eq(read.from, record.from);
    cr_assert_eq(read.to, record.to);
    cr_assert_eq(read.reason, record.reason);
    cr_assert_eq(read.scope, record.scope);
    cr_assert_eq(read.model, record.model);
    cr_assert_eq(read.id, record.id);
    cr_assert_eq(read.time_us, record.time_us);
    cr_assert_eq(read.unix_us, record.unix_us);
    cr_assert_eq(read.process, record.process);
    cr_assert_eq(read.number, record.number);
    cr_assert_not(record_unpack(UINT64_MAX - 1, words, &read));
    memset(words, 0, sizeof(words));
    cr_assert_not(record_unpack(0, words, &read), "zero bytes are not a valid record");
}

/* Whole, but of a version that has more of something. */
Test(events, records_of_what_is_not_known_are_refused)
{
    static const struct event_record known = {.kind = KEYSHM_EVENT_MARKED, .from = -1, .to = -1, .number = -1};
    struct event_record unknown[5], read;
    uint64_t words[RECORD_WORDS];
    for (int i = 0; i < 5; i++)
        unknown[i] = known;
    unknown[0].kind = KEYSHM_EVENT_KIND_COUNT;
    unknown[1].from = KEYSHM_STATUS_COUNT;
    unknown[2].to = KEYSHM_STATUS_COUNT;
    unknown[3].reason = KEYSHM_REASON_COUNT;
    unknown[4].model = RECORD_MODEL_MAX + 1;
    record_pack(1, &known, words);
    cr_assert(record_unpack(1, words, &read));
    for (int i = 0; i < 5; i++) {
        record_pack(1, &unknown[i], words);
        cr_assert_not(record_unpack(1, words, &read), "%d", i);
    }
}

/* Another process has read its clock after the reader did. */
Test(events, of_a_later_time_than_now_are_of_now)
{
    struct event_record record = {.kind = KEYSHM_EVENT_MARKED, .from = 0, .to = 3, .number = -1};
    record.time_us = (UINT64_C(1) << 48) - 1;
    event_write(pool, event_claim(pool, EVENT_CLASS_LASTING), &record);
    read_all(NULL);
    cr_assert_eq(list->count, 1);
    cr_assert_eq(list->events[0].ago_ms, 0);
}

/* ---- for good ---- */

Test(events, have_a_number_and_a_time_for_ever)
{
    struct keyshm_event_list *first;
    keyshm_id id = add("a");
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(keyshm_mark_rate_limited(pool, id, 60000), 0);
        cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
        cr_assert_eq(keyshm_mark_available(pool, id), 0);
    }
    cr_assert_eq(keyshm_events(pool, NULL, &first), 0);
    cr_assert_eq(first->element_bytes, sizeof(*first->events));
    cr_assert_eq(first->count, 16);
    for (int reading = 0; reading < 3; reading++) {
        sleep_ms(7);
        read_all(NULL);
        cr_assert_eq(list->count, first->count);
        for (size_t i = 0; i < list->count; i++) {
            cr_assert_eq(list->events[i].number, first->events[i].number);
            cr_assert_eq(list->events[i].unix_us, first->events[i].unix_us);
            cr_assert_geq(list->events[i].ago_ms, first->events[i].ago_ms);
        }
    }
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < i; j++) {
            uint64_t later = list->events[i].number, earlier = list->events[j].number;
            cr_assert_neq(later, earlier, "no two have the same");
            if (later % KEYSHM_EVENT_CLASS_COUNT == earlier % KEYSHM_EVENT_CLASS_COUNT)
                cr_assert_gt(later, earlier);
        }
    keyshm_event_list_free(first);
}

Test(events, of_a_mark_have_its_reason_and_scope)
{
    keyshm_id id = add("a");
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_QUOTA_EXCEEDED;
    mark.reason = KEYSHM_REASON_BILLING;
    cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
    const struct keyshm_event *event = last(KEYSHM_EVENT_MARKED, id);
    cr_assert_eq(event->reason, KEYSHM_REASON_BILLING);
    cr_assert_eq(event->scope, KEYSHM_SCOPE_KEY);
    cr_assert_eq(event->model, 0);
    mark.reason = KEYSHM_REASON_PEER;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.duration_ms = 5000;
    cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
    cr_assert_eq(last(KEYSHM_EVENT_REFUSED, id)->reason, KEYSHM_REASON_PEER);
    cr_assert_eq(keyshm_pause(pool, id), 0);
    cr_assert_eq(last(KEYSHM_EVENT_PAUSED, id)->reason, KEYSHM_REASON_OPERATOR);
    cr_assert_eq(last(KEYSHM_EVENT_PAUSED, id)->to, KEYSHM_QUOTA_EXCEEDED);
}

Test(events, of_the_longest_duration_say_the_one_that_counts)
{
    keyshm_id id = add("a");
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, INT64_MAX), 0);
    cr_assert_eq(last(KEYSHM_EVENT_MARKED, id)->duration_ms, 86400000);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(last(KEYSHM_EVENT_MARKED, id)->duration_ms, -1);
    size_t count = list->count;
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, -3000), 0);
    read_all(NULL);
    cr_assert_eq(list->count, count, "a moment that has passed is no event");
}

/* ---- followers ---- */

static void write_lasting(struct event_ticket ticket, keyshm_id id, uint64_t time_us)
{
    struct event_record record = {
        .kind = KEYSHM_EVENT_MARKED, .from = 0, .to = 3, .id = id, .time_us = time_us, .process = 1, .number = -1};
    event_write(pool, ticket, &record);
}

/* A writer that was held up between its number and its record: a follower gets its event when it is there. */
Test(events, a_follower_waits_for_a_record_that_is_being_written)
{
    struct keyshm_event_cursor cursor = {{0}};
    keyshm_id id = add("a");
    read_all(&cursor);
    struct event_ticket held_up = event_claim(pool, EVENT_CLASS_LASTING);
    read_all(&cursor);
    cr_assert_eq(list->count + list->missing, 0, "the last number of all");
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 60000), 0);
    read_all(&cursor);
    cr_assert_eq(list->count, 1, "those of another class go on");
    cr_assert_eq(list->events[0].to, KEYSHM_RATE_LIMITED);
    cr_assert_eq(list->missing, 0);
    write_lasting(held_up, id, pool_now_us(pool));
    read_all(&cursor);
    cr_assert_eq(list->count, 3);
    cr_assert_eq(list->missing, 0);
    read_all(&cursor);
    cr_assert_eq(list->count, 0, "each once");
}

Test(events, a_follower_gives_a_record_up_when_a_later_one_is_a_second_old)
{
    struct keyshm_event_cursor cursor = {{0}};
    struct event_ticket killed = event_claim(pool, EVENT_CLASS_LASTING), also = event_claim(pool, EVENT_CLASS_LASTING);
    struct event_ticket later = event_claim(pool, EVENT_CLASS_LASTING);
    uint64_t now_us = pool_now_us(pool);
    write_lasting(later, 7, now_us);
    read_all(&cursor);
    cr_assert_eq(list->count + list->missing, 0);
    write_lasting(later, 7, now_us - 1000000); /* as it would be a second later */
    read_all(&cursor);
    cr_assert_eq(list->count, 1);
    cr_assert_eq(list->missing, 2);
    write_lasting(killed, 8, now_us);
    write_lasting(also, 8, now_us);
    read_all(&cursor);
    cr_assert_eq(list->count + list->missing, 0, "they were given up");
    read_all(NULL);
    cr_assert_eq(list->count, 3);
}
