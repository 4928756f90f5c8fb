/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_H
#define KEYSHM_H

/*
 * keyshm: one provider's API keys in shared memory, for every worker on the machine.
 *
 * Conventions
 * ===========
 *
 * - A function that can fail returns a negative errno value (see errno(3)); keyshm_strerror() puts it in words. errno
 *   itself is not part of the interface.
 * - Output parameters are named ret_* and are left alone on failure. The one exception is stated: keyshm_add() also
 *   tells the id of a key that was already there.
 * - Every function may be called from any thread, from a child after fork(2), and at the same time as any other, unless
 *   its comment says otherwise. Nothing here starts a thread, installs a signal handler or changes a process attribute.
 * - A NULL for an argument that is not said to be optional is -EINVAL.
 * - Durations are milliseconds of CLOCK_MONOTONIC (clock_gettime(2)); stepping the wall clock changes nothing.
 *
 * What is lock-free
 * =================
 *
 * keyshm_next(), every keyshm_mark_*(), keyshm_is_available(), keyshm_available_count(), keyshm_next_available_ms(),
 * keyshm_reset_expired_cooldowns(), keyshm_find(), keyshm_get(), keyshm_snapshot(), keyshm_events() and keyshm_workers()
 * take no lock and never wait: a process that was killed or stopped, wherever it was, cannot hold them up. All of these
 * but the last three (they allocate) are also safe in a signal handler as long as logging is off.
 *
 * keyshm_add(), keyshm_remove(), keyshm_set_metadata() and keyshm_repair(), the "membership changes", take the pool's
 * robust mutex. They can also fail with:
 *   -ETIMEDOUT        another process held the mutex for the whole of the pool's lock_timeout_ms; it is named in the log
 *   -EXDEV            the caller is in another PID namespace than the pool's creator (a robust mutex knows its owner by
 *                     thread id, which means nothing there)
 *   -EDEADLK          called from a signal handler that interrupted a membership change of the same thread
 *   -ENOTRECOVERABLE  the mutex is beyond repair; picks, marks and inspection go on working
 *
 * Caveats
 * =======
 *
 * - A membership change must run to its end in the thread that began it: do not leave it by siglongjmp(3) from a signal
 *   handler, and do not fork(2) in a signal handler that may have interrupted one.
 * - Do not call keyshm_close() on an attachment that another thread is still using.
 * - Everything in a pool is trusted as far as its owner is: a process of the same user can overwrite the segment, as it
 *   could ptrace(2) the workers. Other users cannot open it.
 * - A user who is not the owner can take the name of a pool that does not exist yet in the world-writable directory of
 *   shared memory. keyshm then refuses it (-EACCES, -EEXIST); it never trusts it.
 * - Processes of different time namespaces (time_namespaces(7)) with different monotonic offsets must not share a pool.
 * - A pool lives until keyshm_unlink() or the end of the boot. Processes that are still attached to an unlinked pool go
 * on sharing it among themselves; keyshm_is_replaced() tells them.
 * - Truncating a segment's file kills every process that has it mapped and touches what is gone, with SIGBUS, as with any
 * mapped file (mmap(2)). Only the owner, or root, can do that; nothing in keyshm does.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header, which the build compares with the project's. */
#define KEYSHM_VERSION_MAJOR 0
#define KEYSHM_VERSION_MINOR 1
#define KEYSHM_VERSION_PATCH 0
#define KEYSHM_VERSION (KEYSHM_VERSION_MAJOR << 16 | KEYSHM_VERSION_MINOR << 8 | KEYSHM_VERSION_PATCH)

/* The longest provider name, in bytes without the NUL. It is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot.
 */
#define KEYSHM_PROVIDER_MAX 64

/* The most that key_max can be: the longest key any pool can hold, in bytes without the NUL. */
#define KEYSHM_KEY_MAX 4096

/* The most keys a pool can be created for. */
#define KEYSHM_CAPACITY_MAX 1048576u

/* The longest duration that is accepted anywhere: 366 days, in milliseconds. */
#define KEYSHM_DURATION_MAX_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

/* The longest a membership change can be told to wait for the mutex: one hour, in milliseconds. */
#define KEYSHM_LOCK_TIMEOUT_MAX_MS (INT64_C(60) * 60 * 1000)

