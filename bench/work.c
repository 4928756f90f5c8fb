/* SPDX-License-Identifier: MIT */
#include "work.h"

#include <math.h>

enum subject_number {
    NOTHING,
    FETCH_ADD,
    LOCK,
    PICK,
    TABLE,
    TDB,
    LMDB,
    REDIS,
    APCU,
    PICK_1000_COOLING_90,
    TABLE_1000_COOLING_90,
    PICK_1000,
    PICK_10000,
    PICK_65536,
    PICK_100_COOLING_99,
    PICK_1000_COOLING_99,
    PICK_10000_COOLING_99,
    PICK_65536_COOLING_99,
    PICK_65536_P99,
    PICK_1048576_P99,
    TABLE_100_COOLING_99,
    TABLE_1000_COOLING_99,
    TABLE_10000_COOLING_99,
    TABLE_65536_COOLING_99,
    PICK_1000_ALL_BUT_ONE,
    PICK_10000_ALL_BUT_ONE,
    PICK_65536_ALL_BUT_ONE,
    TABLE_1000_ALL_BUT_ONE,
    TABLE_10000_ALL_BUT_ONE,
    TABLE_65536_ALL_BUT_ONE,
    RATE_LIMITED,
    QUOTA_EXCEEDED,
    INVALID,
    AVAILABLE,
    BURSTS,
    BURSTS_MARKED,
    SNAPSHOT,
    PICK_1024,
    PICK_INSPECTED,
    PICK_FOR_MODEL,
    PICK_GROUPED,
    PICK_GROUPED_FOR_MODEL,
    PICK_WEIGHTED,
    PICK_SECOND_PRIORITY,
    ADD_100,
    ADD_65536,
    LEASES_CAPPED,
    LEASES_WHOLE,
    LEASES_WHOLE_OF_GROUP,
    REDIS_LIMITS,
    REDIS_COUNTER,
    PICK_RATED,
    PICK_RATED_IDLE,
    REFUSED_1024,
    REFUSED_65536,
    REFUSED_FIRST_1024,
    REFUSED_FIRST_65536,
    BARE_HAND_OVER,
    HAND_OVER,
    SUBJECTS
};

