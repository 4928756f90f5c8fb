/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_H
#define CLIENT_H

/* A worker's connection to the server of server.h. */

#include <stdbool.h>
#include <stdint.h>

struct client_answer {
    int status;
    int64_t left, reset_ms, retry_ms; /* -1: not said */
};

int client_connect(uint16_t port);
struct client_answer client_ask(int fd, const char *key);

#endif
