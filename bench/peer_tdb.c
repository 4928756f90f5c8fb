/* SPDX-License-Identifier: MIT */

/*
 * libtdb with robust mutexes, which is how Samba's processes share their state: a record for each key and one for the
 * cursor, whose chain is locked for the whole pick. On tmpfs, never synced, and with enough hash chains.
 */

#include "contender.h"

#ifdef HAVE_TDB

#include <tdb.h>

#include "peer_records.h"
#include "scratch.h"

enum { HASH_CHAINS = 1009 };

struct database {
    struct tdb_context *tdb;
    struct peer_records records;
};

static TDB_DATA data_of(void *bytes, size_t size)
{
    return (TDB_DATA){.dptr = bytes, .dsize = size};
}

static void store(void *user, uint32_t number, void *bytes, size_t size)
{
    const struct database *database = user;
    EXPECT(tdb_store(database->tdb, data_of(&number, sizeof(number)), data_of(bytes, size), TDB_REPLACE) == 0);
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

static void fetch(void *user, uint32_t number, void *ret_bytes, size_t size)
{
    const struct database *database = user;
    struct copy copy = {.to = ret_bytes, .size = size};
    EXPECT(tdb_parse_record(database->tdb, data_of(&number, sizeof(number)), copy_out, &copy) == 0);
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
    database->records = (struct peer_records){.database = database, .keys = load->keys, .fetch = fetch, .store = store};
    peer_records_fill(&database->records, load);
    return database;
}

static void enter(void *state, int worker)
{
    (void)state;
    (void)worker;
    EXPECT_EQ(tdb_reopen_all(1), 0);
}

static void run_picks(void *state, unsigned operations)
{
    const struct database *database = state;
    struct keyshm_pick picked;
    uint32_t cursor = PEER_CURSOR;
    TDB_DATA lock = data_of(&cursor, sizeof(cursor));
    for (unsigned i = 0; i < operations; i++) {
        EXPECT(tdb_chainlock(database->tdb, lock) == 0);
        EXPECT(peer_records_pick(&database->records, &picked) == 0);
        EXPECT(tdb_chainunlock(database->tdb, lock) == 0);
    }
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
