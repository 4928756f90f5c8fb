/* SPDX-License-Identifier: MIT */

/* LMDB: a record for each key and one for the cursor; a pick is one write transaction. On tmpfs, written in the mapping
 * itself, and never synced. */

#include "contender.h"

#ifdef HAVE_LMDB

#include <lmdb.h>

#include "peer_records.h"
#include "scratch.h"

enum { MAP_BYTES = 64 << 20, FLAGS = MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_MAPASYNC };

/* An environment must not be used across fork(2): every worker opens its own. */
struct database {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn; /* the current one */
    struct peer_records records;
};

static MDB_val value_of(void *bytes, size_t size)
{
    return (MDB_val){.mv_data = bytes, .mv_size = size};
}

static void store(void *user, uint32_t number, void *bytes, size_t size)
{
    const struct database *database = user;
    MDB_val key = value_of(&number, sizeof(number)), value = value_of(bytes, size);
    EXPECT(mdb_put(database->txn, database->dbi, &key, &value, 0) == 0);
}

static void fetch(void *user, uint32_t number, void *ret_bytes, size_t size)
{
    const struct database *database = user;
    MDB_val key = value_of(&number, sizeof(number)), value;
    EXPECT(mdb_get(database->txn, database->dbi, &key, &value) == 0);
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

static void *open_database(const struct load *load)
{
    struct database *database = calloc(1, sizeof(*database));
    EXPECT(database != NULL);
    database->records = (struct peer_records){.database = database, .keys = load->keys, .fetch = fetch, .store = store};
    open_environment(database);
    EXPECT_EQ(mdb_txn_begin(database->env, NULL, 0, &database->txn), 0);
    peer_records_fill(&database->records, load);
    EXPECT_EQ(mdb_txn_commit(database->txn), 0);
    mdb_env_close(database->env);
    return database;
}

static void enter(void *state, int worker)
{
    (void)worker;
    open_environment(state);
}

static void run_picks(void *state, unsigned operations)
{
    struct database *database = state;
    struct keyshm_pick picked;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT(mdb_txn_begin(database->env, NULL, 0, &database->txn) == 0);
        EXPECT(peer_records_pick(&database->records, &picked) == 0);
        EXPECT(mdb_txn_commit(database->txn) == 0);
    }
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
