/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REDIS_SERVER_H
#define BENCH_REDIS_SERVER_H

/* A Redis server of its own, on a unix socket, with nothing written to disk. Only where hiredis is there. */

#include <hiredis/hiredis.h>

#include "contender.h"

struct redis_server {
    pid_t pid;
    const char *name;         /* of its socket */
    redisContext *connection; /* of this process */
};

/* False: none can be started. */
bool redis_server_start(struct redis_server *server, const char *name);

/* A connection of this process's own. */
void redis_server_enter(struct redis_server *server);

void redis_server_stop(struct redis_server *server);

/* That is no error. */
redisReply *redis_checked(void *reply);

/* A command that was formatted before. The reply is freed by the caller. */
redisReply *redis_send(const struct redis_server *server, const char *command, size_t command_bytes);

#endif
