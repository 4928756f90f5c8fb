/* SPDX-License-Identifier: MIT */
#include "verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "hash.h"
#include "key_group.h"
#include "key_index.h"
#include "limit_sets.h"
#include "metadata.h"
#include "order.h"
#include "places.h"
#include "pool_clock.h"
#include "ready_bits.h"
#include "rotation.h"
#include "slot.h"
#include "streak.h"
#include "tagged.h"

/*
 * The invariants of a pool in which no membership change is under way. Picks and marks may go on meanwhile: each word
 * is loaded once, and what is reported is true of that load.
 */

#define VERIFY_TRIES_MAX 100
#define PROBLEMS_KEPT 32
#define PROBLEM_SIZE 128

/* What was found in one try; reported only if nothing was added or removed meanwhile. */
struct findings {
    int count;
    char text[PROBLEMS_KEPT][PROBLEM_SIZE];
};

__attribute__((format(printf, 2, 3))) static void find(struct findings *findings, const char *format, ...)
{
    if (findings->count < PROBLEMS_KEPT) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(findings->text[findings->count], PROBLEM_SIZE, format, arguments);
        va_end(arguments);
    }
    findings->count++;
}

static uint64_t load_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static void verify_header(const struct keyshm_pool *pool, struct findings *findings)
{
    if (!pool_is_unchanged(pool))
        find(findings, "the header has changed since it was checked");
    if (atomic_load_explicit(&pool->header->slots_used, memory_order_relaxed) > pool->settings.capacity)
        find(findings, "more slots are counted as used than there are");
    if (atomic_load_explicit(&pool->header->groups_used, memory_order_relaxed) > pool->settings.groups_max)
        find(findings, "more groups are counted as used than there are");
    if (atomic_load_explicit(&pool->header->models_used, memory_order_relaxed) > pool->settings.models_max)
        find(findings, "more models are counted than there can be");
    if (!order_in_use_is_sound(pool))
        find(findings, "the priorities and weights of the keys are not counted right");
}

static void verify_claim(const struct keyshm_pool *pool, uint64_t word, const char *what, struct findings *findings)
{
    struct claim claim = claim_unpack(word);
    if (claim.end > pool->settings.capacity || claim.place > LAYOUT_TURNS)
        find(findings, "%s is not a range of slots", what);
}

/* What rotation.h says of the cursor and the ranges. */
static void verify_rotation(const struct keyshm_pool *pool, unsigned model, struct findings *findings)
{
    const struct layout_model *at = pool_model(pool, model);
    verify_claim(pool, load_word(&at->cursor), "the cursor", findings);
    for (unsigned rank = 1; rank < LAYOUT_PRIORITIES; rank++)
        verify_claim(pool, load_word(rotation_cursor(pool, model, rank)), "the cursor of a priority", findings);
    for (int i = 0; i < LAYOUT_TURNS; i++) {
        const struct layout_turns *turns = &at->turns[i];
        uint64_t row = load_word(&turns->owner) >> 32;
        verify_claim(pool, load_word(&turns->range), "a claimed range", findings);
        if (row > pool->settings.worker_rows)
            find(findings, "a claimed range belongs to a worker that there is not");
    }
}

/* The deadlines that state_word.h gives each status. */
/* An available key has none, an invalid one comes back by one only, and it is taken for a time. */
static bool probe_is_sound(uint64_t word)
{
    enum keyshm_status status = word_status(word);
    switch (word_probe(word)) {
    case WORD_PROBE_NONE:
        return status != KEYSHM_INVALID || word_deadline_ms(word) == WORD_FOREVER;
    case WORD_PROBE_WANTED:
        return status != KEYSHM_AVAILABLE;
    case WORD_PROBE_TAKEN:
        return status != KEYSHM_AVAILABLE && word_deadline_ms(word) != WORD_FOREVER;
    }
    return false;
}

static void verify_word(const char *what, uint32_t number, uint64_t word, struct findings *findings)
{
    static const struct {
        uint64_t least_ms;
        uint64_t most_ms;
    } deadlines[KEYSHM_STATUS_COUNT] = {
        [KEYSHM_AVAILABLE] = {WORD_NO_DEADLINE, WORD_NO_DEADLINE},
        [KEYSHM_RATE_LIMITED] = {1, WORD_FOREVER},
        [KEYSHM_QUOTA_EXCEEDED] = {1, WORD_FOREVER},
        [KEYSHM_INVALID] = {1, WORD_FOREVER},
    };
    uint64_t deadline_ms = word_deadline_ms(word);
    if (!word_is_live(word)) {
        if (word != word_make_free(word_marks(word)))
            find(findings, "%s %u: its state word is none that keyshm writes", what, number);
        return;
    }
    enum keyshm_status status = word_status(word);
    enum keyshm_reason reason = word_reason(word);
    if (deadline_ms < deadlines[status].least_ms || deadline_ms > deadlines[status].most_ms)
        find(findings, "%s %u: its deadline does not match its status", what, number);
    if (!probe_is_sound(word))
        find(findings, "%s %u: its probe does not match its status", what, number);
    if (word_marks(word) == 0)
        find(findings, "%s %u: its state word has bits that are never so", what, number);
    if (reason >= KEYSHM_REASON_COUNT || (status == KEYSHM_AVAILABLE && reason != KEYSHM_REASON_NONE))
        find(findings, "%s %u: its reason does not match its status", what, number);
}

