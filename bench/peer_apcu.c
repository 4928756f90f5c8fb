/* SPDX-License-Identifier: MIT */

/*
 * APCu: the picks are PHP (apcu.php), by processes that a PHP process has forked, with the compiler on. A worker
 * here sends its PHP worker the number of picks to make, which costs a round trip a batch.
 */

#include <sys/socket.h>

#include "contender.h"

enum { FIRST_FD = 3 };

struct php {
    int sockets[WORKERS_MAX];
    int socket; /* of this worker */
};

/* In the child: the sockets to be where the script expects them. Nothing else is open there that is still needed. */
_Noreturn static void be_php(const int sockets[WORKERS_MAX], const struct load *load)
{
    char workers[16], keys[16];
    snprintf(workers, sizeof(workers), "%d", WORKERS_MAX);
    snprintf(keys, sizeof(keys), "%u", load->keys);
    for (int i = 0; i < WORKERS_MAX; i++)
        if (dup2(sockets[i], FIRST_FD + i) < 0)
            _exit(127);
    /* Without a timeout: a worker's socket is idle while the others are measured. */
    execlp("php", "php", "-d", "apc.enable_cli=1", "-d", "opcache.enable_cli=1", "-d", "opcache.jit_buffer_size=16M",
           "-d", "opcache.jit=tracing", "-d", "default_socket_timeout=-1", APCU_SCRIPT, workers, keys, (char *)NULL);
    _exit(127);
}

/* Have it made by PHP. */
static void run_batch(int socket, unsigned operations)
{
    char line[16], byte;
    size_t length = (size_t)snprintf(line, sizeof(line), "%u\n", operations);
    EXPECT(send(socket, line, length, MSG_NOSIGNAL) == (ssize_t)length);
    EXPECT(read(socket, &byte, 1) == 1);
}

/* Above the places that be_php() puts them to. */
static int moved_up(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + WORKERS_MAX);
    EXPECT(moved >= 0);
    close(fd);
    return moved;
}

static void *open_php(const struct load *load)
{
    int there[WORKERS_MAX], status;
    struct php *php = calloc(1, sizeof(*php));
    EXPECT(php != NULL && load->available == load->keys);
    for (int i = 0; i < WORKERS_MAX; i++) {
        int pair[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        php->sockets[i] = moved_up(pair[0]);
        there[i] = moved_up(pair[1]);
    }
    pid_t pid = expect_fork();
    if (pid == 0)
        be_php(there, load);
    for (int i = 0; i < WORKERS_MAX; i++)
        close(there[i]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid); /* its workers live on, until their sockets close */
    if (status == 0)
        return php;
    /* No PHP, or without APCu. */
    for (int i = 0; i < WORKERS_MAX; i++)
        close(php->sockets[i]);
    free(php);
    return NULL;
}

static void enter(void *state, int worker)
{
    struct php *php = state;
    php->socket = php->sockets[worker];
}

static void run_picks(void *state, unsigned operations)
{
    const struct php *php = state;
    run_batch(php->socket, operations);
}

static void close_php(void *state)
{
    struct php *php = state;
    for (int i = 0; i < WORKERS_MAX; i++)
        close(php->sockets[i]);
    free(php);
}

const struct contender peer_apcu = {
    .name = "APCu",
    .batch = 500,
    .open = open_php,
    .enter = enter,
    .run = run_picks,
    .close = close_php,
};
