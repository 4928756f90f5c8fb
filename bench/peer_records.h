/* SPDX-License-Identifier: MIT */
#ifndef PEER_RECORDS_H
#define PEER_RECORDS_H

/* Picks from a database that keeps a record for each key and one for the cursor; how it keeps them is up to the peer. */

#include "contender.h"

/* How a record is read and written, by its number. Its size is always the same. */
struct peer_records {
    void *database;
    unsigned keys;
    void (*fetch)(void *database, uint32_t number, void *ret_bytes, size_t size);
    void (*store)(void *database, uint32_t number, void *bytes, size_t size);
};

/* The number of the cursor. */
#define PEER_CURSOR UINT32_MAX

void peer_records_fill(const struct peer_records *records, const struct load *load);

/* In a transaction of the peer's. -EAGAIN when no key is available. */
int peer_records_pick(const struct peer_records *records, struct keyshm_pick *ret_pick);

#endif
