/* SPDX-License-Identifier: MIT */

/*
 * A caller can wipe the key that it was given, but not what a call has left of it on the stack. So nothing may be left:
 * the stack below the caller is searched for the key after each call that handles one.
 */

#include "expect.h"

enum { SEARCHED_BYTES = 128 * 1024, NEEDLE_BYTES = 16, LENGTH_MAX = 400 };

static keyshm_pool *pool;
static struct keyshm_pick picked; /* not on the stack */
static char key[LENGTH_MAX + 1];
static keyshm_id id;

/* Nothing is on it now, and there is a page under all of it. */
__attribute__((noinline)) static void clear_stack(void)
{
    volatile char bytes[SEARCHED_BYTES];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = 0;
}

/* A piece from the middle of the key, anywhere below the frame of the caller. */
__attribute__((noinline)) static bool is_on_stack(size_t length)
{
    const volatile char *top = __builtin_frame_address(0);
    const char *needle = key + (length - NEEDLE_BYTES) / 2;
    for (const volatile char *at = top - SEARCHED_BYTES + 4096; at + NEEDLE_BYTES < top; at++) {
        size_t same = 0;
        while (same < NEEDLE_BYTES && at[same] == needle[same])
            same++;
        if (same == NEEDLE_BYTES)
            return true;
    }
    return false;
}

static void call_next(void)
{
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
    EXPECT_EQ(strcmp(picked.key, key), 0);
}

static void call_add(void)
{
    EXPECT_EQ(keyshm_add(pool, key, &id), 0);
}

static void call_find(void)
{
    EXPECT_EQ(keyshm_find(pool, key, &id), 0);
}

static void call_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    keyshm_snapshot_free(snapshot);
}

static void call_verify(void)
{
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
}

static void call_remove(void)
{
    EXPECT_EQ(keyshm_remove(pool, id), 0);
}

static const struct {
    const char *name;
    void (*make)(void);
} calls[] = {
    {"add", call_add},           {"next", call_next},     {"find", call_find},
    {"snapshot", call_snapshot}, {"verify", call_verify}, {"remove", call_remove},
};

/* So that the search is seen to find it. */
__attribute__((noinline)) static void leave_it(size_t length)
{
    volatile char copy[LENGTH_MAX] = "";
    for (size_t i = 0; i < length; i++)
        copy[i] = key[i];
    EXPECT_EQ(copy[0], key[0]);
}

int main(void)
{
    static const size_t lengths[] = {NEEDLE_BYTES, 51, 64, 65, LENGTH_MAX};
    EXPECT_EQ(keyshm_create_anonymous(&pool, "stack", NULL), 0);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t at = 0; at < lengths[i]; at++)
            key[at] = (char)('!' + (at * 31 + i * 7) % 90);
        key[lengths[i]] = '\0';
        clear_stack();
        for (size_t call = 0; call < sizeof(calls) / sizeof(calls[0]); call++) {
            calls[call].make();
            if (is_on_stack(lengths[i])) {
                printf("%s leaves a key of %zu bytes on the stack\n", calls[call].name, lengths[i]);
                return 1;
            }
        }
        leave_it(lengths[i]);
        EXPECT(is_on_stack(lengths[i]));
    }
    keyshm_close(pool);
    return 0;
}
