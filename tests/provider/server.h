/* SPDX-License-Identifier: MIT */
#ifndef SERVER_H
#define SERVER_H

/*
 * A provider on a loopback port: an HTTP server, in a process of its own, that counts the requests of each key by a rule. It
 * answers 200 or 429, and says with `x-ratelimit-remaining-requests` and `x-ratelimit-reset-requests` what is left and until
 * when, and with `retry-after-ms` when to come back, unless the rule is silent.
 */

#include <stdatomic.h>
#include <sys/types.h>

#include "rule.h"

enum { SERVER_KEYS_MAX = 16, SERVER_CONNECTIONS_MAX = 256 };

/* What it has done, in memory that it shares with whoever has started it. */
struct server_tally {
    _Atomic unsigned answered, refused;
    _Atomic int64_t first_ns, last_ns; /* when it was asked */
};

struct server {
    pid_t pid;
    uint16_t port;
    struct server_tally *tally;
};

/* The keys are those of server_key(), from 0 on. */
struct server server_start(const struct rule *rule);
void server_stop(struct server *server);

#define SERVER_KEY_SIZE 40
void server_key(unsigned number, char ret_key[SERVER_KEY_SIZE]);

int64_t server_now_ns(void);

#endif
