/* SPDX-License-Identifier: MIT */
#include "redis_server.h"

#include <time.h>

#include "scratch.h"

static pid_t start_process(const char *socket_path)
{
    pid_t pid = expect_fork();
    if (pid != 0)
        return pid;
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--save", "", "--appendonly", "no",
           "--daemonize", "no", "--logfile", "/dev/null", "--dir", scratch_directory, (char *)NULL);
    _exit(127);
}

/* NULL when the server has ended, or none can be started. */
static redisContext *connect_to(const struct redis_server *server)
{
    char path[SCRATCH_PATH_SIZE];
    struct timespec pause = {.tv_nsec = 10000000};
    scratch_path(path, server->name);
    for (;;) {
        redisContext *connection = redisConnectUnix(path);
        EXPECT(connection != NULL);
        if (connection->err == 0)
            return connection;
        redisFree(connection);
        if (waitpid(server->pid, NULL, WNOHANG) != 0)
            return NULL;
        nanosleep(&pause, NULL);
    }
}

bool redis_server_start(struct redis_server *server, const char *name)
{
    char path[SCRATCH_PATH_SIZE];
    server->name = name;
    scratch_path(path, name);
    server->pid = start_process(path);
    server->connection = connect_to(server);
    return server->connection != NULL;
}

void redis_server_enter(struct redis_server *server)
{
    server->connection = connect_to(server);
    EXPECT(server->connection != NULL);
}

void redis_server_stop(struct redis_server *server)
{
    redisFree(server->connection);
    expect_kill(server->pid);
}

redisReply *redis_checked(void *reply)
{
    EXPECT(reply != NULL && ((redisReply *)reply)->type != REDIS_REPLY_ERROR);
    return reply;
}

redisReply *redis_send(const struct redis_server *server, const char *command, size_t command_bytes)
{
    void *received;
    EXPECT(redisAppendFormattedCommand(server->connection, command, command_bytes) == REDIS_OK);
    EXPECT(redisGetReply(server->connection, &received) == REDIS_OK);
    return redis_checked(received);
}