/* Metadata of one key: names are 1 to 32 of A-Z a-z 0-9 . _ -, values 0 to 120 bytes with no control characters, and all
 * names and values of a key together take at most 160 bytes, each counted with one byte more. */
#define KEYSHM_METADATA_NAME_MAX 32
#define KEYSHM_METADATA_VALUE_MAX 120
#define KEYSHM_METADATA_BYTES_MAX 160

/* Room for a masked key with its NUL: at most 12 bytes, an ellipsis of 3 (UTF-8), and 4 bytes. */
#define KEYSHM_MASKED_SIZE 24

/* A process's attachment to one pool. A child inherits its parent's attachments by fork(2), and may use and close them
 * independently. exec(2) ends them. */
typedef struct keyshm_pool keyshm_pool;

/*
 * One key, for as long as it is in the pool. Never 0. An id that is not, or no longer, in the pool is -ESTALE everywhere,
 * also when another key has since taken the same slot. The low 24 bits are the slot, the others its generation: print and
 * parse it as one unsigned decimal number.
 */
typedef uint64_t keyshm_id;

/* What is known of a key. Ordered: late news never brings a key to a lower status, only keyshm_mark_available() does. */
enum keyshm_status {
    KEYSHM_AVAILABLE = 0,
    KEYSHM_RATE_LIMITED = 1,   /* until its deadline */
    KEYSHM_QUOTA_EXCEEDED = 2, /* until its deadline, or until marked available */
    KEYSHM_INVALID = 3,        /* until marked available */
};
#define KEYSHM_STATUS_COUNT 4

/* KEYSHM_VERSION of the library that is running, which may be newer than the header that a program was compiled with. */
unsigned keyshm_version(void);

/* "available", "rate_limited", "quota_exceeded" or "invalid"; NULL for any other number. A static string. */
const char *keyshm_status_name(enum keyshm_status status);

/* The status of exactly that name. -EINVAL when there is none. */
int keyshm_status_from_name(const char *name, enum keyshm_status *ret_status);

/* What an error says, for any negative (or positive) errno value that keyshm returns. A static string, never NULL. */
const char *keyshm_strerror(int error);

/* ------------------------------------------------------------------------------------------------------------------
 * Pools
 */

/*
 * The settings of a new pool; they last as long as the pool. Begin with KEYSHM_OPTIONS_INIT. A field out of its limits is
 * -EINVAL. `size` lets later versions add fields: those that a caller does not know take their defaults, and those that
 * the library does not know must be zero (-E2BIG otherwise).
 */
struct keyshm_options {
    size_t size;                 /* sizeof(struct keyshm_options) */
    unsigned capacity;           /* keys: 1 to KEYSHM_CAPACITY_MAX; default 1,024 */
    unsigned key_max;            /* longest key in bytes: 1 to KEYSHM_KEY_MAX; default 512 */
    int64_t default_cooldown_ms; /* when no Retry-After is given: 0 (until marked available) to KEYSHM_DURATION_MAX_MS;
                                    default 60,000 */
    int64_t lock_timeout_ms;     /* how long a membership change waits: 1 to KEYSHM_LOCK_TIMEOUT_MAX_MS; default 5,000 */
};
#define KEYSHM_OPTIONS_INIT                                                                                    \
    {                                                                                                          \
        .size = sizeof(struct keyshm_options), .capacity = 1024, .key_max = 512, .default_cooldown_ms = 60000, \
        .lock_timeout_ms = 5000                                                                                \
    }

/*
 * Create the pool of this effective user for `provider`, and attach to it. NULL options are the defaults. The pool
 * becomes visible whole or not at all, and of any number of simultaneous creators exactly one succeeds.
 *
 * -EEXIST   there is one already (attach to it)
 * -EINVAL   a bad provider name or option
 * -E2BIG    options of a later version of keyshm
 * -ENOSPC   the shared-memory file system is full; nothing is left behind
 * -EFBIG    the pool would be larger than this process may make a file (RLIMIT_FSIZE, getrlimit(2))
 * -ENOMEM, -EMFILE, -ENFILE, -EACCES, ...  from open(2), fallocate(2), mmap(2), linkat(2)
 */
int keyshm_create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null);

/*
 * The same without a name (memfd_create(2)): only this process and the children it forks can reach it, and it is gone
 * with the last of them. `provider` is a label. Errors as keyshm_create(), without -EEXIST.
 */
int keyshm_create_anonymous(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null);

