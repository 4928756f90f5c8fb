/* SPDX-License-Identifier: MIT */

/*
 * Limits in Redis, in two ways. Scripts: a pick looks at the keys in turn, charges two rates by a generic cell rate algorithm,
 * and enters the request in a sorted set of those in flight, of which those of ten minutes ago are removed; a release takes
 * it out, and corrects what was charged. It is the same that keyshm does, but a dead worker's place is taken until then.
 * Counters: as LiteLLM counts, each key has one of the requests of this minute and one of the tokens, which is looked at
 * after it was raised; there is nothing in flight, and twice as much is let through at the end of a minute.
 */

#include "contender.h"

#ifdef HAVE_HIREDIS

#include <time.h>

#include "redis_server.h"

enum { ESTIMATE = 1000, USED = 800 };

/* KEYS[1] is the cursor; ARGV: how many keys, the estimate, the name of the lease. 6,000 requests and a million tokens a
 * minute, with bursts that are never used up. */
static const char acquire_script[] =
    "local time = redis.call('TIME')\n"
    "local now_us = time[1] * 1000000 + time[2]\n"
    "local keys, tokens = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
    "local cursor = tonumber(redis.call('GET', KEYS[1]))\n"
    "for tries = 1, keys do\n"
    "  local key = cursor\n"
    "  local leases = 'leases:' .. key\n"
    "  cursor = (cursor + 1) % keys\n"
    "  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now_us - 600000000)\n"
    "  if redis.call('ZCARD', leases) < 8 then\n"
    "    local found = redis.call('HMGET', key, 'requests_us', 'tokens_us', 'key')\n"
    "    local requests_us = math.max(tonumber(found[1]), now_us) + 10000\n"
    "    local tokens_us = math.max(tonumber(found[2]), now_us) + tokens * 60\n"
    "    if requests_us < now_us + 2e13 and tokens_us < now_us + 2e13 then\n"
    "      redis.call('HMSET', key, 'requests_us', requests_us, 'tokens_us', tokens_us)\n"
    "      redis.call('ZADD', leases, now_us, ARGV[3])\n"
    "      redis.call('SET', KEYS[1], cursor)\n"
    "      return {key, found[3]}\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return false\n";

/* KEYS[1] is the key; ARGV: the name of the lease, and by how many tokens the estimate was wrong. */
static const char release_script[] = "redis.call('HINCRBYFLOAT', KEYS[1], 'tokens_us', ARGV[2] * 60)\n"
                                     "return redis.call('ZREM', 'leases:' .. KEYS[1], ARGV[1])\n";

struct server {
    struct redis_server redis;
    unsigned keys, next_key;
    char acquire_sha[64], release_sha[64];
    unsigned worker;
    uint64_t leases; /* of this worker */
};

static void load_script(const struct server *server, const char *script, char ret_sha[64])
{
    redisReply *reply = redis_checked(redisCommand(server->redis.connection, "SCRIPT LOAD %s", script));
    snprintf(ret_sha, 64, "%s", reply->str);
    freeReplyObject(reply);
}

static void fill(redisContext *connection, const struct load *load)
{
    char key[LOAD_KEY_LENGTH + 1];
    freeReplyObject(redis_checked(redisCommand(connection, "SET cursor 0")));
    for (unsigned i = 0; i < load->keys; i++) {
        load_key(i, key);
        freeReplyObject(redis_checked(redisCommand(connection, "HMSET %u requests_us 0 tokens_us 0 key %s", i, key)));
    }
}

static struct server *open_server(const struct load *load, const char *name)
{
    struct server *server = calloc(1, sizeof(*server));
    EXPECT(server != NULL && load->available == load->keys);
    server->keys = load->keys;
    if (!redis_server_start(&server->redis, name)) {
        free(server);
        return NULL;
    }
    return server;
}

static void enter(void *state, int worker)
{
    struct server *server = state;
    server->worker = (unsigned)worker;
    server->next_key = server->worker * server->keys / WORKERS_MAX;
    redis_server_enter(&server->redis);
}

static void close_server(void *state)
{
    struct server *server = state;
    redis_server_stop(&server->redis);
    free(server);
}

/* ---- scripts ---- */

static void *open_scripts(const struct load *load)
{
    struct server *server = open_server(load, "redis-limits");
    if (server == NULL)
        return NULL;
    fill(server->redis.connection, load);
    load_script(server, acquire_script, server->acquire_sha);
    load_script(server, release_script, server->release_sha);
    return server;
}

static long long acquire(struct server *server, const char *lease, struct keyshm_pick *ret_pick)
{
    redisReply *reply = redis_checked(redisCommand(server->redis.connection, "EVALSHA %s 1 cursor %u %d %s",
                                                   server->acquire_sha, server->keys, ESTIMATE, lease));
    EXPECT(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    long long key = reply->element[0]->integer;
    ret_pick->key_length = (size_t)reply->element[1]->len;
    EXPECT(ret_pick->key_length < sizeof(ret_pick->key));
    memcpy(ret_pick->key, reply->element[1]->str, ret_pick->key_length + 1);
    freeReplyObject(reply);
    return key;
}

static void release(const struct server *server, const char *lease, long long key)
{
    redisReply *reply = redis_checked(redisCommand(server->redis.connection, "EVALSHA %s 1 %lld %s %d",
                                                   server->release_sha, key, lease, USED - ESTIMATE));
    EXPECT(reply->type == REDIS_REPLY_INTEGER && reply->integer == 1);
    freeReplyObject(reply);
}

static void run_scripts(void *state, unsigned operations)
{
    struct server *server = state;
    struct keyshm_pick picked;
    for (unsigned i = 0; i < operations; i++) {
        char lease[40];
        snprintf(lease, sizeof(lease), "%d:%llu", (int)getpid(), (unsigned long long)server->leases++);
        release(server, lease, acquire(server, lease, &picked));
    }
}

/* ---- counters ---- */

static void *open_counters(const struct load *load)
{
    return open_server(load, "redis-counters");
}

/* One round trip. */
static void count(const struct server *server, const char *what, unsigned key, int by)
{
    long long minute = (long long)time(NULL) / 60;
    void *reply;
    EXPECT(redisAppendCommand(server->redis.connection, "INCRBY %u:%s:%lld %d", key, what, minute, by) == REDIS_OK);
    EXPECT(redisAppendCommand(server->redis.connection, "EXPIRE %u:%s:%lld 60", key, what, minute) == REDIS_OK);
    for (int i = 0; i < 2; i++) {
        EXPECT(redisGetReply(server->redis.connection, &reply) == REDIS_OK);
        freeReplyObject(redis_checked(reply));
    }
}

static void run_counters(void *state, unsigned operations)
{
    struct server *server = state;
    for (unsigned i = 0; i < operations; i++) {
        unsigned key = server->next_key++ % server->keys;
        count(server, "requests", key, 1);
        count(server, "tokens", key, USED);
    }
}

const struct contender peer_redis_limits = {
    .name = "Redis",
    .batch = 1,
    .is_lease = true,
    .open = open_scripts,
    .enter = enter,
    .run = run_scripts,
    .close = close_server,
};

const struct contender peer_redis_counter = {
    .name = "Redis",
    .batch = 1,
    .is_lease = true,
    .open = open_counters,
    .enter = enter,
    .run = run_counters,
    .close = close_server,
};

#else

const struct contender peer_redis_limits = {.name = "Redis", .is_lease = true};
const struct contender peer_redis_counter = {.name = "Redis", .is_lease = true};

#endif