static struct subject subjects[SUBJECTS] = {
    [FETCH_ADD] = {"fetch_add", &bare_fetch_add, {0}, NULL},
    [LOCK] = {"lock and unlock", &bare_lock, {0}, NULL},
    [PICK] = {"pick", &keyshm_pick, {100, 100}, NULL},
    [TABLE] = {"pick", &peer_table, {100, 100}, NULL},
    [TDB] = {"pick", &peer_tdb, {100, 100}, NULL},
    [LMDB] = {"pick", &peer_lmdb, {100, 100}, NULL},
    [REDIS] = {"pick", &peer_redis, {100, 100}, NULL},
    [APCU] = {"pick", &peer_apcu, {100, 100}, NULL},
    [PICK_1000_COOLING_90] = {"pick", &keyshm_pick, {1000, 100}, NULL},
    [TABLE_1000_COOLING_90] = {"pick", &peer_table, {1000, 100}, NULL},
    [PICK_1000] = {"pick", &keyshm_pick, {1000, 1000}, NULL},
    [PICK_10000] = {"pick", &keyshm_pick, {10000, 10000}, NULL},
    [PICK_65536] = {"pick", &keyshm_pick, {65536, 65536}, NULL},
    [PICK_100_COOLING_99] = {"pick", &keyshm_pick, {100, 1}, NULL},
    [PICK_1000_COOLING_99] = {"pick", &keyshm_pick, {1000, 10}, NULL},
    [PICK_10000_COOLING_99] = {"pick", &keyshm_pick, {10000, 100}, NULL},
    [PICK_65536_COOLING_99] = {"pick", &keyshm_pick, {65536, 655}, NULL},
    [PICK_65536_P99] = {"pick, 99th of 100, ends over 60 s", &keyshm_pick_p99, {65536, 655}, NULL},
    [PICK_1048576_P99] = {"pick, 99th of 100, ends over 60 s", &keyshm_pick_p99, {1048576, 10486}, NULL},
    [TABLE_100_COOLING_99] = {"pick", &peer_table, {100, 1}, NULL},
    [TABLE_1000_COOLING_99] = {"pick", &peer_table, {1000, 10}, NULL},
    [TABLE_10000_COOLING_99] = {"pick", &peer_table, {10000, 100}, NULL},
    [TABLE_65536_COOLING_99] = {"pick", &peer_table, {65536, 655}, NULL},
    [PICK_1000_ALL_BUT_ONE] = {"pick", &keyshm_pick, {1000, 1}, NULL},
    [PICK_10000_ALL_BUT_ONE] = {"pick", &keyshm_pick, {10000, 1}, NULL},
    [PICK_65536_ALL_BUT_ONE] = {"pick", &keyshm_pick, {65536, 1}, NULL},
    [TABLE_1000_ALL_BUT_ONE] = {"pick", &peer_table, {1000, 1}, NULL},
    [TABLE_10000_ALL_BUT_ONE] = {"pick", &peer_table, {10000, 1}, NULL},
    [TABLE_65536_ALL_BUT_ONE] = {"pick", &peer_table, {65536, 1}, NULL},
    [RATE_LIMITED] = {"mark rate_limited", &keyshm_mark_as_rate_limited, {100, 100}, NULL},
    [QUOTA_EXCEEDED] = {"mark quota_exceeded", &keyshm_mark_as_quota_exceeded, {100, 100}, NULL},
    [INVALID] = {"mark invalid", &keyshm_mark_as_invalid, {100, 100}, NULL},
    [AVAILABLE] = {"mark available", &keyshm_mark_as_available, {100, 100}, NULL},
    [BURSTS] = {"pick, 64 a ms", &keyshm_bursts, {1024, 1024}, NULL},
    [BURSTS_MARKED] = {"pick and mark, 64 a ms", &keyshm_bursts_marked, {1024, 1024}, NULL},
    [SNAPSHOT] = {"snapshot", &keyshm_snapshots, {1024, 1024}, NULL},
    [PICK_1024] = {"pick", &keyshm_pick, {1024, 1024}, NULL},
    [PICK_INSPECTED] = {"pick, 1,000 snapshots a second", &keyshm_pick_inspected, {1024, 1024}, NULL},
    [PICK_FOR_MODEL] = {"pick for a model", &keyshm_pick_for_model, {100, 100}, NULL},
    [PICK_GROUPED] = {"pick, keys in groups", &keyshm_pick_grouped, {100, 100}, NULL},
    [PICK_GROUPED_FOR_MODEL] = {"pick for a model, keys in groups", &keyshm_pick_grouped_for_model, {100, 100}, NULL},
    [PICK_WEIGHTED] = {"pick, weights 1 to 15", &keyshm_pick_weighted, {1000, 1000}, NULL},
    [PICK_SECOND_PRIORITY] = {"pick, first priority benched", &keyshm_pick_second_priority, {1000, 1000}, NULL},
    [ADD_100] = {"add, up to this many", &keyshm_adds, {100, 100}, NULL},
    [ADD_65536] = {"add, up to this many", &keyshm_adds, {65536, 65536}, NULL},
    [LEASES_CAPPED] = {"cap of 8", &keyshm_leases_capped, {100, 100}, NULL},
    [LEASES_WHOLE] = {"cap, 2 rates, settled", &keyshm_leases_whole, {100, 100}, NULL},
    [LEASES_WHOLE_OF_GROUP] = {"the same, of one group", &keyshm_leases_whole_of_group, {100, 100}, NULL},
    [REDIS_LIMITS] = {"cap, 2 rates, 2 scripts", &peer_redis_limits, {100, 100}, NULL},
    [REDIS_COUNTER] = {"INCR of a minute", &peer_redis_counter, {100, 100}, NULL},
    [PICK_RATED] = {"pick, 2 rates, in use", &keyshm_pick_rated, {100, 100}, NULL},
    [PICK_RATED_IDLE] = {"pick, 2 rates, idle", &keyshm_pick_rated_idle, {100, 100}, NULL},
    [REFUSED_1024] = {"refused, all used up", &keyshm_refused, {1024, 1024}, NULL},
    [REFUSED_65536] = {"refused, all used up", &keyshm_refused, {65536, 65536}, NULL},
    [REFUSED_FIRST_1024] = {"refused, after a change", &keyshm_refused_first, {1024, 1024}, NULL},
    [REFUSED_FIRST_65536] = {"refused, after a change", &keyshm_refused_first, {65536, 65536}, NULL},
    [BARE_HAND_OVER] = {"hand-over between two", &bare_hand_over, {0}, NULL},
    [HAND_OVER] = {"release to a waiter's pick", &keyshm_hand_over, {1, 1}, NULL},
};

