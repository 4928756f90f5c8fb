/* SPDX-License-Identifier: MIT */
#include "meeting.h"

#include "limit_sets.h"
#include "lock.h"
#include "places.h"
#include "pool.h"
#include "ready_bits.h"
#include "streak.h"
#include "subject.h"

#include "burst.h"
#include "expect.h"
#include "proof.h"
#include "virtual_clock.h"

enum { TARGET, LONG_LIMITED_KEY, SECOND_KEY, THIRD_KEY, INVALID_KEY, KEYS, SLOTS = KEYS + 2 };

/* The last numbers of keys: one that is gone before anything begins, one that is added, one in the place of the target.
 */
enum { GONE_KEY = KEYS, ADDED_KEY, REPLACING_KEY, EXTRA_KEY, ALL_KEYS };

enum { PROBLEM_BYTES = 160, GROUPS_MAX = 3, MODELS_MAX = 2 };

enum { COOLING_MS = 50, LONGEST_LIMIT_MS = 1000, POOL_IS_OLD_MS = 20 * 60 * 1000 };

#define START_NS (5000000 * NS_PER_MS)

static struct meeting meeting;
static char texts[3][40];
static keyshm_id ids[KEYS];
static int64_t began_ns;
static void *image;

static const char *key_text(int number)
{
    static char text[40];
    snprintf(text, sizeof(text), "sk-interleave-abcdefghijkl-%04d", number);
    return text;
}

static uint64_t content_of_key(const char *text)
{
    return digest_add_text(strlen(text), text);
}

/* ---- the pool: keys in all kinds of states, and one slot that was used before ---- */

/* Its cooldown is over, which is not written down yet. */
static void let_target_expire(void)
{
}

/* No pick has found it cooling, so its ready bit is still there to be cleared; and the next pick sweeps. */
static void limit_target(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[TARGET], COOLING_MS), 0);
    ready_make_all_due(meeting.pool, 0);
}

/* The next pick sweeps, and finds it available. */
static void make_due(void)
{
    ready_make_all_due(meeting.pool, 0);
}

/* As if a process had died that made the target available. A pick finds no bit that is set, and so reads every word. */
static void hide_target(void)
{
    meeting.target = ids[THIRD_KEY];
    meeting.other = ids[TARGET];
    ready_sweep(meeting.pool, 0, pool_now_ms(meeting.pool));
    atomic_store(&meeting.pool->ready[0], 0);
}

static void bench_all_others(void)
{
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[TARGET]), 0);
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[SECOND_KEY]), 0);
    hide_target();
}

static void remove_all_others(void)
{
    for (int i = 0; i < KEYS; i++)
        EXPECT(i == THIRD_KEY || keyshm_remove(meeting.pool, ids[i]) == 0);
    hide_target();
}

/* ---- with groups and models ---- */

static keyshm_id make_group(const char *name)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_group(meeting.pool, name, &id), 0);
    return id;
}

/* The next turn is that of the target again. */
static void add_extra_key(void)
{
    struct keyshm_pick pick;
    keyshm_id id;
    EXPECT_EQ(keyshm_add(meeting.pool, key_text(EXTRA_KEY), &id), 0);
    EXPECT_EQ(keyshm_next(meeting.pool, &pick), 0);
    EXPECT_EQ(pick.id, id);
}

/*
 * The keys of the group are the first and the third that a pick comes by, with an available key between them. So a pick
 * that has found the group benched, and goes on when it is available again, does not give the other key of the group
 * before that one: the order of picks is promised for as long as the same keys are available. And there is always
 * another key, or a turn would be used up without a pick.
 */
static void make_groups(void)
{
    add_extra_key();
    meeting.other = ids[SECOND_KEY];
    meeting.group = make_group(MEETING_GROUP);
    meeting.empty_group = make_group(MEETING_EMPTY_GROUP);
    EXPECT_EQ(keyshm_set_group(meeting.pool, ids[TARGET], meeting.group), 0);
    EXPECT_EQ(keyshm_set_group(meeting.pool, ids[THIRD_KEY], meeting.group), 0);
}

static void limit_for(keyshm_id id, unsigned model)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.duration_ms = COOLING_MS;
    mark.model = model;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    EXPECT_EQ(keyshm_mark(meeting.pool, id, &mark), 0);
}

/* As in limit_target(). */
static void limit_group(void)
{
    make_groups();
    limit_for(meeting.group, 0);
    ready_make_all_due(meeting.pool, 0);
}

/* The same for the model, and whatever the model it is available: what lifts both does so one after the other, which
 * others may see. */
