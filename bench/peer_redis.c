/* SPDX-License-Identifier: MIT */

/*
 * Redis: a pick is one call of a script that the server already has (EVALSHA), over a unix socket and a connection that
 * stays open. The server is this program's own, with its socket on tmpfs, no TCP port, and nothing written to disk.
 */

#include "contender.h"

#ifdef HAVE_HIREDIS

#include <limits.h>

#include "redis_server.h"

/* KEYS[1] is the cursor; the keys are hashes of their number. One HMGET reads a key, one HMSET stamps and counts it. */
static const char script[] = "local time = redis.call('TIME')\n"
                             "local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)\n"
                             "local keys = tonumber(ARGV[1])\n"
                             "local cursor = tonumber(redis.call('GET', KEYS[1]))\n"
                             "for tries = 1, keys do\n"
                             "  local key = cursor\n"
                             "  cursor = (cursor + 1) % keys\n"
                             "  local found = redis.call('HMGET', key, 'deadline_ms', 'key', 'picks')\n"
                             "  if tonumber(found[1]) <= now_ms then\n"
                             "    redis.call('HMSET', key, 'last_used_ms', now_ms, 'picks', found[3] + 1)\n"
                             "    redis.call('SET', KEYS[1], cursor)\n"
                             "    return found[2]\n"
                             "  end\n"
                             "end\n"
                             "return false\n";

struct server {
    struct redis_server redis;
    char *command; /* a pick, ready to be sent */
    size_t command_bytes;
};

static void load_script(struct server *server, const struct load *load)
{
    redisReply *reply = redis_checked(redisCommand(server->redis.connection, "SCRIPT LOAD %s", script));
    int bytes = redisFormatCommand(&server->command, "EVALSHA %s 1 cursor %u", reply->str, load->keys);
    EXPECT(bytes > 0);
    server->command_bytes = (size_t)bytes;
    freeReplyObject(reply);
}

static void fill(redisContext *connection, const struct load *load)
{
    char key[LOAD_KEY_LENGTH + 1];
    freeReplyObject(redis_checked(redisCommand(connection, "SET cursor 0")));
    for (unsigned i = 0; i < load->keys; i++) {
        long long deadline_ms = load_is_cooling(load, i) ? LLONG_MAX / 2 : 0;
        load_key(i, key);
        freeReplyObject(redis_checked(
            redisCommand(connection, "HMSET %u deadline_ms %lld picks 0 last_used_ms 0 key %s", i, deadline_ms, key)));
    }
}

static void *open_server(const struct load *load)
{
    struct server *server = calloc(1, sizeof(*server));
    EXPECT(server != NULL);
    if (!redis_server_start(&server->redis, "redis")) {
        free(server);
        return NULL;
    }
    fill(server->redis.connection, load);
    load_script(server, load);
    return server;
}

static void enter(void *state, int worker)
{
    struct server *server = state;
    (void)worker;
    redis_server_enter(&server->redis);
}

static void pick(const struct server *server, struct keyshm_pick *ret_pick)
{
    redisReply *reply = redis_send(&server->redis, server->command, server->command_bytes);
    EXPECT(reply->type == REDIS_REPLY_STRING && (size_t)reply->len < sizeof(ret_pick->key));
    memcpy(ret_pick->key, reply->str, (size_t)reply->len + 1);
    ret_pick->key_length = (size_t)reply->len;
    freeReplyObject(reply);
}

static void run_picks(void *state, unsigned operations)
{
    struct keyshm_pick picked;
    for (unsigned i = 0; i < operations; i++)
        pick(state, &picked);
}

static void close_server(void *state)
{
    struct server *server = state;
    redisFreeCommand(server->command);
    redis_server_stop(&server->redis);
    free(server);
}

const struct contender peer_redis = {
    .name = "Redis",
    .batch = 1,
    .open = open_server,
    .enter = enter,
    .run = run_picks,
    .close = close_server,
};

#else

const struct contender peer_redis = {.name = "Redis"};

#endif
