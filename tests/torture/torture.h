/* SPDX-License-Identifier: MIT */
#ifndef TORTURE_H
#define TORTURE_H

/*
 * What the processes of the torture test share. Each worker has a seat, and keys and a group of its own that only it
 * adds, removes and marks for long; any worker picks any key, and may mark it for a moment. So a seat's log is the
 * whole truth about what is its own, whatever the others do.
 */

#include <keyshm.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FORKED_SEATS = 4,  /* for workers that the controller forks: worker.c */
    PROGRAM_SEATS = 2, /* for workers that are a program of their own, in another language */
    SEATS = FORKED_SEATS + PROGRAM_SEATS,
    OWN_KEYS = 12,
    LASTING_KEYS = 2,
    CAPACITY = 128,
    LOG_MAX = 1 << 20,
    TEXT_SIZE = 64,
    MODEL = 1
};

/* A moment, and longer than the test runs. */
enum { SHORT_MAX_MS = 20, LONG_MS = 3600000 };

/* What long marks have made of a key, in the order in which they join. */
enum level { LEVEL_NONE, LEVEL_RATE_LIMITED, LEVEL_QUOTA_EXCEEDED, LEVEL_INVALID };

struct own_key {
    keyshm_id id; /* 0: not in the pool */
    enum level level;
    enum level level_for_model; /* for MODEL alone */
    bool is_paused;
    bool is_in_group; /* that of the seat */
};

struct own_group {
    keyshm_id id; /* 0: not in the pool */
    enum level level;
};

struct own {
    struct own_key keys[OWN_KEYS];
    struct own_group group;
};

enum operation {
    OPERATION_PICK,
    OPERATION_MARK_SHORT, /* of anybody's key */
    OPERATION_ADD,        /* and these, of one's own */
    OPERATION_ADD_TO_GROUP,
    OPERATION_REMOVE,
    OPERATION_MARK_LONG,
    OPERATION_MARK_FOR_MODEL,
    OPERATION_MARK_AVAILABLE,
    OPERATION_PAUSE,
    OPERATION_RESUME,
    OPERATION_JOIN,
    OPERATION_LEAVE,
    OPERATION_GROUP, /* of one's own group, from here on */
    OPERATION_REMOVE_GROUP,
    OPERATION_MARK_GROUP,
    OPERATION_MARK_GROUP_AVAILABLE,
    OPERATION_OTHER, /* that changes no membership and no state */
};

struct entry {
    enum operation operation;
    unsigned own;     /* which of one's own keys */
    enum level level; /* of a mark that makes it so */
    keyshm_id id;     /* the key's or group's; of a pick or what makes one, written with the acknowledgement */
};

/* Append-only, in shared memory: what was written before a kill is there after it. */
struct log {
    _Atomic uint32_t begun;        /* entries whose operation was about to be called */
    _Atomic uint32_t acknowledged; /* entries whose operation has returned; begun - 1 when one is in flight */
    struct entry entries[LOG_MAX];
};

struct arena {
    atomic_bool over;
    char texts[SEATS + 1][OWN_KEYS][TEXT_SIZE]; /* of the keys that each seat may have; the last: of the lasting ones */
    struct log logs[SEATS];
    struct own own[SEATS]; /* as the controller has reconciled them, between two lives of a seat */
};

void torture_make_text(unsigned seat, unsigned own, char text[TEXT_SIZE]);
void torture_make_group_name(unsigned seat, char name[TEXT_SIZE]);

/* As a pick for the model sees it: in the pool, and benched neither itself nor with its group. */
bool torture_is_available(const struct own *own, const struct own_key *key, unsigned model);

/* One life of a worker: returns when the arena is over, or its log full. */
void worker_live(struct arena *arena, keyshm_pool *pool, unsigned seat, uint64_t seed);

/* In a child: become the program whose command this is, for one life in a seat of the arena, which is the memory of the
 * descriptor. Its further arguments are the pool, the descriptor, the seat, a seed, and NAME=VALUE for each number of this
 * file that it needs. It writes the same log; it has no group. */
_Noreturn void program_live(char **command, int arena_fd, unsigned seat, uint64_t seed);

/* Bring the arena up to date with the log of a worker that has ended, compare its keys with the pool, and empty the log.
 */
void ledger_reconcile(struct arena *arena, keyshm_pool *pool, unsigned seat);

/* When all have ended: everything is as the logs say, and all that is available is picked. */
void ledger_check_all(struct arena *arena, keyshm_pool *pool);

struct ledger_totals {
    uint64_t operations;
    uint64_t in_flight; /* operations that a kill interrupted */
    uint64_t in_flight_done;
};
extern struct ledger_totals ledger_totals;

#endif