static void limit_target_for_model(void)
{
    make_groups();
    EXPECT_EQ(keyshm_model(meeting.pool, MEETING_MODEL, &meeting.model), 0);
    limit_for(ids[TARGET], meeting.model);
    ready_make_all_due(meeting.pool, meeting.model);
}

/* And then it is over, which is not written down yet: a pick finds the target available, and takes it. */
static void let_group_expire(void)
{
    limit_group();
    virtual_clock_pass_ms(COOLING_MS + 1);
}

static void let_target_expire_for_model(void)
{
    limit_target_for_model();
    virtual_clock_pass_ms(COOLING_MS + 1);
}

/* The target has failed once, and its bench has ended with a probe, as has that of its group. Another pick has found it
 * benched. */
static void let_target_come_back(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = COOLING_MS;
    policy.cooldown_growth_percent = 200;
    policy.probe_ms = LIMIT_MS;
    EXPECT_EQ(keyshm_set_policy(meeting.pool, &policy), 0);
    limit_group();
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[TARGET], KEYSHM_NO_RETRY_AFTER), 0);
    virtual_clock_pass_ms(COOLING_MS + 1);
}

/* The target is the only key of the first priority, and cools down. Behind it is one alone, and behind that two of different
 * weights. */
static void set_order(void)
{
    keyshm_id last;
    EXPECT_EQ(keyshm_add(meeting.pool, key_text(EXTRA_KEY), &last), 0);
    EXPECT_EQ(keyshm_set_priority(meeting.pool, last, 2), 0);
    meeting.other = ids[SECOND_KEY];
    EXPECT_EQ(keyshm_set_priority(meeting.pool, ids[SECOND_KEY], 1), 0);
    EXPECT_EQ(keyshm_set_priority(meeting.pool, ids[THIRD_KEY], 2), 0);
    EXPECT_EQ(keyshm_set_weight(meeting.pool, ids[THIRD_KEY], 3), 0);
    for (int i = 0; i < KEYS; i++)
        if (i != TARGET && i != SECOND_KEY && i != THIRD_KEY)
            EXPECT_EQ(keyshm_set_priority(meeting.pool, ids[i], 3), 0);
    limit_for(ids[TARGET], 0);
    ready_make_all_due(meeting.pool, 0);
}

/* ---- with limits ---- */

static void set_limits(unsigned in_flight, uint64_t tokens)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = 1000, .per_ms = 1000000, .burst = 4};
    limits.tokens =
        (struct keyshm_rate){.amount = 1000, .per_ms = 1000000, .burst = tokens, .charge = KEYSHM_CHARGE_AT_RELEASE};
    limits.in_flight = in_flight;
    meeting.limits = limits;
    EXPECT_EQ(keyshm_set_limits(meeting.pool, ids[TARGET], 0, &limits), 0);
}

static void set_group_limits(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = 3;
    meeting.group = make_group(MEETING_GROUP);
    meeting.empty_group = make_group(MEETING_EMPTY_GROUP);
    EXPECT_EQ(keyshm_set_group(meeting.pool, ids[TARGET], meeting.group), 0);
    EXPECT_EQ(keyshm_set_limits(meeting.pool, meeting.group, 0, &limits), 0);
}

static void bench_others(void)
{
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[SECOND_KEY]), 0);
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[THIRD_KEY]), 0);
    virtual_clock_pass_ms(POOL_IS_OLD_MS);
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[LONG_LIMITED_KEY]), 0);
}

static void take_lease(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = MEETING_TOKENS;
    EXPECT_EQ(keyshm_acquire(meeting.pool, &request, ret_lease), 0);
}

/* There are two places, and one is taken; of tokens there are so many that one more request fits, if the other does not use
 * more than it holds. The pool is so old that a place without a note looks as if it were taken long ago. */
static void take_place(void)
{
    bench_others();
    set_limits(2, 2 * MEETING_TOKENS);
    set_group_limits();
    take_lease(&meeting.lease);
}

/* The process whose lease it is has died. There is one place, and of tokens there are more than enough. */
static void leave_place(void)
{
    struct keyshm_lease *lease = expect_shared_memory(sizeof(*lease));
    bench_others();
    set_limits(1, 100);
    pid_t child = expect_fork();
    if (child == 0) {
        take_lease(lease);
        _exit(0); /* and so it does not close the pool */
    }
    expect_success_of(child);
    meeting.lease = *lease;
}