/*
 * Attach to this effective user's pool for `provider`. Never creates one.
 *
 * -ENOENT   there is none
 * -EINVAL   a bad provider name
 * -EACCES   the segment is not this user's own, is open to group or others, or has a second link
 * -EPROTO   it is a keyshm segment, but of another layout: another version, word size or libc
 * -EBADMSG  it is not a keyshm segment, or is damaged or truncated
 * -ENOMEM, -EMFILE, -ENFILE, ...  from shm_open(3), mmap(2)
 */
int keyshm_attach(keyshm_pool **ret_pool, const char *provider);

/*
 * The same for an observer: mapped PROT_READ, so it cannot disturb the pool. Every call that would write, a pick too, is
 * -EROFS. Errors as keyshm_attach().
 */
int keyshm_attach_readonly(keyshm_pool **ret_pool, const char *provider);

/* The same for the pool of another user, `owner`. -EACCES unless the caller is `owner` or root. */
int keyshm_attach_readonly_user(keyshm_pool **ret_pool, uid_t owner, const char *provider);

/*
 * Has this pool lost its name? 0 while the name still leads to the segment that is attached; 1 when it leads elsewhere or
 * nowhere, because the pool was unlinked, and perhaps another one created: others then share what this process does not
 * see, and a worker does well to close it and attach again. 0, always, for an anonymous pool. One lstat(2), no lock, on
 * every attachment; a child, also one in another mount namespace, is told what the name means to itself.
 *
 * -EBADMSG  the name leads here, but the file was truncated; see the caveats above
 * -EACCES, ...  from lstat(2): it cannot be told
 */
int keyshm_is_replaced(keyshm_pool *pool);

/* Detach this process. The pool lives on. NULL is fine. */
void keyshm_close(keyshm_pool *pool);

/* Remove the name of this effective user's pool for `provider`. -ENOENT when there is none; -EINVAL for a bad name. */
int keyshm_unlink(const char *provider);

/* The names of all pools (everything that is named like one) of `owner`, sorted. */
struct keyshm_pool_list {
    size_t count;
    char (*providers)[KEYSHM_PROVIDER_MAX + 1];
};

/* -ENOMEM, or from opendir(3). Free with keyshm_pool_list_free(); NULL is fine there. */
int keyshm_list_pools(uid_t owner, struct keyshm_pool_list **ret_list);
void keyshm_pool_list_free(struct keyshm_pool_list *list);

/* The users who have pools (own a file that is named like one of theirs), in ascending order. */
struct keyshm_owner_list {
    size_t count;
    uid_t *owners;
};

/* -ENOMEM, or from opendir(3). Free with keyshm_owner_list_free(); NULL is fine there. */
int keyshm_list_owners(struct keyshm_owner_list **ret_list);
void keyshm_owner_list_free(struct keyshm_owner_list *list);

/* ------------------------------------------------------------------------------------------------------------------
 * Membership
 */

/*
 * Add a key: 1 to key_max bytes, no control characters (NUL and those of ASCII below 0x20, and 0x7f), no space at either
 * end. It is available at once. It takes the lowest free slot.
 *
 * -EEXIST   the key is there already; *ret_id is its id
 * -EINVAL   not a valid key
 * -ENOSPC   the pool is full
 * -EROFS    a read-only attachment
 * ... and those of every membership change, above. ret_id may be NULL.
 */
int keyshm_add(keyshm_pool *pool, const char *key, keyshm_id *ret_id);

/* Remove a key and wipe its bytes. -ESTALE, -EROFS, and those of every membership change. */
int keyshm_remove(keyshm_pool *pool, keyshm_id id);

/* The id of a key. -ENOENT when it is not in the pool; -EINVAL when it could not be. Lock-free. */
int keyshm_find(keyshm_pool *pool, const char *key, keyshm_id *ret_id);

/*
 * Set, replace or (with a NULL value) delete a note kept with a key, for people to read: never put a secret there.
 *
 * -EINVAL   a bad name or value, see KEYSHM_METADATA_NAME_MAX
 * -ENOSPC   the key's metadata would be larger than KEYSHM_METADATA_BYTES_MAX
 * -ENOENT   nothing of that name to delete
 * -ESTALE, -EROFS, and those of every membership change
 */
int keyshm_set_metadata(keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null);

