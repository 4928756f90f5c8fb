/* SPDX-License-Identifier: MIT */

/*
 * Two processes, each with an attachment of its own, take turns over a pair of pipes. The very next call of one must
 * see what the other did: marks of every kind, a key marked available again, keys added and removed, metadata.
 */

#include "burst.h"
#include "expect.h"

enum { KEYS = 3, ROUNDS = 3000 };

/* One side of the conversation. */
struct side {
    keyshm_pool *pool;
    int from_other;
    int to_other;
    keyshm_id ids[KEYS];
};

static void hand_over(const struct side *side)
{
    EXPECT_EQ(write(side->to_other, "", 1), 1);
}

static void wait_for_turn(const struct side *side)
{
    char byte;
    EXPECT_EQ(read(side->from_other, &byte, 1), 1);
    /* On a fast machine the conversation alone comes near a burst, in which whose turn it is goes by other rules. */
    burst_end(side->pool);
}

static void expect_pick(const struct side *side, unsigned number)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(side->pool, &pick), 0);
    EXPECT_EQ(pick.id, side->ids[number % KEYS]);
}

static void turn_until_next_is(const struct side *side, unsigned number)
{
    struct keyshm_pick pick;
    do
        EXPECT_EQ(keyshm_next(side->pool, &pick), 0);
    while (pick.id != side->ids[(number + KEYS - 1) % KEYS]);
}

static void mark(const struct side *side, unsigned round)
{
    keyshm_id id = side->ids[round % KEYS];
    switch (round / KEYS % 4) {
    case 0:
        EXPECT_EQ(keyshm_mark_rate_limited(side->pool, id, 3600000), 0);
        break;
    case 1:
        EXPECT_EQ(keyshm_mark_quota_exceeded(side->pool, id, KEYSHM_UNTIL_MARKED), 0);
        break;
    case 2:
        EXPECT_EQ(keyshm_mark_invalid(side->pool, id), 0);
        break;
    default:
        EXPECT_EQ(keyshm_mark_rate_limited(side->pool, id, KEYSHM_NO_RETRY_AFTER), 0);
        break;
    }
}

/* It would be this key's turn. The other marks it, and is followed by its successor; then it is back at once. */
static void mark_and_see_it_back(const struct side *side, unsigned round)
{
    turn_until_next_is(side, round);
    mark(side, round);
    hand_over(side);
    wait_for_turn(side);
    EXPECT_EQ(keyshm_is_available(side->pool, side->ids[round % KEYS]), 1);
    expect_pick(side, round);
}

static void see_mark_and_bring_back(const struct side *side, unsigned round)
{
    wait_for_turn(side);
    expect_pick(side, round + 1);
    EXPECT_EQ(keyshm_is_available(side->pool, side->ids[round % KEYS]), 0);
    EXPECT_EQ(keyshm_available_count(side->pool), KEYS - 1);
    expect_pick(side, round + 2);
    EXPECT_EQ(keyshm_mark_available(side->pool, side->ids[round % KEYS]), 0);
    hand_over(side);
}

static void add_and_see_it_gone(const struct side *side, const char *key)
{
    struct keyshm_pick pick;
    keyshm_id id;
    turn_until_next_is(side, KEYS);
    EXPECT_EQ(keyshm_add(side->pool, key, &id), 0);
    EXPECT_EQ(keyshm_set_metadata(side->pool, id, "note", "new"), 0);
    hand_over(side);
    wait_for_turn(side);
    EXPECT_EQ(keyshm_find(side->pool, key, &id), -ENOENT);
    EXPECT_EQ(keyshm_mark_invalid(side->pool, id), -ESTALE);
    EXPECT_EQ(keyshm_next(side->pool, &pick), 0);
    EXPECT(pick.id != id);
    hand_over(side);
}

static void see_key_and_remove_it(const struct side *side, const char *key)
{
    struct keyshm_pick pick;
    struct keyshm_snapshot *snapshot;
    keyshm_id id;
    wait_for_turn(side);
    /* It took the lowest free slot, the one behind all others, where the next pick begins to look. */
    EXPECT_EQ(keyshm_next(side->pool, &pick), 0);
    EXPECT_EQ(strcmp(pick.key, key), 0);
    EXPECT_EQ(keyshm_find(side->pool, key, &id), 0);
    EXPECT_EQ(pick.id, id);
    EXPECT_EQ(keyshm_snapshot(side->pool, &snapshot), 0);
    EXPECT_EQ(snapshot->count, KEYS + 1);
    EXPECT_EQ(snapshot->keys[KEYS].metadata_count, 1);
    EXPECT_EQ(strcmp(snapshot->keys[KEYS].metadata[0].value, "new"), 0);
    keyshm_snapshot_free(snapshot);
    EXPECT_EQ(keyshm_remove(side->pool, id), 0);
    hand_over(side);
    wait_for_turn(side);
}

static void converse(struct side *side, bool begins)
{
    char key[64];
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        EXPECT_EQ(keyshm_find(side->pool, key, &side->ids[i]), 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        snprintf(key, sizeof(key), "key-of-round-%u", round);
        if ((round % 2 == 0) == begins) {
            mark_and_see_it_back(side, round);
            add_and_see_it_gone(side, key);
        } else {
            see_mark_and_bring_back(side, round);
            see_key_and_remove_it(side, key);
        }
    }
}

int main(void)
{
    struct side parent, child;
    int to_child[2], to_parent[2];
    expect_pool_name("visibility");
    EXPECT_EQ(keyshm_create(&parent.pool, expect_name, NULL), 0);
    EXPECT_EQ(keyshm_add(parent.pool, "key-0", NULL), 0);
    EXPECT_EQ(keyshm_add(parent.pool, "key-1", NULL), 0);
    EXPECT_EQ(keyshm_add(parent.pool, "key-2", NULL), 0);
    EXPECT_EQ(pipe(to_child), 0);
    EXPECT_EQ(pipe(to_parent), 0);
    pid_t pid = expect_fork();
    if (pid == 0) {
        /* An attachment of its own: another mapping, at another address. */
        EXPECT_EQ(keyshm_attach(&child.pool, expect_name), 0);
        close(to_parent[0]);
        close(to_child[1]);
        child.from_other = to_child[0];
        child.to_other = to_parent[1];
        converse(&child, false);
        _exit(0);
    }
    close(to_parent[1]);
    close(to_child[0]);
    parent.from_other = to_parent[0];
    parent.to_other = to_child[1];
    converse(&parent, true);
    expect_success_of(pid);
    keyshm_close(parent.pool);
    printf("%d rounds\n", ROUNDS);
    return 0;
}