/* Of three, two have been admitted; of one there is a lease. */
static void charge_two(void)
{
    struct keyshm_pick pick;
    bench_others();
    meeting.limits = (struct keyshm_limits)KEYSHM_LIMITS_INIT;
    meeting.limits.requests = (struct keyshm_rate){.amount = 1000, .per_ms = 1000000, .burst = 3};
    EXPECT_EQ(keyshm_set_limits(meeting.pool, ids[TARGET], 0, &meeting.limits), 0);
    EXPECT_EQ(keyshm_next(meeting.pool, &pick), 0);
    take_lease(&meeting.lease);
}

const struct setting settings[] = {
    {"cooled_down", let_target_expire, INTERLEAVED, INTERLEAVED_TWICE, false, false, false},
    {"cooling", limit_target, INTERLEAVED, INTERLEAVED_TWICE, false, false, false},
    {"sweep_due", make_due, SWEEP_DUE, INTERLEAVED_TWICE, false, false, false},
    {"one_available", bench_all_others, ONE_AVAILABLE, INTERLEAVED_TWICE, false, false, false},
    {"one_key", remove_all_others, ONE_KEY, INTERLEAVED_TWICE, false, false, false},
    {"group_cooling", limit_group, GROUP_COOLING, GROUP_TWICE, true, false, false},
    {"group_cooled", let_group_expire, GROUP_COOLED, 0, false, false, false},
    {"model_cooling", limit_target_for_model, MODEL_COOLING, MODEL_TWICE, true, false, false},
    {"model_cooled", let_target_expire_for_model, MODEL_COOLED, 0, false, false, false},
    {"coming_back", let_target_come_back, COMING_BACK, COMING_BACK_TWICE, false, false, false},
    {"carried", let_target_come_back, CARRIED, 0, false, false, false},
    {"ordered", set_order, ORDERED, ORDERED_TWICE, false, false, false},
    {"in_flight", take_place, IN_FLIGHT, IN_FLIGHT_TWICE, false, true, false},
    {"held_by_dead", leave_place, HELD_BY_DEAD, 0, false, true, true},
    {"charged", charge_two, CHARGED, 0, false, true, false},
};
const size_t setting_count = sizeof(settings) / sizeof(settings[0]);

static void fill_pool(void)
{
    keyshm_id gone;
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_add(meeting.pool, key_text(i), &ids[i]), 0);
    EXPECT_EQ(keyshm_add(meeting.pool, key_text(GONE_KEY), &gone), 0);
    EXPECT_EQ(keyshm_remove(meeting.pool, gone), 0);
}

static void name_target(void)
{
    snprintf(texts[0], sizeof(texts[0]), "%s", key_text(TARGET));
    snprintf(texts[1], sizeof(texts[1]), "%s", key_text(ADDED_KEY));
    snprintf(texts[2], sizeof(texts[2]), "%s", key_text(REPLACING_KEY));
    meeting.target = ids[TARGET];
    meeting.target_text = texts[0];
    meeting.added_text = texts[1];
    meeting.replacing_text = texts[2];
}

static void use_pool(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[TARGET], 1), 0);
    virtual_clock_pass_ms(5);
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[LONG_LIMITED_KEY], LONGEST_LIMIT_MS), 0);
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[INVALID_KEY]), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(keyshm_next(meeting.pool, &pick), 0);
    EXPECT_EQ(pick.id, ids[THIRD_KEY]); /* so that the next one comes by the target first */
}

static uint64_t marks_of_target(unsigned model)
{
    return word_marks(atomic_load(pool_word(meeting.pool, model, id_slot(meeting.target))));
}

void meeting_begin(const struct setting *setting)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    virtual_clock->monotonic_ns = START_NS;
    options.capacity = SLOTS;
    options.key_max = 40;
    options.groups_max = GROUPS_MAX;
    options.models_max = MODELS_MAX;
    meeting = (struct meeting){.pool = NULL};
    EXPECT_EQ(keyshm_create_anonymous(&meeting.pool, "interleave", &options), 0);
    fill_pool();
    name_target();
    use_pool();
    setting->prepare();
    meeting.token = workers_token(meeting.pool);
    meeting.stamp = marks_of_target(0);
    meeting.model_stamp = meeting.stamp | STAMP_HAS_MODEL | marks_of_target(meeting.model) << STAMP_MODEL_SHIFT;
    began_ns = virtual_clock->monotonic_ns;
    image = malloc(meeting_bytes());
    EXPECT(image != NULL);
    memcpy(image, meeting_memory(), meeting_bytes());
}