/* Are the words of a slot's key from `word` on all zero? */
static bool key_is_zero_from(const struct keyshm_pool *pool, uint32_t slot, uint32_t word)
{
    for (; word < slot_key_words(pool->settings.key_max); word++)
        if (load_word(&pool_slot(pool, slot)->key[word]) != 0)
            return false;
    return true;
}

static void verify_key(const struct keyshm_pool *pool, uint32_t slot, struct findings *findings)
{
    uint64_t words[SLOT_KEY_WORDS_MAX] = {0};
    struct slot_copy copy;
    if (slot_copy_key(pool, slot, &copy, words) < 0) {
        find(findings, "slot %u: its id, its key and its state word do not belong together", slot);
        return;
    }
    if (hash_bytes(words, copy.length) != load_word(&pool_slot(pool, slot)->key_hash))
        find(findings, "slot %u: the hash is not that of the key", slot);
    if (memchr(words, '\0', copy.length) != NULL || !key_is_zero_from(pool, slot, slot_key_words(copy.length)))
        find(findings, "slot %u: the key is not as long as its length", slot);
    explicit_bzero(words, sizeof(words));
}

static void verify_counters(const struct keyshm_pool *pool, uint32_t slot, struct findings *findings)
{
    const struct layout_slot *at = pool_slot(pool, slot);
    keyshm_id id = load_word(&at->id);
    bool right = tagged_is_of(load_word(&at->picks), id) && tagged_is_of(load_word(&at->last_used_ms), id);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        right &= tagged_is_of(load_word(&at->marked[status]), id);
    if (!right)
        find(findings, "slot %u: a counter is another key's", slot);
}

static void verify_metadata(const struct keyshm_pool *pool, uint32_t slot, struct findings *findings)
{
    union metadata_copy copy;
    const char *name, *value;
    size_t position = 0;
    if (metadata_read(pool, slot, &copy) < 0)
        return;
    while (metadata_next(&copy, &position, &name, &value))
        continue;
    for (; position < sizeof(copy.bytes); position++)
        if (copy.bytes[position] != '\0') {
            find(findings, "slot %u: its metadata are not well formed", slot);
            return;
        }
}

/* A key that is available, or will be, must be found in time: by its bit, or by a sweep. */
static void verify_hints(const struct keyshm_pool *pool, unsigned model, uint32_t slot, struct findings *findings)
{
    bool ready = atomic_load(ready_words(pool, model) + slot / 64) >> (slot % 64) & 1;
    uint64_t due_ms = ready_slot_due_ms(pool, model, slot);
    if (ready || !word_is_live(load_word(&pool->words[slot])))
        return;
    /* The clock last: other processes go on picking, and a sweep moves the time on from the clock at that moment. */
    if (due_ms > pool_now_ms(pool) + READY_SWEEP_INTERVAL_MS)
        find(findings, "slot %u: the key is hidden until a sweep that is too far away", slot);
}

static void verify_live_slot(const struct keyshm_pool *pool, uint32_t slot, struct findings *findings)
{
    verify_key(pool, slot, findings);
    verify_counters(pool, slot, findings);
    verify_metadata(pool, slot, findings);
    if (!index_has(pool, load_word(&pool_slot(pool, slot)->key_hash), slot))
        find(findings, "slot %u: the key is not in the index", slot);
    if (!order_is_sound(pool, slot))
        find(findings, "slot %u: a pick does not find the key by its priority and weight", slot);
}

static void verify_free_slot(const struct keyshm_pool *pool, uint32_t slot, struct findings *findings)
{
    const struct layout_slot *at = pool_slot(pool, slot);
    bool zero = key_is_zero_from(pool, slot, 0) && load_word(&at->key_length) == 0 && load_word(&at->key_hash) == 0;
    for (uint32_t i = 0; i < LAYOUT_METADATA_WORDS; i++)
        zero &= load_word(&at->metadata[0][i]) == 0 && load_word(&at->metadata[1][i]) == 0;
    if (!zero)
        find(findings, "slot %u: free, but not wiped", slot);
    if (slot < atomic_load_explicit(&pool->header->lowest_free, memory_order_relaxed))
        find(findings, "slot %u: free, but the search for a free slot begins behind it", slot);
}

