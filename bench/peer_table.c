/* SPDX-License-Identifier: MIT */

/*
 * The hand-written alternative: a table in shared memory, guarded by a robust mutex. The deadlines lie together,
 * so that the scan reads eight of them with a cache line, and the clock is read once a pick.
 */

#include <sys/mman.h>

#include "contender.h"
#include "peer_clock.h"
#include "shared_mutex.h"

struct entry {
    _Alignas(64) int64_t last_used_ms;
    uint64_t picks;
    size_t length;
    char key[512 + 1];
};

struct table {
    pthread_mutex_t mutex;
    unsigned keys;
    unsigned cursor;
    size_t bytes; /* of all of this */
    struct entry *entries;
    int64_t deadlines_ms[];
};

static void *open_table(const struct load *load)
{
    size_t deadlines_bytes = (sizeof(struct table) + load->keys * sizeof(int64_t) + 63) / 64 * 64;
    size_t bytes = deadlines_bytes + load->keys * sizeof(struct entry);
    struct table *table = expect_shared_memory(bytes);
    shared_mutex_make(&table->mutex);
    table->keys = load->keys;
    table->bytes = bytes;
    table->entries = (struct entry *)(void *)((char *)table + deadlines_bytes);
    for (unsigned i = 0; i < load->keys; i++) {
        table->deadlines_ms[i] = load_is_cooling(load, i) ? peer_now_ms() + LOAD_COOLDOWN_MS : 0;
        table->entries[i].length = LOAD_KEY_LENGTH;
        load_key(i, table->entries[i].key);
    }
    return table;
}

static int find_available(const struct table *table, int64_t at_ms, unsigned *ret_key)
{
    for (unsigned i = table->cursor; i < table->keys; i++)
        if (table->deadlines_ms[i] <= at_ms)
            return *ret_key = i, 0;
    for (unsigned i = 0; i < table->cursor; i++)
        if (table->deadlines_ms[i] <= at_ms)
            return *ret_key = i, 0;
    return -EAGAIN;
}

static int pick(struct table *table, struct keyshm_pick *ret_pick)
{
    unsigned key;
    EXPECT(pthread_mutex_lock(&table->mutex) == 0);
    int64_t at_ms = peer_now_ms();
    int r = find_available(table, at_ms, &key);
    if (r == 0) {
        struct entry *entry = &table->entries[key];
        memcpy(ret_pick->key, entry->key, entry->length + 1);
        ret_pick->key_length = entry->length;
        ret_pick->id = key;
        entry->last_used_ms = at_ms;
        entry->picks++;
        table->cursor = key + 1;
    }
    EXPECT(pthread_mutex_unlock(&table->mutex) == 0);
    return r;
}

static void run_picks(void *state, unsigned operations)
{
    struct keyshm_pick picked;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(pick(state, &picked) == 0);
}

static void close_table(void *state)
{
    struct table *table = state;
    munmap(table, table->bytes);
}

const struct contender peer_table = {
    .name = "table under a mutex",
    .batch = 200,
    .open = open_table,
    .run = run_picks,
    .close = close_table,
};
