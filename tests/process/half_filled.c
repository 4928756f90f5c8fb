/* SPDX-License-Identifier: MIT */

/*
 * Two processes are stopped at once. A pick stands still when it has claimed a slot, whose key is then removed; an add
 * stands still in the middle of filling the same slot. The pick goes on for a few instructions, the add ends, the pick
 * ends. It may give the new key or none, but not what was half there.
 */

#include <stdatomic.h>
#include <sys/ptrace.h>

#include "expect.h"
#include "pool.h"

/* More instructions than a pick has left, from its claim to its end. */
enum { KEY_LENGTH = 64, INSTRUCTIONS_MAX = 240, STRIDE = 3 };

struct seen {
    int result;
    struct keyshm_pick pick;
};

static struct seen *seen;
static keyshm_pool *pool;
static char old_key[KEY_LENGTH + 1], new_key[KEY_LENGTH + 1];

/* ---- what the writer has done so far ---- */

static bool slot_is_claimed(void)
{
    return atomic_load(&pool->header->cursor) != 0;
}

static bool id_is_there(void)
{
    return atomic_load(&pool_slot(pool, 0)->id) >> 24 == 2;
}

static bool first_bytes_are_there(void)
{
    return atomic_load(&pool_slot(pool, 0)->key[0]) != 0;
}

/* ---- the two processes ---- */

static void pick_key(void)
{
    seen->result = keyshm_next(pool, &seen->pick);
}

static void add_new_key(void)
{
    EXPECT_EQ(keyshm_add(pool, new_key, NULL), 0);
}

static pid_t start(void (*victim)(void))
{
    int status;
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        raise(SIGSTOP);
        victim();
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status));
    return child;
}

/* False when it has ended. */
static bool step(pid_t child)
{
    int status;
    EXPECT_EQ(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) || status == 0);
    return WIFSTOPPED(status);
}

static void step_until(pid_t child, bool (*reached)(void))
{
    while (!reached())
        EXPECT(step(child));
}

static void finish(pid_t child)
{
    EXPECT_EQ(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
    expect_success_of(child);
}

/* ---- one run ---- */

static keyshm_id begin(void)
{
    keyshm_id id;
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 1;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "half", &options), 0);
    EXPECT_EQ(keyshm_add(pool, old_key, &id), 0);
    memset(seen, 0, sizeof(*seen));
    return id;
}

static void end(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_find(pool, new_key, &id), 0);
    EXPECT(seen->result == 0 || seen->result == -ENOKEY);
    if (seen->result == 0) {
        EXPECT_EQ(seen->pick.id, id);
        EXPECT_EQ(seen->pick.key_length, KEY_LENGTH);
        EXPECT_EQ(strcmp(seen->pick.key, new_key), 0);
    }
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
}

static void run(bool (*half_filled)(void), unsigned instructions)
{
    bool alive = true;
    keyshm_id old = begin();
    pid_t reader = start(pick_key);
    step_until(reader, slot_is_claimed);
    EXPECT_EQ(keyshm_remove(pool, old), 0);
    pid_t writer = start(add_new_key);
    step_until(writer, half_filled);
    for (unsigned i = 0; i < instructions && alive; i++)
        alive = step(reader);
    finish(writer);
    if (alive)
        finish(reader);
    end();
}

int main(void)
{
    static bool (*const moments[])(void) = {id_is_there, first_bytes_are_there};
    expect_end_in_time();
    if (!expect_may_trace()) {
        printf("skipped: this system does not let a process trace its child\n");
        return 77;
    }
    seen = expect_shared_memory(sizeof(*seen));
    memset(old_key, 'A', KEY_LENGTH);
    memset(new_key, 'B', KEY_LENGTH);
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        for (unsigned instructions = 0; instructions < INSTRUCTIONS_MAX; instructions += STRIDE)
            run(moments[i], instructions);
    return 0;
}