static void verify_streak(const struct keyshm_pool *pool, const char *what, uint32_t number, unsigned model,
                          uint32_t subject, struct findings *findings)
{
    if (!streak_is_valid(pool_word(pool, model, subject), pool_history(pool, model, subject)))
        find(findings, "%s %u: its streak is none that keyshm writes", what, number);
}

/* Its words for the models. A pause is whatever the model. */
static void verify_model_words(const struct keyshm_pool *pool, const char *what, uint32_t number, uint32_t subject,
                               struct findings *findings)
{
    for (unsigned model = 1; model <= pool_models_used(pool); model++) {
        uint64_t word = load_word(pool_word(pool, model, subject));
        verify_word(what, number, word, findings);
        verify_streak(pool, what, number, model, subject, findings);
        if (word_is_live(word) && word_is_paused(word))
            find(findings, "%s %u: it is paused for a model", what, number);
    }
}

static void verify_key_group(const struct keyshm_pool *pool, uint32_t slot, bool is_live, struct findings *findings)
{
    uint32_t key_group = pool->key_groups != NULL ? atomic_load(&pool->key_groups[slot]) : GROUP_NONE;
    if (key_group == GROUP_NONE)
        return;
    keyshm_id id = groups_id_of_slot(pool, slot);
    if (!is_live)
        find(findings, "slot %u: free, but in a group", slot);
    else if (id == 0 || !groups_is_there(pool, id))
        find(findings, "slot %u: the group of its key is not there", slot);
}

/* The keys of each group. */
static void count_keys(const struct keyshm_pool *pool, uint32_t ret_counts[KEYSHM_GROUPS_MAX])
{
    uint32_t used = pool_slots_used(pool);
    memset(ret_counts, 0, KEYSHM_GROUPS_MAX * sizeof(*ret_counts));
    for (uint32_t slot = 0; slot < used; slot++) {
        uint32_t key_group = key_group_of_slot(pool, slot);
        if (key_group != GROUP_NONE)
            ret_counts[group_index(key_group)]++;
    }
}

static void verify_group(const struct keyshm_pool *pool, uint32_t group, uint32_t keys, struct findings *findings)
{
    const struct layout_group *at = &pool->groups[group];
    uint32_t subject = pool_group_subject(pool, group);
    uint64_t word = load_word(&pool->words[subject]);
    struct label label;
    verify_word("group", group, word, findings);
    verify_streak(pool, "group", group, 0, subject, findings);
    verify_model_words(pool, "group", group, subject, findings);
    label_load(&at->name_length, at->name, &label);
    if (!word_is_live(word)) {
        if (label.length != 0)
            find(findings, "group %u: not there, but it has a name", group);
        return;
    }
    if (!label_is_valid(&label))
        find(findings, "group %u: its name is none", group);
    if (load_word(&at->keys) != keys)
        find(findings, "group %u: its keys are not as many as it says", group);
}

static void verify_groups(const struct keyshm_pool *pool, struct findings *findings)
{
    uint32_t counts[KEYSHM_GROUPS_MAX];
    count_keys(pool, counts);
    for (uint32_t group = 0; group < pool->settings.groups_max; group++)
        verify_group(pool, group, counts[group], findings);
}

static void verify_slots(const struct keyshm_pool *pool, struct findings *findings)
{
    uint32_t used = pool_slots_used(pool), live = 0;
    for (uint32_t slot = 0; slot < pool->settings.capacity; slot++) {
        uint64_t word = load_word(&pool->words[slot]);
        verify_word("slot", slot, word, findings);
        verify_streak(pool, "slot", slot, 0, slot, findings);
        verify_model_words(pool, "slot", slot, slot, findings);
        verify_key_group(pool, slot, word_is_live(word), findings);
        if (!word_is_live(word)) {
            verify_free_slot(pool, slot, findings);
            continue;
        }
        live++;
        verify_live_slot(pool, slot, findings);
        for (unsigned model = 0; model <= pool_models_used(pool); model++)
            verify_hints(pool, model, slot, findings);
        if (slot >= used)
            find(findings, "slot %u: in use, but counted as never used", slot);
    }
    if (index_count(pool) != live)
        find(findings, "the index has %u entries for %u keys", index_count(pool), live);
}

/* ---- limits ---- */

/* How many references to each of the limits were found. */
struct found_limits {
    uint32_t counts[LAYOUT_LIMITS_MAX];
    bool are_any;
};

/* As a recovery does, also of one that is not sound. */
static void count_ref(const struct keyshm_pool *pool, uint32_t ref, struct found_limits *found)
{
    found->counts[limits_of(pool, ref) - pool->limits]++;
    found->are_any = true;
}

