/* SPDX-License-Identifier: MIT */

/* LMDB: a record for each key and one for the cursor; a pick is one write transaction. On tmpfs, written in the mapping
 * itself, and never synced. */

#include "contender.h"

#ifdef HAVE_LMDB

#include <lmdb.h>

#include "peer_clock.h"
#include "scratch.h"

enum { MAP_BYTES = 64 << 20, FLAGS = MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_MAPASYNC };

struct record {
    int64_t deadline_ms;
    int64_t last_used_ms;
    uint64_t picks;
    uint64_t length;
    char key[LOAD_KEY_LENGTH + 1];
};

/* An environment must not be used across fork(2): every worker opens its own. */
struct database {
    MDB_env *env;
    MDB_dbi dbi;
    unsigned keys;
};

static const unsigned cursor_name = UINT32_MAX;

static MDB_val value_of(void *bytes, size_t size)
{
    return (MDB_val){.mv_data = bytes, .mv_size = size};
}

static void store(MDB_txn *txn, MDB_dbi dbi, unsigned name, void *bytes, size_t size)
{
    MDB_val key = value_of(&name, sizeof(name)), value = value_of(bytes, size);
    EXPECT(mdb_put(txn, dbi, &key, &value, 0) == 0);
}

static void fetch(MDB_txn *txn, MDB_dbi dbi, unsigned name, void *ret_bytes, size_t size)
{
    MDB_val key = value_of(&name, sizeof(name)), value;
    EXPECT(mdb_get(txn, dbi, &key, &value) == 0);
    EXPECT(value.mv_size == size);
    memcpy(ret_bytes, value.mv_data, size);
}

static void open_environment(struct database *database)
{
    char path[SCRATCH_PATH_SIZE];
    MDB_txn *txn;
    scratch_path(path, "lmdb");
    EXPECT_EQ(mdb_env_create(&database->env), 0);
    EXPECT_EQ(mdb_env_set_mapsize(database->env, MAP_BYTES), 0);
    EXPECT_EQ(mdb_env_open(database->env, path, FLAGS, 0600), 0);
    EXPECT_EQ(mdb_txn_begin(database->env, NULL, 0, &txn), 0);
    EXPECT_EQ(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY | MDB_CREATE, &database->dbi), 0);
    EXPECT_EQ(mdb_txn_commit(txn), 0);
}

static void fill(const struct database *database, const struct load *load)
{
    MDB_txn *txn;
    unsigned cursor = 0;
    EXPECT_EQ(mdb_txn_begin(database->env, NULL, 0, &txn), 0);
    for (unsigned i = 0; i < load->keys; i++) {
        struct record record = {.length = LOAD_KEY_LENGTH};
        record.deadline_ms = load_is_cooling(load, i) ? peer_now_ms() + LOAD_COOLDOWN_MS : 0;
        load_key(i, record.key);
        store(txn, database->dbi, i, &record, sizeof(record));
    }
    store(txn, database->dbi, cursor_name, &cursor, sizeof(cursor));
    EXPECT_EQ(mdb_txn_commit(txn), 0);
}

static void *open_database(const struct load *load)
{
    struct database *database = calloc(1, sizeof(*database));
    EXPECT(database != NULL);
    database->keys = load->keys;
    open_environment(database);
    fill(database, load);
    mdb_env_close(database->env);
    return database;
}

static void enter(void *state, int worker)
{
    (void)worker;
    open_environment(state);
}

static int pick(const struct database *database, struct keyshm_pick *ret_pick)
{
    struct record record;
    MDB_txn *txn;
    unsigned cursor;
    int64_t at_ms = peer_now_ms();
    int r = -EAGAIN;
    EXPECT(mdb_txn_begin(database->env, NULL, 0, &txn) == 0);
    fetch(txn, database->dbi, cursor_name, &cursor, sizeof(cursor));
    for (unsigned tries = 0; tries < database->keys && r != 0; tries++) {
        unsigned key = cursor;
        cursor = (cursor + 1) % database->keys;
        fetch(txn, database->dbi, key, &record, sizeof(record));
        if (record.deadline_ms > at_ms)
            continue;
        memcpy(ret_pick->key, record.key, record.length + 1);
        ret_pick->key_length = record.length;
        ret_pick->id = key;
        record.last_used_ms = at_ms;
        record.picks++;
        store(txn, database->dbi, key, &record, sizeof(record));
        r = 0;
    }
    store(txn, database->dbi, cursor_name, &cursor, sizeof(cursor));
    EXPECT(mdb_txn_commit(txn) == 0);
    return r;
}

static void run_picks(void *state, unsigned operations)
{
    struct keyshm_pick picked;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(pick(state, &picked) == 0);
}

const struct contender peer_lmdb = {
    .name = "LMDB",
    .batch = 50,
    .open = open_database,
    .enter = enter,
    .run = run_picks,
    .close = free,
};

#else

const struct contender peer_lmdb = {.name = "LMDB"};

#endif