/* The state of a mutex that no living process holds is in its bytes. */
void meeting_enter(void)
{
    atomic_store(&meeting.pool->local->token, meeting.token);
    atomic_store(&meeting.pool->local->next_cell, (uint32_t)getpid() << 8); /* of the same row, and no other's */
    for (unsigned model = 0; model <= meeting.model; model++)
        atomic_store(&meeting.pool->local->rotations[model].next_look_ms, UINT64_MAX);
}

/* What this process remembers of another time. */
static void forget_refusals(void)
{
    struct process_local *local = meeting.pool->local;
    for (unsigned model = 0; model <= MODELS_MAX; model++)
        memset(&local->rotations[model].refusal, 0, sizeof(local->rotations[model].refusal));
    for (int i = 0; i < PROCESS_ALIVE; i++)
        atomic_store(&local->alive[i], 0);
    atomic_store(&local->next_reap_ms, 0);
}

void meeting_restore(void)
{
    virtual_clock->monotonic_ns = began_ns;
    burst_end(meeting.pool);
    memcpy(meeting_memory(), image, meeting_bytes());
    forget_refusals();
}

void meeting_end(void)
{
    free(image);
    keyshm_close(meeting.pool);
}

const struct meeting *meeting_now(void)
{
    return &meeting;
}

void *meeting_memory(void)
{
    return meeting.pool->header;
}

size_t meeting_bytes(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (meeting.pool->settings.segment_bytes + page - 1) / page * page;
}

bool meeting_is_locked(void)
{
    return lock_holder(meeting.pool) != 0;
}

/* ---- what is left of them ---- */

static uint64_t add_up_marked(uint64_t state, uint32_t subject)
{
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        state = digest_add(state, atomic_load(&subject_marked_at(meeting.pool, subject)[status]));
    return state;
}

/* And the failures in a row, of which one may not be written down yet. */
static uint64_t add_up_word(uint64_t state, unsigned model, uint32_t subject)
{
    struct streak streak = {.rate_limits = 0};
    uint64_t word = atomic_load(pool_word(meeting.pool, model, subject));
    if (word_is_live(word))
        EXPECT(streak_settle(pool_word(meeting.pool, model, subject), pool_history(meeting.pool, model, subject), word,
                             &streak));
    state = digest_add(digest_add(state, word), streak.rate_limits << 8 | streak.invalids);
    return digest_add(digest_add(state, streak.marks_at_rate_limit), streak.marks_at_invalid);
}

/* Of a slot or a group: its words, and if it is there its id and its counts of marks. Returns whether it is. */
static bool add_up_subject(uint64_t *state, uint32_t subject)
{
    for (unsigned model = 0; model <= pool_models_used(meeting.pool); model++)
        *state = add_up_word(*state, model, subject);
    if (!word_is_live(atomic_load(&meeting.pool->words[subject])))
        return false;
    *state = add_up_marked(digest_add(*state, atomic_load(subject_id_at(meeting.pool, subject))), subject);
    return true;
}

static uint64_t add_up_slots(uint64_t state)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        const struct layout_slot *at = pool_slot(meeting.pool, slot);
        if (!add_up_subject(&state, slot))
            continue;
        state = digest_add(state, key_group_of_slot(meeting.pool, slot));
        state = digest_add(state, atomic_load(&at->picks));
        state = digest_add(state, atomic_load(&at->last_used_ms));
    }
    return state;
}

static uint64_t add_up_groups_and_models(uint64_t state)
{
    for (uint32_t group = 0; group < GROUPS_MAX; group++) {
        const struct layout_group *at = &meeting.pool->groups[group];
        if (!add_up_subject(&state, pool_group_subject(meeting.pool, group)))
            continue;
        state = digest_add(state, atomic_load(&at->keys));
        state = digest_add(state, atomic_load(&at->name_length));
        for (uint32_t i = 0; i < LAYOUT_NAME_WORDS; i++)
            state = digest_add(state, atomic_load(&at->name[i]));
    }
    for (unsigned model = 1; model <= pool_models_used(meeting.pool); model++)
        state = digest_add(state, atomic_load(&pool_model(meeting.pool, model)->name_length));
    return digest_add(state, pool_models_used(meeting.pool));
}

static uint64_t add_up_pick(uint64_t state, const struct result *picked)
{
    return digest_add(digest_add(digest_add(state, (uint64_t)picked->value), picked->id), picked->content);
}

static uint64_t add_up_picks(uint64_t state)
{
    for (int i = 0; i < SLOTS + 1; i++) {
        struct result picked = meeting_next(&meeting);
        state = add_up_pick(state, &picked);
    }
    for (int i = 0; i < SLOTS + 1 && meeting.model != 0; i++) {
        struct result picked = meeting_acquire(&meeting);
        state = add_up_pick(state, &picked);
    }
    return state;
}