/*
 * Take the mutex, and clean up as after a dead owner, whether there was one or not: wipe what belongs to no key, rebuild
 * the index, let every key be looked at again. What keyshm_verify() finds of these is right then. It changes no key and
 * no status. Errors: -EROFS, and those of every membership change.
 */
int keyshm_repair(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Picking
 */

/* A picked key. It holds a secret: wipe it (explicit_bzero(3)) when it is no longer needed. */
struct keyshm_pick {
    keyshm_id id;
    size_t key_length;            /* bytes, without the NUL */
    char key[KEYSHM_KEY_MAX + 1]; /* NUL-terminated; up to 63 bytes after the NUL may be set to zero */
};

/*
 * Pick the next available key, round-robin in the order of slots, going on after the key that was picked last by anyone.
 * Over any run in which the set of available keys is fixed, the numbers of picks of two available keys differ by no more
 * than the number of attached processes.
 *
 * (A process with one thread that makes more than 1,024 calls in a tick of the system's coarse clock, a few milliseconds,
 * takes its turns some dozens at a time, those up to a later key or the end of the round. Its own picks still come in
 * order, and every mark, its own or another's, is seen by its very next pick.)
 *
 * -EAGAIN   none is available now (keyshm_next_available_ms() tells how long until one is)
 * -ENOKEY   the pool is empty
 * -EROFS    a read-only attachment
 */
int keyshm_next(keyshm_pool *pool, struct keyshm_pick *ret_pick);

/*
 * The key with this id, whatever its status: for who hands a pool on, not for who calls an API. It counts as no pick and
 * changes nothing, and works on every attachment. *ret_pick holds a secret then, as after keyshm_next(). -ESTALE.
 */
int keyshm_get(keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick);

/* How long until a key is available, in milliseconds: 0 when one is now; -1 when no time is known (the pool is empty, or
 * every key waits to be marked available). Other negative numbers are errors: -EINVAL. */
int64_t keyshm_next_available_ms(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Marking
 *
 * A mark says what a provider answered. Marks join: the status becomes the higher of the two, and the deadline the later,
 * so that the order in which workers' news arrives does not matter and late news never weakens what is known. A key whose
 * deadline has passed counts as available. A mark that changes nothing for that reason is still counted, and returns 0.
 *
 * A deadline is never early. It is late by a millisecond at most; by 11 in a process that makes more than 1,024 calls in
 * a tick of the system's coarse clock.
 *
 * All return 0, or:
 * -ESTALE   the key is not, or no longer, in the pool
 * -EINVAL   a duration below -1 or above KEYSHM_DURATION_MAX_MS
 * -EROFS    a read-only attachment
 * -EBUSY    other processes changed the same key 10,000 times during the call
 */
#define KEYSHM_NO_RETRY_AFTER (-1)

/* Not before retry_after_ms from now. KEYSHM_NO_RETRY_AFTER takes the pool's default cooldown. 0 is counted and changes
 * nothing: an available key stays available, and what is known of another stays known. */
int keyshm_mark_rate_limited(keyshm_pool *pool, keyshm_id id, int64_t retry_after_ms);

/* Not before reset_after_ms from now; -1: not before it is marked available. 0: as with a rate limit. */
int keyshm_mark_quota_exceeded(keyshm_pool *pool, keyshm_id id, int64_t reset_after_ms);

/* Not before it is marked available. Counts as an error of the key. */
int keyshm_mark_invalid(keyshm_pool *pool, keyshm_id id);

/* Available now, whatever was known: the only call that goes down. */
int keyshm_mark_available(keyshm_pool *pool, keyshm_id id);

/* A cooldown ends by itself; this only writes it down (and logs it). Returns how many keys became AVAILABLE by this call,
 * or -EROFS. */
int keyshm_reset_expired_cooldowns(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Inspection
 */

/* 1 when the key would be picked, 0 when not, -ESTALE. */
int keyshm_is_available(keyshm_pool *pool, keyshm_id id);

/* How many keys would be picked. */
int keyshm_available_count(keyshm_pool *pool);

struct keyshm_metadata {
    char name[KEYSHM_METADATA_NAME_MAX + 1];
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
};

struct keyshm_key_snapshot {
    keyshm_id id;
    unsigned slot;
    enum keyshm_status status;            /* as a pick sees it: a cooldown that has ended is KEYSHM_AVAILABLE */
    int64_t cooldown_left_ms;             /* 0: none; -1: until marked available */
    int64_t last_used_ago_ms;             /* since the last pick; -1: never */
    uint64_t error_count;                 /* how often it was marked invalid */
    uint64_t picks;                       /* how often it was picked */
    uint64_t marked[KEYSHM_STATUS_COUNT]; /* how often it was marked with each status, by that status */
    char masked_key[KEYSHM_MASKED_SIZE];  /* "sk-…wXyz", or "…" for a short key; UTF-8 */
    size_t metadata_count;
    struct keyshm_metadata *metadata; /* sorted by name; lives as long as the snapshot */
};

/* A copy of a pool's state. Each key's part is consistent in itself; the keys were read one after the other. */
struct keyshm_snapshot {
    char provider[KEYSHM_PROVIDER_MAX + 1];
    unsigned capacity;
    unsigned key_max;
    int64_t default_cooldown_ms;
    int64_t created_unix_ms; /* wall-clock time of creation, milliseconds since 1970 */
    int64_t age_ms;          /* since creation, monotonic */
    uid_t creator_uid;
    pid_t creator_pid;
    char creator_name[16];      /* as in /proc/PID/comm */
    uint64_t recoveries;        /* how often a dead owner of the mutex was cleaned up after */
    pid_t mutex_holder_pid;     /* 0: nobody; -1: somebody in another PID namespace */
    char mutex_holder_name[16]; /* as in /proc/PID/comm; "" when it is not known */
    char mutex_holder_state;    /* as in /proc/PID/stat (proc(5)): 'T' is stopped; '\0' when it is not known */
    int64_t mutex_held_ms;      /* for how long; -1 when nobody holds it, or it is not known */
    unsigned count;             /* keys */
    unsigned status_count[KEYSHM_STATUS_COUNT];
    struct keyshm_key_snapshot *keys; /* in order of slots */
};

/*
 * Works on every attachment. Free with keyshm_snapshot_free(); NULL is fine there.
 *
 * -EBADMSG  the segment's header is no longer what was checked on attach: somebody has written over its file
 * -ENOMEM
 */
int keyshm_snapshot(keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot);
void keyshm_snapshot_free(struct keyshm_snapshot *snapshot);

/*
 * One process that is, or was, attached. A process is listed from keyshm_create(), keyshm_attach() or, when it inherited
 * its attachment by fork(2), from its first pick or mark, until keyshm_close(); by one row for each attachment. One that
 * ended without that stays listed, as dead, until another process needs its row. Read-only attachments are not listed.
 */
struct keyshm_worker {
    pid_t pid;      /* in its own PID namespace */
    char name[16];  /* as in /proc/PID/comm at that moment */
    int is_alive;   /* 1; 0: it has ended; -1: it is in another PID namespace than the caller, so it cannot be told */
    char state;     /* as in /proc/PID/stat (proc(5)): 'T' is stopped; '\0' when it is not known */
    uint64_t picks; /* by this attachment. Some are lost when several threads of a process pick at once */
    int64_t attached_ago_ms;
};

struct keyshm_worker_list {
    size_t count;
    struct keyshm_worker *workers; /* those that were attached first come first */
    unsigned capacity;             /* how many rows there are: a quarter of the pool's capacity, at least 256 */
    uint64_t unlisted;             /* how often a process found every row taken by a living one: it worked unlisted */
};

/* -ENOMEM. Works on every attachment. Free with keyshm_worker_list_free(); NULL is fine there. */
int keyshm_workers(keyshm_pool *pool, struct keyshm_worker_list **ret_list);
void keyshm_worker_list_free(struct keyshm_worker_list *list);

enum keyshm_event_kind {
    KEYSHM_EVENT_ADDED = 0,
    KEYSHM_EVENT_REMOVED = 1,
    KEYSHM_EVENT_MARKED = 2,  /* a mark that changed what is known of the key */
    KEYSHM_EVENT_REFUSED = 3, /* late news: a mark that said less than is known, or that was about a key that is gone */
    KEYSHM_EVENT_EXPIRED = 4, /* it was written down that a cooldown is over, as keyshm_reset_expired_cooldowns() does */
    KEYSHM_EVENT_RECOVERED = 5, /* a dead owner of the mutex was cleaned up after */
    KEYSHM_EVENT_REPAIRED = 6,  /* keyshm_repair() */
};
#define KEYSHM_EVENT_KIND_COUNT 7

/* "added", "removed", "marked", "refused", "expired", "recovered" or "repaired"; NULL for any other number. */
const char *keyshm_event_kind_name(enum keyshm_event_kind kind);

/* One thing that happened. A field that does not go with its kind is as the comment says of "none". */
struct keyshm_event {
    enum keyshm_event_kind kind;
    int64_t unix_us;     /* when, by the wall clock as it is set now: microseconds since 1970. To a tick of the system's
                            coarse clock, some milliseconds */
    int64_t ago_ms;      /* how long ago, by a clock that is never set */
    pid_t pid;           /* who did it, in its own PID namespace */
    keyshm_id id;        /* of the key; 0: none */
    int from;            /* enum keyshm_status, as a pick would have found it; -1: none, or not known */
    int to;              /* enum keyshm_status: what it became; of a refused mark, what was said; -1: none */
    int64_t duration_ms; /* of a mark: the retry-after or reset-after it was made with; -1: none */
    pid_t dead_pid;      /* recovered: who died; 0: none, or not known */
    char masked_key[KEYSHM_MASKED_SIZE]; /* "" when the key is no longer in the pool */
};

/*
 * What was kept of the past. A pool keeps the last events of three classes apart, of each as many as a quarter of its
 * capacity (a power of two, 256 to 16,384), so that a storm of one class does not push out what is rarer: cooldowns
 * (marks from available to rate_limited and back, what was refused), what lasts (whatever comes to or from quota_exceeded
 * and invalid), and membership (the rest). Events survive the processes that made them, and the end of all processes.
 *
 * A mark that says just what is known already is no event.
 */
struct keyshm_event_list {
    size_t count;
    struct keyshm_event *events; /* the oldest first */
    uint64_t missing;            /* events whose record is torn: whoever was writing it has died or was stopped in it */
    uint64_t overwritten;        /* events that are no longer kept, and that the cursor has not seen */
};

#define KEYSHM_EVENT_CLASS_COUNT 3

/* What a reader has seen. All zero: nothing. */
struct keyshm_event_cursor {
    uint64_t next[KEYSHM_EVENT_CLASS_COUNT];
};

/*
 * The events since the cursor, which is moved behind them; NULL: all that are kept. Lock-free, on every attachment: a
 * reader takes nothing away from others. Free with keyshm_event_list_free(); NULL is fine there. -ENOMEM, -EBADMSG as
 * keyshm_snapshot().
 */
int keyshm_events(keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null, struct keyshm_event_list **ret_list);
void keyshm_event_list_free(struct keyshm_event_list *list);

/* One broken invariant in words, for people. It never holds a key. Valid during the call. */
typedef void keyshm_problem_fn(const char *problem, void *user);

/*
 * Hold every invariant of the pool against its bytes, and tell each that is broken (the first 32; fn may be NULL).
 * Returns how many are, so 0 is well. Reads only, takes no lock, works on every attachment and while others use the pool.
 *
 * -EBUSY    keys were being added or removed all the time, or a process that was doing so has died or been stopped: the
 * next membership change repairs what the dead left
 */
int keyshm_verify(keyshm_pool *pool, keyshm_problem_fn *fn_or_null, void *user);

/* ------------------------------------------------------------------------------------------------------------------
 * Logging
 */

enum keyshm_log_level {
    KEYSHM_LOG_ERROR = 0,   /* a membership change failed for a reason outside the call */
    KEYSHM_LOG_WARNING = 1, /* recoveries, refused attachments, refused input */
    KEYSHM_LOG_INFO = 2,    /* pools created and unlinked; keys added, removed and changing status */
    KEYSHM_LOG_DEBUG = 3,   /* marks that changed nothing, attachments, metadata */
};

/* One message, without a line end. It never holds a key, only its masked form. Valid during the call. The callback runs
 * in the calling thread, with no lock held, and may call keyshm. */
typedef void keyshm_log_fn(enum keyshm_log_level level, const char *message, void *user);

/*
 * Send messages of level `least` and graver to fn; NULL for silence, which is the default. For the whole process: call it
 * before other threads use keyshm.
 *
 * With KEYSHM_LOG=error|warning|info|debug in the environment, and no callback, messages go to standard error. (Not in
 * set-user-ID programs: secure_getenv(3).)
 */
void keyshm_set_log(keyshm_log_fn *fn_or_null, void *user, enum keyshm_log_level least);

#ifdef __cplusplus
}
#endif

#endif