/* What is compared stands close together. */
struct measurement work_measurements[] = {
#define MEASURE(number, workers_)                           \
    {                                                       \
        .subject = &subjects[number], .workers = (workers_) \
    }
#define MEASURE_CONTENDERS(workers_)                                                                          \
    MEASURE(FETCH_ADD, workers_), MEASURE(LOCK, workers_), MEASURE(PICK, workers_), MEASURE(TABLE, workers_), \
        MEASURE(TDB, workers_), MEASURE(LMDB, workers_), MEASURE(REDIS, workers_), MEASURE(APCU, workers_)
#define MEASURE_LEASES(workers_)                                                                                 \
    MEASURE(LEASES_CAPPED, workers_), MEASURE(LEASES_WHOLE, workers_), MEASURE(LEASES_WHOLE_OF_GROUP, workers_), \
        MEASURE(REDIS_LIMITS, workers_), MEASURE(REDIS_COUNTER, workers_)
    MEASURE(RATE_LIMITED, 1),
    MEASURE(QUOTA_EXCEEDED, 1),
    MEASURE(INVALID, 1),
    MEASURE(AVAILABLE, 1),
    MEASURE_CONTENDERS(1),
    MEASURE_LEASES(1),
    MEASURE(PICK_RATED, 1),
    MEASURE(PICK_RATED_IDLE, 1),
    MEASURE(PICK_FOR_MODEL, 1),
    MEASURE(PICK_GROUPED, 1),
    MEASURE(PICK_GROUPED_FOR_MODEL, 1),
    MEASURE(PICK_65536_COOLING_99, 1),
    MEASURE(PICK_65536_P99, 1),
    MEASURE(PICK_1048576_P99, 1),
    MEASURE_CONTENDERS(2),
    MEASURE_LEASES(2),
    MEASURE_CONTENDERS(4),
    MEASURE_LEASES(4),
    MEASURE_CONTENDERS(8),
    MEASURE_LEASES(8),
    MEASURE(PICK_1000, 1),
    MEASURE(PICK_WEIGHTED, 1),
    MEASURE(PICK_SECOND_PRIORITY, 1),
    MEASURE(PICK_1000_COOLING_90, 1),
    MEASURE(TABLE_1000_COOLING_90, 1),
    MEASURE(PICK_100_COOLING_99, 1),
    MEASURE(PICK_1000_COOLING_99, 1),
    MEASURE(PICK_10000_COOLING_99, 1),
    MEASURE(TABLE_100_COOLING_99, 1),
    MEASURE(TABLE_1000_COOLING_99, 1),
    MEASURE(TABLE_10000_COOLING_99, 1),
    MEASURE(TABLE_65536_COOLING_99, 1),
    MEASURE(PICK_1000_ALL_BUT_ONE, 1),
    MEASURE(PICK_10000_ALL_BUT_ONE, 1),
    MEASURE(PICK_65536_ALL_BUT_ONE, 1),
    MEASURE(TABLE_1000_ALL_BUT_ONE, 1),
    MEASURE(TABLE_10000_ALL_BUT_ONE, 1),
    MEASURE(TABLE_65536_ALL_BUT_ONE, 1),
    MEASURE(REFUSED_1024, 1),
    MEASURE(REFUSED_65536, 1),
    MEASURE(REFUSED_FIRST_1024, 1),
    MEASURE(REFUSED_FIRST_65536, 1),
    MEASURE(BARE_HAND_OVER, 1),
    MEASURE(HAND_OVER, 1),
    MEASURE(PICK_10000, 1),
    MEASURE(PICK_65536, 1),
    MEASURE(BURSTS, 1),
    MEASURE(BURSTS_MARKED, 1),
    MEASURE(SNAPSHOT, 1),
    MEASURE(PICK_1024, 1),
    MEASURE(PICK_INSPECTED, 1),
    MEASURE(ADD_100, 1),
    MEASURE(ADD_65536, 1),
#undef MEASURE_LEASES
#undef MEASURE_CONTENDERS
#undef MEASURE
};
const int work_measurements_count = sizeof(work_measurements) / sizeof(work_measurements[0]);

