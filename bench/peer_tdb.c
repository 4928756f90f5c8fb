/* SPDX-License-Identifier: MIT */

/*
 * libtdb with robust mutexes, which is how Samba's processes share their state: a record for each key and one for the
 * cursor, whose chain is locked for the whole pick. On tmpfs, never synced, and with enough hash chains.
 */

#include "contender.h"

#ifdef HAVE_TDB

#include <tdb.h>

#include "peer_clock.h"
#include "scratch.h"

enum { HASH_CHAINS = 1009 };

struct record {
    int64_t deadline_ms;
    int64_t last_used_ms;
    uint64_t picks;
    uint32_t length;
    char key[LOAD_KEY_LENGTH + 1];
};

struct database {
    struct tdb_context *tdb;
    unsigned keys;
};

static const uint32_t cursor_name = UINT32_MAX;

static TDB_DATA data_of(void *bytes, size_t size)
{
    return (TDB_DATA){.dptr = bytes, .dsize = size};
}

static void store(struct tdb_context *tdb, uint32_t name, void *bytes, size_t size)
{
    EXPECT(tdb_store(tdb, data_of(&name, sizeof(name)), data_of(bytes, size), TDB_REPLACE) == 0);
}

/* What is to be copied out of a record, in place, without an allocation. */
struct copy {
    void *to;
    size_t size;
};

static int copy_out(TDB_DATA name, TDB_DATA data, void *user)
{
    const struct copy *copy = user;
    (void)name;
    EXPECT(data.dsize == copy->size);
    memcpy(copy->to, data.dptr, copy->size);
    return 0;
}

static void fetch(struct tdb_context *tdb, uint32_t name, void *ret_bytes, size_t size)
{
    struct copy copy = {.to = ret_bytes, .size = size};
    EXPECT(tdb_parse_record(tdb, data_of(&name, sizeof(name)), copy_out, &copy) == 0);
}

static void fill(struct database *database, const struct load *load)
{
    uint32_t cursor = 0;
    database->keys = load->keys;
    for (uint32_t i = 0; i < load->keys; i++) {
        struct record record = {.length = LOAD_KEY_LENGTH};
        record.deadline_ms = load_is_cooling(load, i) ? peer_now_ms() + LOAD_COOLDOWN_MS : 0;
        load_key(i, record.key);
        store(database->tdb, i, &record, sizeof(record));
    }
    store(database->tdb, cursor_name, &cursor, sizeof(cursor));
}

static void *open_database(const struct load *load)
{
    char path[SCRATCH_PATH_SIZE];
    if (!tdb_runtime_check_for_robust_mutexes())
        return NULL;
    scratch_path(path, "tdb");
    struct database *database = calloc(1, sizeof(*database));
    EXPECT(database != NULL);
    database->tdb =
        tdb_open(path, HASH_CHAINS, TDB_MUTEX_LOCKING | TDB_CLEAR_IF_FIRST | TDB_INCOMPATIBLE_HASH | TDB_NOSYNC,
                 O_RDWR | O_CREAT | O_EXCL, 0600);
    EXPECT(database->tdb != NULL);
    fill(database, load);
    return database;
}

static void enter(void *state, int worker)
{
    (void)state;
    (void)worker;
    EXPECT_EQ(tdb_reopen_all(1), 0);
}

static int pick(struct database *database, struct keyshm_pick *ret_pick)
{
    struct record record;
    uint32_t lock_name = cursor_name, cursor;
    int64_t at_ms = peer_now_ms();
    int r = -EAGAIN;
    EXPECT(tdb_chainlock(database->tdb, data_of(&lock_name, sizeof(lock_name))) == 0);
    fetch(database->tdb, cursor_name, &cursor, sizeof(cursor));
    for (unsigned tries = 0; tries < database->keys && r != 0; tries++) {
        uint32_t key = cursor;
        cursor = (cursor + 1) % database->keys;
        fetch(database->tdb, key, &record, sizeof(record));
        if (record.deadline_ms > at_ms)
            continue;
        memcpy(ret_pick->key, record.key, record.length + 1);
        ret_pick->key_length = record.length;
        ret_pick->id = key;
        record.last_used_ms = at_ms;
        record.picks++;
        store(database->tdb, key, &record, sizeof(record));
        r = 0;
    }
    store(database->tdb, cursor_name, &cursor, sizeof(cursor));
    EXPECT(tdb_chainunlock(database->tdb, data_of(&lock_name, sizeof(lock_name))) == 0);
    return r;
}

static void run_picks(void *state, unsigned operations)
{
    struct keyshm_pick picked;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(pick(state, &picked) == 0);
}

static void close_database(void *state)
{
    struct database *database = state;
    tdb_close(database->tdb);
    free(database);
}

const struct contender peer_tdb = {
    .name = "libtdb",
    .batch = 50,
    .open = open_database,
    .enter = enter,
    .run = run_picks,
    .close = close_database,
};

#else

const struct contender peer_tdb = {.name = "libtdb"};

#endif
