/* SPDX-License-Identifier: MIT */

/*
 * An owner of the mutex is SIGKILLed in the middle of an add and of a remove: at about 200 instructions spread over the
 * whole call, so at many of those at which it holds the mutex. Each time, from another process:
 *
 *   - every key that was there before is there, once, under its id, and is picked;
 *   - the interrupted change has happened or has not, and is never half-done;
 *   - the next membership change succeeds, and if the victim held the mutex, the log names it;
 *   - free slots hold no key bytes.
 *
 *   dead_owner VICTIM [KILLS]
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lock.h"
#include "slot.h"

#include "single_step.h"

#define KEYS 4 /* in the pool before; the victim of a remove is the last */
#define KEY_FORMAT "sk-crash-abcdefghijklmnop-%04d"

enum outcome { OLD, NEW, OUTCOMES };

struct totals {
    int kills;
    int kills_in_mutex;
    int kills_half_done; /* with the slot in the middle of being filled or wiped */
    int outcomes[OUTCOMES];
};

static char *victim_path;
static char name[64];
static keyshm_pool *pool;
static keyshm_id ids[KEYS];
static char last_warning[512];

#define EXPECT(condition, ...)                                              \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                   \
            fputc('\n', stderr);                                            \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static const char *key_text(int number)
{
    static char text[64];
    snprintf(text, sizeof(text), KEY_FORMAT, number);
    return text;
}

static void note_warning(enum keyshm_log_level level, const char *message, void *user)
{
    (void)user;
    if (level == KEYSHM_LOG_WARNING)
        snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static void unlink_name(void)
{
    keyshm_unlink(name);
}

static void make_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    options.key_max = 64;
    int r = keyshm_create(&pool, name, &options);
    EXPECT(r == 0, "%s", keyshm_strerror(r));
    for (int i = 0; i < KEYS; i++)
        EXPECT(keyshm_add(pool, key_text(i), &ids[i]) == 0, "key %d", i);
}

static void drop_pool(void)
{
    keyshm_close(pool);
    unlink_name();
}

static pid_t start(const char *operation)
{
    char verb[16], argument[64];
    snprintf(verb, sizeof(verb), "%s", operation);
    if (strcmp(operation, "add") == 0)
        snprintf(argument, sizeof(argument), KEY_FORMAT, KEYS);
    else
        snprintf(argument, sizeof(argument), "%llu", (unsigned long long)ids[KEYS - 1]);
    char *const argv[] = {victim_path, name, verb, argument, NULL};
    return single_step_start(argv);
}

static bool is_half_done(void)
{
    for (uint32_t slot = 0; slot < pool->settings.capacity; slot++)
        if (slot_is_dirty(pool, slot))
            return true;
    return false;
}

static void expect_no_key_bytes_in_free_slots(void)
{
    for (uint32_t slot = 0; slot < pool->settings.capacity; slot++) {
        if (word_is_live(atomic_load(&pool->words[slot])))
            continue;
        for (uint32_t i = 0; i < slot_key_words(pool->settings.key_max); i++)
            EXPECT(atomic_load(&pool_slot(pool, slot)->key[i]) == 0, "slot %u", slot);
    }
}

/* Lock-free calls, before anyone has recovered anything. */
static void expect_survivors_pickable(int survivors)
{
    bool seen[KEYS] = {false};
    struct keyshm_pick pick;
    for (int i = 0; i < 2 * KEYS + 2; i++) {
        EXPECT(keyshm_next(pool, &pick) == 0, "pick %d", i);
        for (int key = 0; key < KEYS; key++)
            if (pick.id == ids[key]) {
                EXPECT(strcmp(pick.key, key_text(key)) == 0, "the bytes of key %d", key);
                seen[key] = true;
            }
    }
    for (int key = 0; key < survivors; key++)
        EXPECT(seen[key], "key %d was lost", key);
}

