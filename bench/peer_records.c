/* SPDX-License-Identifier: MIT */
#include "peer_records.h"

#include "peer_clock.h"

struct record {
    int64_t deadline_ms;
    int64_t last_used_ms;
    uint64_t picks;
    uint64_t length;
    char key[LOAD_KEY_LENGTH + 1];
};

void peer_records_fill(const struct peer_records *records, const struct load *load)
{
    uint32_t cursor = 0;
    for (uint32_t i = 0; i < load->keys; i++) {
        struct record record = {.length = LOAD_KEY_LENGTH};
        record.deadline_ms = load_is_cooling(load, i) ? peer_now_ms() + LOAD_COOLDOWN_MS : 0;
        load_key(i, record.key);
        records->store(records->database, i, &record, sizeof(record));
    }
    records->store(records->database, PEER_CURSOR, &cursor, sizeof(cursor));
}

int peer_records_pick(const struct peer_records *records, struct keyshm_pick *ret_pick)
{
    struct record record;
    uint32_t cursor;
    int64_t at_ms = peer_now_ms();
    int r = -EAGAIN;
    records->fetch(records->database, PEER_CURSOR, &cursor, sizeof(cursor));
    for (unsigned tries = 0; tries < records->keys && r != 0; tries++) {
        uint32_t key = cursor;
        cursor = (cursor + 1) % records->keys;
        records->fetch(records->database, key, &record, sizeof(record));
        if (record.deadline_ms > at_ms)
            continue;
        memcpy(ret_pick->key, record.key, record.length + 1);
        ret_pick->key_length = record.length;
        ret_pick->id = key;
        record.last_used_ms = at_ms;
        record.picks++;
        records->store(records->database, key, &record, sizeof(record));
        r = 0;
    }
    records->store(records->database, PEER_CURSOR, &cursor, sizeof(cursor));
    return r;
}