/* Of a slot or a group, for each model. */
static void verify_refs(const struct keyshm_pool *pool, const char *what, uint32_t number, uint32_t subject,
                        struct found_limits *found, struct findings *findings)
{
    bool is_live = word_is_live(load_word(&pool->words[subject]));
    for (unsigned model = 0; model <= pool_models_used(pool); model++) {
        uint32_t ref = atomic_load(limits_ref_at(pool, model, subject));
        if (ref == LIMITS_NONE)
            continue;
        if (!is_live)
            find(findings, "%s %u: not there, but it has limits", what, number);
        count_ref(pool, ref, found);
        if (!limits_ref_is_sound(pool, model, subject, ref))
            find(findings, "%s %u: its limits for model %u are none that it can have", what, number, model);
    }
}

static void verify_refs_of_pool(const struct keyshm_pool *pool, struct found_limits *found, struct findings *findings)
{
    for (unsigned model = 0; model <= pool_models_used(pool); model++) {
        uint32_t ref = limits_ref_of_pool(pool, model);
        if (ref == LIMITS_NONE)
            continue;
        count_ref(pool, ref, found);
        if (!limits_ref_is_sound(pool, model, LIMITS_OF_POOL, ref))
            find(findings, "the limits of all keys for model %u are none that they can have", model);
    }
}

static void verify_places(const struct keyshm_pool *pool, const char *what, uint32_t number, uint32_t subject,
                          struct findings *findings)
{
    struct places places = places_of(pool, subject);
    if (!places_width_is_sound(&places))
        find(findings, "%s %u: more places are looked at than there are", what, number);
    for (uint32_t i = 0; i < places.max; i++) {
        const char *wrong = places_find_wrong(pool, &places, i);
        if (wrong != NULL)
            find(findings, "%s %u: %s", what, number, wrong);
    }
}

static void verify_found_limits(const struct keyshm_pool *pool, const struct found_limits *found,
                                struct findings *findings)
{
    for (uint32_t i = 0; i < pool->settings.limits_max; i++) {
        uint32_t references = limits_references(pool, i);
        if (references != found->counts[i])
            find(findings, "limits %u: those of %u keys, groups and models, but counted as %u", i, found->counts[i],
                 references);
        if (found->counts[i] != 0 && !limits_are_sound(pool, i))
            find(findings, "limits %u: a rate is none that keyshm writes", i);
    }
    if (order_is_limited(order_in_use(pool)) != found->are_any)
        find(findings, found->are_any ? "there are limits, but picks do not look at them"
                                      : "there are no limits, but picks look for them");
}

static void verify_limits(const struct keyshm_pool *pool, struct findings *findings)
{
    struct found_limits found = {.are_any = false};
    for (uint32_t slot = 0; slot < pool->settings.capacity; slot++) {
        verify_refs(pool, "slot", slot, slot, &found, findings);
        verify_places(pool, "slot", slot, slot, findings);
    }
    for (uint32_t group = 0; group < pool->settings.groups_max; group++) {
        verify_refs(pool, "group", group, pool_group_subject(pool, group), &found, findings);
        verify_places(pool, "group", group, pool_group_subject(pool, group), findings);
    }
    verify_refs_of_pool(pool, &found, findings);
    verify_found_limits(pool, &found, findings);
}

/* Of two slots with the same key, the index leads to one only. */
static void verify_uniqueness(const struct keyshm_pool *pool, struct findings *findings)
{
    struct slot_key key = {.length = 0};
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++) {
        keyshm_id found;
        struct slot_copy copy;
        if (slot_copy_key(pool, slot, &copy, key.words) < 0)
            continue;
        key.length = copy.length;
        key.hash = hash_bytes(key.words, key.length);
        if (index_find(pool, &key, &found) == 0 && found != copy.id)
            find(findings, "slots %u and %u: the same key", slot, id_slot(found));
        slot_key_forget(&key);
    }
}

int verify(const struct keyshm_pool *pool, keyshm_problem_fn *fn_or_null, void *user)
{
    struct findings findings;
    for (int i = 0; i < VERIFY_TRIES_MAX; i++) {
        uint64_t before = index_change_count(pool);
        findings.count = 0;
        verify_header(pool, &findings);
        for (unsigned model = 0; model <= pool_models_used(pool); model++)
            verify_rotation(pool, model, &findings);
        verify_slots(pool, &findings);
        verify_groups(pool, &findings);
        verify_limits(pool, &findings);
        verify_uniqueness(pool, &findings);
        if (before % 2 != 0 || index_change_count(pool) != before)
            continue;
        for (int problem = 0; fn_or_null != NULL && problem < findings.count && problem < PROBLEMS_KEPT; problem++)
            fn_or_null(findings.text[problem], user);
        return findings.count;
    }
    return -EBUSY;
}
