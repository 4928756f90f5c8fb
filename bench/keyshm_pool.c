/* SPDX-License-Identifier: MIT */
#include "keyshm_pool.h"

#include <sys/stat.h>

/* Room for the load, and as much as by default at least. */
static unsigned capacity_for(unsigned keys)
{
    const struct keyshm_options defaults = KEYSHM_OPTIONS_INIT;
    return keys > defaults.capacity ? keys : defaults.capacity;
}

void *pool_open(const struct load *load)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char key[LOAD_KEY_LENGTH + 1];
    struct pool *pool = calloc(1, sizeof(*pool) + load->keys * sizeof(pool->ids[0]));
    EXPECT(pool != NULL);
    pool->load = *load;
    options.capacity = capacity_for(load->keys);
    EXPECT_EQ(keyshm_create_anonymous(&pool->shared, "bench", &options), 0);
    for (unsigned i = 0; i < load->keys; i++) {
        load_key(i, key);
        EXPECT_EQ(keyshm_add(pool->shared, key, &pool->ids[i]), 0);
        if (load_is_cooling(load, i))
            EXPECT_EQ(keyshm_mark_rate_limited(pool->shared, pool->ids[i], LOAD_COOLDOWN_MS), 0);
    }
    return pool;
}

void pool_close(void *state)
{
    struct pool *pool = state;
    keyshm_close(pool->shared);
    free(pool);
}

static double bytes_per_key(const struct keyshm_options *options)
{
    char path[256];
    keyshm_pool *pool;
    struct stat file;
    expect_pool_name("bench");
    EXPECT_EQ(keyshm_create(&pool, expect_name, options), 0);
    snprintf(path, sizeof(path), "/dev/shm/keyshm.%u.%s.%s", geteuid(), keyshm_layout_name(), expect_name);
    EXPECT_EQ(stat(path, &file), 0);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
    keyshm_close(pool);
    return (double)file.st_size / options->capacity;
}

double keyshm_bytes_per_key(void)
{
    const struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    return bytes_per_key(&options);
}

double keyshm_bytes_per_key_alone(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.groups_max = options.models_max = 0;
    return bytes_per_key(&options);
}