#define RATIO(text_, place_subject, place_workers, limit_, against_, other_subject, other_workers) \
    {                                                                                              \
        .text = (text_), .against = (against_), .unit = BAR_TIMES, .limit = (limit_),              \
        .place = {place_subject, place_workers}, .other = {                                        \
            other_subject,                                                                         \
            other_workers                                                                          \
        }                                                                                          \
    }
#define PER_KEY(text_, subject_, keys_, limit_)                                                                       \
    {                                                                                                                 \
        .text = (text_), .against = "a key", .unit = BAR_NANOSECONDS, .limit = (limit_), .parts = (keys_), .place = { \
            subject_,                                                                                                 \
            1                                                                                                         \
        }                                                                                                             \
    }
#define AIM(text_, subject_, workers_, limit_, against_, other_)                                      \
    {                                                                                                 \
        .text = (text_), .against = (against_), .unit = BAR_TIMES, .limit = (limit_), .is_aim = true, \
        .place = {subject_, workers_}, .other = {                                                     \
            other_,                                                                                   \
            workers_                                                                                  \
        }                                                                                             \
    }

const struct bar work_bars[] = {
    RATIO("pick, 1 process", PICK, 1, 0.7, "lock and unlock", LOCK, 1),
    RATIO("pick, 2 processes", PICK, 2, 0.6, "lock and unlock by 2", LOCK, 2),
    RATIO("pick, 8 processes", PICK, 8, 0.6, "lock and unlock by 8", LOCK, 8),
    RATIO("pick, 2 processes", PICK, 2, 1.0, "pick by 1", PICK, 1),
    RATIO("pick, 8 processes", PICK, 8, 1.0, "pick by 1", PICK, 1),
    RATIO("pick, 1,000 keys, 90 % cooling", PICK_1000_COOLING_90, 1, 1.5, "pick of 1,000 available", PICK_1000, 1),
    RATIO("pick, 65,536 keys, 99 % cooling", PICK_65536_COOLING_99, 1, 2.0, "pick of 100 keys", PICK, 1),
    {.text = "pick, 99th of 100, 65,536 keys, 99 % cooling",
     .against = "",
     .unit = BAR_NANOSECONDS,
     .limit = 10e3,
     .place = {PICK_65536_P99, 1}},
    {.text = "pick, 99th of 100, 1,048,576 keys, 99 % cooling",
     .against = "",
     .unit = BAR_NANOSECONDS,
     .limit = 50e3,
     .place = {PICK_1048576_P99, 1}},
    RATIO("pick for a model", PICK_FOR_MODEL, 1, 1.35, "pick", PICK, 1),
    RATIO("pick, keys in groups", PICK_GROUPED, 1, 1.5, "pick", PICK, 1),
    RATIO("pick, weights 1 to 15", PICK_WEIGHTED, 1, 1.5, "pick of 1,000 alike", PICK_1000, 1),
    RATIO("pick, first of 3 priorities benched", PICK_SECOND_PRIORITY, 1, 2.0, "pick of 1,000 alike", PICK_1000, 1),
    RATIO("pick and mark for 1 to 20 ms", BURSTS_MARKED, 1, 3.0, "pick", BURSTS, 1),
    RATIO("mark rate_limited", RATE_LIMITED, 1, 1.5, "lock and unlock", LOCK, 1),
    RATIO("mark quota_exceeded", QUOTA_EXCEEDED, 1, 1.5, "lock and unlock", LOCK, 1),
    RATIO("mark invalid", INVALID, 1, 1.5, "lock and unlock", LOCK, 1),
    RATIO("mark available", AVAILABLE, 1, 1.5, "lock and unlock", LOCK, 1),
    {.text = "snapshot of 1,024 keys", .against = "", .unit = BAR_NANOSECONDS, .limit = 100e3, .place = {SNAPSHOT, 1}},
    RATIO("pick beside 1,000 snapshots a second", PICK_INSPECTED, 1, 1.1, "pick beside none", PICK_1024, 1),
    RATIO("add of the 65,536th key", ADD_65536, 1, 5.0, "add of the 100th", ADD_100, 1),
    {.text = "memory a key, no groups and models",
     .against = "",
     .unit = BAR_BYTES,
     .limit = 1024,
     .figure = keyshm_bytes_per_key_alone},
    {.text = "memory a key, 64 groups and 8 models",
     .against = "",
     .unit = BAR_BYTES,
     .limit = 1638,
     .figure = keyshm_bytes_per_key},
    RATIO("acquire, release, cap 8, 1 process", LEASES_CAPPED, 1, 2.5, "pick", PICK, 1),
    RATIO("acquire, release, cap 8, 2 processes", LEASES_CAPPED, 2, 2.5, "pick by 2", PICK, 2),
    RATIO("acquire, release, cap 8, 8 processes", LEASES_CAPPED, 8, 3.0, "pick by 8", PICK, 8),
    RATIO("pick with 2 rates, in use", PICK_RATED, 1, 2.0, "pick", PICK, 1),
    RATIO("pick with 2 rates, idle", PICK_RATED_IDLE, 1, 2.0, "pick", PICK, 1),
    RATIO("cap, 2 rates, settled and released", LEASES_WHOLE, 1, 4.0, "pick", PICK, 1),
    RATIO("the same of one group, 1 process", LEASES_WHOLE_OF_GROUP, 1, 4.0, "pick", PICK, 1),
    RATIO("the same of one group, 2 processes", LEASES_WHOLE_OF_GROUP, 2, 8.0, "pick by 2", PICK, 2),
    RATIO("the same of one group, 8 processes", LEASES_WHOLE_OF_GROUP, 8, 8.0, "pick by 8", PICK, 8),
    RATIO("refused again, 1,024 keys used up", REFUSED_1024, 1, 2.0, "pick", PICK, 1),
    RATIO("refused again, 65,536 keys used up", REFUSED_65536, 1, 2.0, "pick", PICK, 1),
    PER_KEY("first refusal after a change, 1,024 keys", REFUSED_FIRST_1024, 1024, 8),
    PER_KEY("first refusal after a change, 65,536 keys", REFUSED_FIRST_65536, 65536, 8),
    RATIO("release to a waiter's pick, 20 wait", HAND_OVER, 1, 3.0, "futex hand-over", BARE_HAND_OVER, 1),
    {.text = "wakes for each of these",
     .against = "",
     .unit = BAR_COUNT,
     .limit = 1.1,
     .place = {HAND_OVER, 1},
     .figure = keyshm_wakes_per_hand_over},
    AIM("pick, 1 process", PICK, 1, 5.0, "fetch_add", FETCH_ADD),
    AIM("pick, 2 processes", PICK, 2, 4.0, "fetch_add by 2", FETCH_ADD),
    AIM("pick, 8 processes", PICK, 8, 4.0, "fetch_add by 8", FETCH_ADD),
};
const int work_bars_count = sizeof(work_bars) / sizeof(work_bars[0]);

