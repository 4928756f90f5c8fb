/* SPDX-License-Identifier: MIT */

/*
 * A caller can wipe the key that it was given, but not what a call has left of it on the stack, or in a register, which
 * the next signal or the next function that is bound at its first use copies there. So nothing may be left: the stack
 * below the caller is searched for the key after each call that handles one, and again after a signal.
 */

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"

enum { SEARCHED_BYTES = 128 * 1024, NEEDLE_BYTES = 16, WORD_BYTES = 8, LENGTH_MAX = 400 };

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

/* These bytes, anywhere below the frame of the caller. */
static bool is_below(const volatile char *top, const char *needle, size_t count)
{
    for (const volatile char *at = top - SEARCHED_BYTES + 4096; at + count < top; at++) {
        size_t same = 0;
        while (same < count && at[same] == needle[same])
            same++;
        if (same == count)
            return true;
    }
    return false;
}

/* A piece from the middle of the key. */
__attribute__((noinline)) static bool is_on_stack(size_t length)
{
    return is_below(__builtin_frame_address(0), key + (length - NEEDLE_BYTES) / 2, NEEDLE_BYTES);
}

/* Any word of the key, as it would lie in a register: of its beginning, which every call handles, and of its end. */
__attribute__((noinline)) static bool is_word_on_stack(size_t length)
{
    for (size_t word = 0; word < 8 && (word + 1) * WORD_BYTES <= length; word++)
        if (is_below(__builtin_frame_address(0), key + word * WORD_BYTES, WORD_BYTES) ||
            is_below(__builtin_frame_address(0), key + length - (word + 1) * WORD_BYTES, WORD_BYTES))
            return true;
    return false;
}

static void do_nothing(int number)
{
    (void)number;
}

/* By a bare system call, which changes few registers: the kernel puts them all into the frame of the handler. */
static void signal_oneself(void)
{
    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
}

static void call_next(void)
{
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
}

static void call_get(void)
{
    EXPECT_EQ(keyshm_get(pool, id, &picked), 0);
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

static void call_next_key(void)
{
    static char buffer[LENGTH_MAX + 1];
    EXPECT(keyshm_next_key(pool, buffer, sizeof(buffer), NULL) > 0);
}

/* It keeps the key; and with another beside it, adds that. */
static void call_replace(void)
{
    const char *keys[] = {key, "another"};
    EXPECT_EQ(keyshm_replace_keys(pool, keys, 2, NULL), 0);
    EXPECT_EQ(keyshm_replace_keys(pool, keys, 1, NULL), 0);
}

/* It adds the key, in an empty pool. */
static void call_replace_all(void)
{
    const char *keys[] = {key};
    EXPECT_EQ(keyshm_replace_keys(pool, keys, 1, NULL), 0);
    EXPECT_EQ(keyshm_find(pool, key, &id), 0);
}

static void call_inspect(void)
{
    struct keyshm_key_snapshot inspected;
    EXPECT_EQ(keyshm_inspect(pool, id, 0, sizeof(inspected), &inspected), 0);
}

static void call_remove(void)
{
    EXPECT_EQ(keyshm_remove(pool, id), 0);
}

static const struct {
    const char *name;
    void (*make)(void);
} calls[] = {
    {"add", call_add},           {"next", call_next},
    {"find", call_find},         {"get", call_get},
    {"snapshot", call_snapshot}, {"verify", call_verify},
    {"remove", call_remove},     {"replace all", call_replace_all},
    {"replace", call_replace},   {"next_key", call_next_key},
    {"inspect", call_inspect},   {"remove", call_remove},
};

static void look_after(size_t call, size_t length)
{
    calls[call].make();
    signal_oneself();
    if (is_word_on_stack(length) || is_on_stack(length)) {
        printf("%s leaves a key of %zu bytes on the stack\n", calls[call].name, length);
        exit(1);
    }
}

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
    EXPECT(signal(SIGUSR1, do_nothing) != SIG_ERR);
    EXPECT_EQ(keyshm_create_anonymous(&pool, "stack", NULL), 0);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t at = 0; at < lengths[i]; at++)
            key[at] = (char)('!' + (at * 31 + i * 7) % 90);
        key[lengths[i]] = '\0';
        clear_stack();
        for (size_t call = 0; call < sizeof(calls) / sizeof(calls[0]); call++)
            look_after(call, lengths[i]);
        leave_it(lengths[i]);
        EXPECT(is_on_stack(lengths[i]));
    }
    keyshm_close(pool);
    return 0;
}