/* Which limits there are, and what is in flight. Whose that is, or in which place, is no matter. */
static uint64_t add_up_limits(uint64_t state, unsigned model, uint32_t subject)
{
    uint32_t ref = atomic_load(limits_ref_at(meeting.pool, model, subject));
    struct places places = places_of(meeting.pool, subject);
    uint64_t count = 0;
    for (uint32_t i = 0; i < places.max; i++)
        count += atomic_load(&places.cells[i]) != CELL_FREE;
    state = digest_add(digest_add(state, count), places_held(&places, model, CELL_FREE));
    if (ref == LIMITS_NONE)
        return digest_add(state, 0);
    const struct layout_limits *limits = limits_of(meeting.pool, ref);
    state = digest_add(state, limits_kinds(limits));
    for (int i = 0; i < LAYOUT_RATES; i++)
        state = digest_add(state, atomic_load(&limits->amount[i]));
    return state;
}

static uint64_t add_up_all_limits(uint64_t state)
{
    for (unsigned model = 0; model <= pool_models_used(meeting.pool); model++)
        for (uint32_t subject = 0; subject < pool_subjects_end(meeting.pool); subject++)
            state = add_up_limits(state, model, subject);
    return state;
}

/* Of model 0 alone: limits of a model do not meet. */
void meeting_load_used(uint64_t ret_used_ns[MEETING_RATES])
{
    uint64_t now_ns = pool_now_ns(meeting.pool);
    uint32_t count = 0;
    memset(ret_used_ns, 0, MEETING_RATES * sizeof(*ret_used_ns));
    for (uint32_t subject = 0; subject < pool_subjects_end(meeting.pool); subject++)
        for (int i = 0; i < LAYOUT_RATES; i++) {
            uint64_t used_ns = atomic_load(&pool_usage(meeting.pool, 0, subject)->used_ns[i]);
            EXPECT(count < MEETING_RATES || used_ns == 0);
            if (count < MEETING_RATES)
                ret_used_ns[count++] = used_ns > now_ns ? used_ns - now_ns : 0;
        }
}

/* The processes that have met have ended, and what that means for their probes is for another proof. */
static void hide_probers(void)
{
    for (unsigned model = 0; model <= MODELS_MAX; model++)
        for (uint32_t subject = 0; subject < meeting.pool->settings.words_per_model; subject++)
            atomic_store(&pool_history(meeting.pool, model, subject)->prober, 0);
}

uint64_t meeting_state(void)
{
    /* At the very millisecond of each deadline, which a mark rounds up by one: no hint may be late. */
    static const int64_t moments_ms[] = {0, COOLING_MS + 1, LIMIT_MS + 1, LONGER_LIMIT_MS + 1, LONGEST_LIMIT_MS + 1};
    hide_probers();
    uint64_t state = add_up_all_limits(add_up_groups_and_models(add_up_slots(0)));
    for (size_t i = 0; i < sizeof(moments_ms) / sizeof(moments_ms[0]); i++) {
        virtual_clock->monotonic_ns = began_ns + moments_ms[i] * NS_PER_MS;
        state = add_up_slots(add_up_picks(state));
    }
    return state;
}

static void keep_problem(const char *problem, void *user)
{
    char *kept = user;
    if (kept[0] == '\0')
        snprintf(kept, PROBLEM_BYTES, "%s", problem);
}

const char *meeting_problem(void)
{
    static char problem[PROBLEM_BYTES];
    problem[0] = '\0';
    int r = keyshm_verify(meeting.pool, keep_problem, problem);
    if (r < 0)
        return keyshm_strerror(r);
    return r > 0 ? problem : NULL;
}

static bool is_there(const struct result *picked)
{
    keyshm_id id;
    for (int number = 0; number < ALL_KEYS; number++)
        if (keyshm_find(meeting.pool, key_text(number), &id) == 0 && id == picked->id)
            return content_of_key(key_text(number)) == picked->content;
    return false;
}

bool meeting_may_give(const struct result *picked, unsigned model)
{
    if (picked->value == -EAGAIN)
        return keyshm_available_count_for(meeting.pool, model) == 0;
    struct keyshm_key_snapshot row;
    if (picked->value != 0 || !is_there(picked))
        return false;
    /* By a probe it is benched for all others. */
    return keyshm_is_available_for(meeting.pool, picked->id, model) == 1 ||
           (keyshm_inspect(meeting.pool, picked->id, model, sizeof(row), &row) == 0 && row.is_probing);
}