const struct measurement *work_find(struct place place)
{
    for (int i = 0; i < work_measurements_count; i++) {
        const struct measurement *measurement = &work_measurements[i];
        if (measurement->subject == &subjects[place.subject] && measurement->workers == place.workers)
            return measurement->subject->state != NULL ? measurement : NULL;
    }
    return NULL;
}

const struct measurement *work_lock(int workers)
{
    return work_find((struct place){LOCK, workers});
}

const struct measurement *work_fetch_add(int workers)
{
    return work_find((struct place){FETCH_ADD, workers});
}

double work_figure(const struct bar *bar, int rounds)
{
    double values[ROUNDS_MAX];
    if (bar->unit == BAR_BYTES)
        return bar->figure();
    const struct measurement *measured = work_find(bar->place), *other = work_find(bar->other);
    if (measured == NULL || (bar->unit == BAR_TIMES && other == NULL))
        return NAN;
    if (bar->unit == BAR_COUNT)
        return bar->figure();
    for (int i = 0; i < rounds; i++)
        values[i] = measured->cost_ns[i] / (bar->unit == BAR_TIMES ? other->cost_ns[i]
                                            : bar->parts != 0      ? bar->parts
                                                                   : 1);
    return median_of(values, rounds);
}

void work_open(void)
{
    for (int i = 1; i < SUBJECTS; i++)
        if (subjects[i].contender->open != NULL)
            subjects[i].state = subjects[i].contender->open(&subjects[i].load);
}

void work_close(void)
{
    for (int i = 1; i < SUBJECTS; i++)
        if (subjects[i].state != NULL)
            subjects[i].contender->close(subjects[i].state);
}