static void expect_whole(int survivors)
{
    keyshm_id found;
    for (int key = 0; key < survivors; key++) {
        EXPECT(keyshm_find(pool, key_text(key), &found) == 0 && found == ids[key], "key %d", key);
        EXPECT(keyshm_add(pool, key_text(key), &found) == -EEXIST && found == ids[key], "key %d twice", key);
    }
    expect_no_key_bytes_in_free_slots();
}

/* Old or new, and the same by every way to ask. */
static enum outcome outcome_of(bool is_add)
{
    keyshm_id found;
    int changed = is_add ? KEYS : KEYS - 1;
    bool there = keyshm_find(pool, key_text(changed), &found) == 0;
    EXPECT(keyshm_available_count(pool) == (is_add ? KEYS : KEYS - 1) + there, "the count");
    if (there)
        EXPECT(keyshm_is_available(pool, found) == 1, "found, but not available");
    return there == is_add ? NEW : OLD;
}

static void judge(bool is_add, pid_t victim, bool held, struct totals *totals)
{
    int survivors = is_add ? KEYS : KEYS - 1, r;
    char expected[64];
    keyshm_id added;

    expect_survivors_pickable(survivors);
    enum outcome outcome = outcome_of(is_add);
    last_warning[0] = '\0';
    r = keyshm_add(pool, key_text(KEYS + 1), &added);
    EXPECT(r == 0, "the next membership change: %s", keyshm_strerror(r));
    snprintf(expected, sizeof(expected), "recovered: pid %d ", victim);
    EXPECT(!held || strstr(last_warning, "recovered: ") != NULL, "no word of a recovery, but '%s'", last_warning);
    /* Between taking the mutex and writing down who did, there is nothing to know it from. */
    EXPECT(!held || strstr(last_warning, expected) != NULL || strstr(last_warning, "a process died") != NULL,
           "'%s' does not say '%s'", last_warning, expected);
    EXPECT(keyshm_remove(pool, added) == 0, "and the one after");
    EXPECT(outcome_of(is_add) == outcome, "the recovery changed the outcome");
    expect_whole(survivors);
    totals->outcomes[outcome]++;
}

/* Kills after `steps` instructions. */
static void try_kill(const char *operation, long steps, struct totals *totals)
{
    make_pool();
    pid_t victim = start(operation);
    for (long i = 0; i < steps; i++)
        single_step(victim);
    bool held = lock_holder(pool) == victim;
    totals->kills++;
    totals->kills_in_mutex += held;
    totals->kills_half_done += is_half_done();
    single_step_kill(victim);
    judge(strcmp(operation, "add") == 0, victim, held, totals);
    drop_pool();
}

static long count_steps(const char *operation)
{
    long steps = 0;
    make_pool();
    pid_t victim = start(operation);
    while (single_step(victim))
        steps++;
    EXPECT(single_step_finish(victim) == 0, "%s, undisturbed", operation);
    drop_pool();
    return steps;
}

static void run(const char *operation, long kills)
{
    struct totals totals = {0};
    long length = count_steps(operation), stride = length / kills > 0 ? length / kills : 1;
    for (long steps = 0; steps < length; steps += stride)
        try_kill(operation, steps, &totals);
    printf("%-6s  %6ld instructions, %4d kills, %4d in the mutex, %4d half-done: %4d old, %4d new, 0 broken\n", operation,
           length, totals.kills, totals.kills_in_mutex, totals.kills_half_done, totals.outcomes[OLD],
           totals.outcomes[NEW]);
    /* Otherwise this has tested nothing. */
    EXPECT(totals.kills_in_mutex > 0 && totals.kills_half_done > 0, "%s: nobody was killed in the middle", operation);
    EXPECT(totals.outcomes[OLD] > 0 && totals.outcomes[NEW] > 0, "%s: only one outcome", operation);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: dead_owner VICTIM [KILLS]\n");
        return 2;
    }
    victim_path = argv[1];
    long kills = argc > 2 ? strtol(argv[2], NULL, 10) : 200;
    snprintf(name, sizeof(name), "crash.%d", getpid());
    atexit(unlink_name);
    keyshm_set_log(note_warning, NULL, KEYSHM_LOG_WARNING);
    run("add", kills);
    run("remove", kills);
    return 0;
}
