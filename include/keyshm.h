/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_H
#define KEYSHM_H

/*
 * keyshm: one provider's API keys in shared memory, for every worker on the machine.
 *
 * Conventions
 * ===========
 *
 * - A function that can fail returns a negative errno value (errno(3)); keyshm_strerror() describes it. Calls may
 *   overwrite errno; its value is not part of the interface.
 * - Output parameters are named ret_* and are not written on failure. There is one exception: keyshm_add() also returns
 *   the id of a key that is already in the pool.
 * - NULL for an argument that is not documented as optional is -EINVAL. Optional arguments are named *_or_null, or their
 *   function says so. A `void *user` is passed to the callback unchanged, and may be NULL.
 * - Every function may be called from any thread, in a child after fork(2), and concurrently with any other, unless its
 *   comment says otherwise. keyshm starts no thread, installs no signal handler and changes no process attribute.
 * - Strings that are returned as `const char *` are static. Lists and snapshots are allocated with malloc(3), and are
 *   independent of the attachment they came from: they stay valid until their own free function is called.
 * - Durations are in milliseconds of CLOCK_MONOTONIC (clock_gettime(2)), so setting the wall clock has no effect on them.
 *
 * What is lock-free
 * =================
 *
 * keyshm_next(), every keyshm_mark_*(), keyshm_is_available(), keyshm_available_count(), keyshm_next_available_ms(),
 * keyshm_reset_expired_cooldowns(), keyshm_find(), keyshm_get(), keyshm_snapshot(), keyshm_events() and keyshm_workers()
 * take no lock and never wait for another process, even if one was killed or stopped at any instruction. All of them
 * except the last three, which allocate memory, are also safe in a signal handler (signal-safety(7)) while logging is
 * off.
 *
 * keyshm_add(), keyshm_remove(), keyshm_set_metadata() and keyshm_repair() are the "membership changes": they take the
 * pool's robust mutex (pthread_mutexattr_setrobust(3)). Each of them can also fail with:
 *   -ETIMEDOUT        another process held the mutex for the pool's whole lock_timeout_ms; the log names the holder
 *   -EXDEV            the caller is in another PID namespace than the pool's creator; a robust mutex identifies its owner
 *                     by thread id, which is only meaningful within one PID namespace (pid_namespaces(7))
 *   -EDEADLK          called from a signal handler that interrupted a membership change in the same thread
 *   -ENOTRECOVERABLE  the mutex cannot be recovered; picks, marks and inspection still work
 *
 * Caveats
 * =======
 *
 * - A membership change must finish in the thread that started it: do not leave one with siglongjmp(3) from a signal
 *   handler, and do not call fork(2) in a signal handler that may have interrupted one.
 * - Do not call keyshm_close() on an attachment that another thread is still using.
 * - The contents of a pool are trusted as far as the pool's owner is: a process of the same user can overwrite the
 *   segment, just as it could ptrace(2) the workers. Other users cannot open it.
 * - The directory for shared memory is world-writable (shm_overview(7)), so another user can take the name of a pool that
 *   does not exist yet. keyshm refuses such a file (-EACCES, -EEXIST) and never trusts it.
 * - Processes in time namespaces whose offsets of the monotonic clock differ (time_namespaces(7)) must not share
 *   a pool.
 * - A pool exists until keyshm_unlink() or until the system shuts down. Processes that are attached to an unlinked pool
 *   continue to share it with each other; keyshm_is_replaced() detects this.
 * - If a segment's file is truncated, every process that has it mapped gets SIGBUS when it accesses the missing part, as
 *   with any mapped file (mmap(2)). Only the owner or root can truncate it; keyshm never does.
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

/*
 * The maximum length of a provider name in bytes, without the NUL. A provider name is 1 to 64 characters of
 * A-Z a-z 0-9 . _ - and does not begin with a dot.
 */
#define KEYSHM_PROVIDER_MAX 64

/* The maximum of key_max, and so the maximum length of a key in any pool: bytes, without the NUL. */
#define KEYSHM_KEY_MAX 4096

/* The maximum capacity of a pool: keys. */
#define KEYSHM_CAPACITY_MAX 1048576u

/* The maximum of every duration: 366 days, in milliseconds. */
#define KEYSHM_DURATION_MAX_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

/* The maximum of lock_timeout_ms: one hour, in milliseconds. */
#define KEYSHM_LOCK_TIMEOUT_MAX_MS (INT64_C(60) * 60 * 1000)

/*
 * Limits on the metadata of one key, in bytes. A name is 1 to 32 characters of A-Z a-z 0-9 . _ -. A value is 0 to 120
 * bytes without control characters (as in keyshm_add()). All names and values of a key, each with its NUL, take at most
 * 160 bytes.
 */
#define KEYSHM_METADATA_NAME_MAX 32
#define KEYSHM_METADATA_VALUE_MAX 120
#define KEYSHM_METADATA_BYTES_MAX 160

/* The buffer size for a masked key: a prefix of up to 12 bytes, an ellipsis (3 bytes of UTF-8), 4 bytes, and the NUL. */
#define KEYSHM_MASKED_SIZE 24

/*
 * One process's attachment to one pool. A child created by fork(2) inherits its parent's attachments; parent and child
 * each use and close their own. execve(2) ends all attachments of a process.
 */
typedef struct keyshm_pool keyshm_pool;

/*
 * Identifies a key for as long as it is in the pool. Never 0 and never reused: the id of a key that is not, or no longer,
 * in the pool is -ESTALE in every call, even if another key now occupies the same slot. The low 24 bits are the slot, the
 * remaining bits the slot's generation. Print and parse it as one unsigned decimal number.
 */
typedef uint64_t keyshm_id;

/*
 * What is known about a key. The values are ordered by severity: a mark never lowers the status of a key, except
 * keyshm_mark_available(). See "Marking", below.
 */
enum keyshm_status {
    KEYSHM_AVAILABLE = 0,
    KEYSHM_RATE_LIMITED = 1,   /* until its deadline, or until marked available */
    KEYSHM_QUOTA_EXCEEDED = 2, /* until its deadline, or until marked available */
    KEYSHM_INVALID = 3,        /* until marked available */
};
#define KEYSHM_STATUS_COUNT 4

/* KEYSHM_VERSION of the library that is running, which may be newer than the header that a program was compiled with. */
unsigned keyshm_version(void);

/* Returns "available", "rate_limited", "quota_exceeded" or "invalid", a static string; NULL for any other number. */
const char *keyshm_status_name(enum keyshm_status status);

/* The inverse of keyshm_status_name(); names match exactly. -EINVAL if no status has this name. */
int keyshm_status_from_name(const char *name, enum keyshm_status *ret_status);

/* Describes any errno value that keyshm returns, negative or positive. Returns a static string, never NULL. */
const char *keyshm_strerror(int error);

/* ------------------------------------------------------------------------------------------------------------------
 * Pools
 */

/*
 * The settings of a new pool. They cannot be changed later. Initialise it with KEYSHM_OPTIONS_INIT, then set fields. A
 * value outside its range is -EINVAL. `size` allows later versions to add fields: fields that the caller does not know
 * get their defaults; fields that the library does not know must be zero, otherwise -E2BIG.
 */
struct keyshm_options {
    size_t size;                 /* sizeof(struct keyshm_options) */
    unsigned capacity;           /* maximum number of keys: 1 to KEYSHM_CAPACITY_MAX; default 1,024 */
    unsigned key_max;            /* maximum length of a key in bytes: 1 to KEYSHM_KEY_MAX; default 512 */
    int64_t default_cooldown_ms; /* the cooldown when there is no Retry-After: 0 (until marked available) to
                                    KEYSHM_DURATION_MAX_MS; default 60,000 */
    int64_t lock_timeout_ms;     /* how long a membership change waits for the mutex: 1 to KEYSHM_LOCK_TIMEOUT_MAX_MS;
                                    default 5,000 */
};
#define KEYSHM_OPTIONS_INIT                                                                                    \
    {                                                                                                          \
        .size = sizeof(struct keyshm_options), .capacity = 1024, .key_max = 512, .default_cooldown_ms = 60000, \
        .lock_timeout_ms = 5000                                                                                \
    }

/*
 * Create the pool of the effective user for `provider`, and attach to it. NULL options are the defaults. Creation is
 * atomic: other processes see the complete pool or none, and if several processes create the same pool at once, exactly
 * one succeeds. All memory of the pool is allocated here.
 *
 * -EEXIST   the pool already exists (attach to it)
 * -EINVAL   an invalid provider name or option
 * -E2BIG    an option of a later version of keyshm is set
 * -ENOSPC   the shared-memory file system is full; nothing is left behind
 * -EFBIG    the pool is larger than this process's limit on file sizes (RLIMIT_FSIZE, getrlimit(2))
 * -ENOMEM, -EMFILE, -ENFILE, -EACCES, ...  from open(2), fallocate(2), mmap(2), linkat(2)
 */
int keyshm_create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null);

/*
 * Like keyshm_create(), but the pool has no name (memfd_create(2)): only this process and the children it forks can use
 * it, and it is freed when the last of them closes it or ends. `provider` is only a label, under the same rules. Errors
 * as keyshm_create(), without -EEXIST.
 */
int keyshm_create_anonymous(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null);

/*
 * Attach to the effective user's pool for `provider`. Never creates one. Each call makes an attachment of its own.
 *
 * -ENOENT   there is no such pool
 * -EINVAL   an invalid provider name
 * -EACCES   the segment belongs to another user, is accessible to group or others, or has a second hard link
 * -EPROTO   a keyshm segment with another layout: made by another version, or for another word size or libc
 * -EBADMSG  not a keyshm segment, or a damaged or truncated one
 * -ENOMEM, -EMFILE, -ENFILE, ...  from shm_open(3), mmap(2)
 */
int keyshm_attach(keyshm_pool **ret_pool, const char *provider);

/*
 * Attach as an observer: the segment is mapped PROT_READ, so this attachment cannot change the pool. Calls that write,
 * including keyshm_next(), return -EROFS. Errors as keyshm_attach().
 */
int keyshm_attach_readonly(keyshm_pool **ret_pool, const char *provider);

/*
 * Attach as an observer to the pool of the user `owner`. Errors as keyshm_attach(); -EACCES also if the caller is neither
 * `owner` nor root.
 */
int keyshm_attach_readonly_user(keyshm_pool **ret_pool, uid_t owner, const char *provider);

/*
 * Returns 0 while the pool's name refers to the attached segment, and 1 when it refers to another file or to none: the
 * pool was unlinked, and perhaps created again, so that other processes may share a pool that this one does not see. A
 * worker should then close its attachment and attach again. Always 0 for an anonymous pool.
 *
 * Works on every attachment; makes one call of lstat(2) and takes no lock. The name is resolved in the caller's mount
 * namespace (mount_namespaces(7)), which may differ from that of the parent that attached.
 *
 * -EBADMSG  the name refers to the attached segment, but its file was truncated; see "Caveats", above
 * -EACCES, ...  from lstat(2): the name could not be checked
 */
int keyshm_is_replaced(keyshm_pool *pool);

/* Detach this process, and free the attachment. The pool continues to exist. NULL is ignored. */
void keyshm_close(keyshm_pool *pool);

/*
 * Remove the name of the effective user's pool for `provider`, whatever the file contains. Attached processes keep it.
 *
 * -ENOENT   there is no such pool
 * -EINVAL   an invalid provider name
 * ...       from shm_unlink(3), which is described with shm_open(3)
 */
int keyshm_unlink(const char *provider);

/* The names of all pools of one user, sorted (strcmp(3)). */
struct keyshm_pool_list {
    size_t count;
    char (*providers)[KEYSHM_PROVIDER_MAX + 1];
};

/*
 * List every file that is named like a pool of `owner`. No file is opened. Free the list with keyshm_pool_list_free(),
 * which ignores NULL. -ENOMEM, and errors from opendir(3) and readdir(3).
 */
int keyshm_list_pools(uid_t owner, struct keyshm_pool_list **ret_list);
void keyshm_pool_list_free(struct keyshm_pool_list *list);

/* The users who have pools, in ascending order. */
struct keyshm_owner_list {
    size_t count;
    uid_t *owners;
};

/*
 * List the users who own a file that is named like one of their own pools. No file is opened. Free the list with
 * keyshm_owner_list_free(), which ignores NULL. -ENOMEM, and errors from opendir(3), readdir(3) and stat(2).
 */
int keyshm_list_owners(struct keyshm_owner_list **ret_list);
void keyshm_owner_list_free(struct keyshm_owner_list *list);

/* ------------------------------------------------------------------------------------------------------------------
 * Membership
 */

/*
 * Add a key: 1 to key_max bytes, without control characters (bytes below 0x20, and 0x7f) and without a space at either
 * end. The key is available immediately. It takes the lowest free slot. ret_id may be NULL.
 *
 * -EEXIST   the key is already in the pool; *ret_id is its id
 * -EINVAL   not a valid key
 * -ENOSPC   the pool is full
 * -EROFS    a read-only attachment
 * ...       and the errors of every membership change, above
 */
int keyshm_add(keyshm_pool *pool, const char *key, keyshm_id *ret_id);

/* Remove a key and wipe its bytes. -ESTALE, -EROFS, and the errors of every membership change. */
int keyshm_remove(keyshm_pool *pool, keyshm_id id);

/*
 * Look up the id of a key. Lock-free; works on every attachment.
 *
 * -ENOENT   the key is not in the pool
 * -EINVAL   not a valid key for this pool, see keyshm_add()
 */
int keyshm_find(keyshm_pool *pool, const char *key, keyshm_id *ret_id);

/*
 * Set or replace one note of a key, or delete it if the value is NULL. Notes are for people to read, and the tools show
 * them: never store a secret in one.
 *
 * -EINVAL   an invalid name or value, see KEYSHM_METADATA_NAME_MAX
 * -ENOSPC   the key's metadata would exceed KEYSHM_METADATA_BYTES_MAX
 * -ENOENT   there is no note of this name to delete
 * -ESTALE, -EROFS, and the errors of every membership change
 */
int keyshm_set_metadata(keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null);

/*
 * Run the cleanup that follows the death of a mutex owner, whether one died or not: wipe slots that hold no key, rebuild
 * the index, and have every key rechecked for availability. This corrects what keyshm_verify() reports about these parts.
 * No key and no status changes. It is never required: the next membership change after such a death does the same.
 * -EROFS, and the errors of every membership change.
 */
int keyshm_repair(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Picking
 */

/* A picked key. It contains a secret: wipe it with explicit_bzero(3) after use. */
struct keyshm_pick {
    keyshm_id id;
    size_t key_length;            /* bytes, without the NUL */
    char key[KEYSHM_KEY_MAX + 1]; /* NUL-terminated; up to 63 bytes after the NUL may be set to zero */
};

/*
 * Pick the next available key: round-robin in slot order, starting after the key that any process picked last. While the
 * set of available keys does not change, the numbers of picks of any two available keys differ by at most the number of
 * attached processes.
 *
 * A single-threaded process that makes more than 1,024 calls within one tick of the kernel's coarse clock
 * (CLOCK_MONOTONIC_COARSE, clock_gettime(2); a few milliseconds) claims several dozen turns at a time, never beyond the
 * end of the round. Its picks are still in slot order, and each of them still respects every mark made before it by any
 * process.
 *
 * Makes no system call where clock_gettime(2) needs none (vdso(7)), with one exception: the first pick in a forked child
 * looks up the child's PID namespace, pid and name (three calls), and may check whether the owners of rows in the list
 * of workers are still alive, until it finds a row to use.
 *
 * -EAGAIN   no key is available now; keyshm_next_available_ms() returns the time until one is
 * -ENOKEY   the pool is empty
 * -EROFS    a read-only attachment
 */
int keyshm_next(keyshm_pool *pool, struct keyshm_pick *ret_pick);

/*
 * Copy the key with this id, whatever its status: for exporting a pool, not for making requests. It does not count as a
 * pick and changes nothing; works on every attachment. *ret_pick then contains a secret, as after keyshm_next().
 * -ESTALE.
 */
int keyshm_get(keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick);

/*
 * Returns the time until a key is available, in milliseconds: 0 if one is available now, -1 if no time is known (the pool
 * is empty, or every key is unavailable until it is marked available). Any other negative value is an error: -EINVAL.
 * Works on every attachment.
 */
int64_t keyshm_next_available_ms(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Marking
 *
 * A mark records what a provider answered. Marks are merged: the new status is the higher of the old and the marked one,
 * the new deadline the later. So the order in which marks arrive does not matter, and a stale mark cannot weaken a newer
 * one. A key whose deadline has passed counts as available, so its old status and deadline are ignored. A mark that
 * changes nothing is still counted, and returns 0.
 *
 * A cooldown never ends before its deadline. It ends at most 1 ms after it, or 11 ms if the marking process makes more
 * than 1,024 calls within one tick of the kernel's coarse clock (CLOCK_MONOTONIC_COARSE, clock_gettime(2)).
 *
 * The four marks return 0, or:
 * -ESTALE   the key is not, or no longer, in the pool
 * -EINVAL   a duration below -1 or above KEYSHM_DURATION_MAX_MS
 * -EROFS    a read-only attachment
 * -EBUSY    other processes changed the same key 10,000 times during the call
 */
#define KEYSHM_NO_RETRY_AFTER (-1)

/*
 * Do not pick the key for retry_after_ms from now. KEYSHM_NO_RETRY_AFTER stands for the pool's default_cooldown_ms. 0 is
 * counted but changes nothing: an available key stays available, and an unavailable one stays as it is.
 */
int keyshm_mark_rate_limited(keyshm_pool *pool, keyshm_id id, int64_t retry_after_ms);

/*
 * Do not pick the key for reset_after_ms from now; -1: until it is marked available. 0 changes nothing, as with a rate
 * limit.
 */
int keyshm_mark_quota_exceeded(keyshm_pool *pool, keyshm_id id, int64_t reset_after_ms);

/* Do not pick the key until it is marked available. Adds to its error_count. */
int keyshm_mark_invalid(keyshm_pool *pool, keyshm_id id);

/* Make the key available now, whatever its status. No other call lowers a status before its deadline. */
int keyshm_mark_available(keyshm_pool *pool, keyshm_id id);

/*
 * Record the end of every cooldown that is over: in the state of the keys, the events and the log. It is never required:
 * picks compare the deadline with the clock. Returns the number of keys that this call made available, or -EROFS.
 */
int keyshm_reset_expired_cooldowns(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Inspection
 *
 * These calls change nothing, and work on every attachment.
 */

/* Returns 1 if the key can be picked now, 0 if not. -ESTALE. */
int keyshm_is_available(keyshm_pool *pool, keyshm_id id);

/* Returns the number of keys that can be picked now. */
int keyshm_available_count(keyshm_pool *pool);

/* One note of a key; both strings are NUL-terminated. */
struct keyshm_metadata {
    char name[KEYSHM_METADATA_NAME_MAX + 1];
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
};

struct keyshm_key_snapshot {
    keyshm_id id;
    unsigned slot;
    enum keyshm_status status;            /* as for a pick: KEYSHM_AVAILABLE if its cooldown is over */
    int64_t cooldown_left_ms;             /* 0: none; -1: until marked available */
    int64_t last_used_ago_ms;             /* since the last pick; -1: never picked */
    uint64_t error_count;                 /* times it was marked invalid */
    uint64_t picks;                       /* times it was picked */
    uint64_t marked[KEYSHM_STATUS_COUNT]; /* times it was marked with each status, indexed by status */
    char masked_key[KEYSHM_MASKED_SIZE];  /* "sk-…wXyz", or "…" for a key of less than 20 bytes; UTF-8 */
    size_t metadata_count;
    struct keyshm_metadata *metadata; /* sorted by name; freed with the snapshot; NULL if there is none */
};

/*
 * A copy of a pool's state. Each key's entry is consistent; the entries were read one after another. Counters are
 * statistics: a process that is killed during a call may not have counted it.
 */
struct keyshm_snapshot {
    char provider[KEYSHM_PROVIDER_MAX + 1];
    unsigned capacity; /* the settings of the pool, see struct keyshm_options */
    unsigned key_max;  /* bytes */
    int64_t default_cooldown_ms;
    int64_t created_unix_ms; /* wall-clock time of creation, in milliseconds since 1970 */
    int64_t age_ms;          /* time since creation, by the monotonic clock */
    uid_t creator_uid;
    pid_t creator_pid;          /* in its own PID namespace */
    char creator_name[16];      /* as in /proc/PID/comm (proc(5)) at creation */
    uint64_t recoveries;        /* times that the pool was cleaned up after a mutex owner died */
    pid_t mutex_holder_pid;     /* 0: the mutex is free; -1: held by a process in another PID namespace */
    char mutex_holder_name[16]; /* as in /proc/PID/comm; "" if not known */
    char mutex_holder_state;    /* as in /proc/PID/stat (proc(5)), 'T' is stopped; '\0' if not known */
    int64_t mutex_held_ms;      /* how long it has been held; -1 if it is free, or if not known */
    unsigned count;             /* keys in the pool; of these, status_count[s] have the status s */
    unsigned status_count[KEYSHM_STATUS_COUNT];
    struct keyshm_key_snapshot *keys; /* in slot order */
};

/*
 * Copy the state of the pool. Free the copy with keyshm_snapshot_free(), which ignores NULL.
 *
 * -EBADMSG  the segment's header is no longer the one that was checked on attach: its file was overwritten
 * -ENOMEM
 */
int keyshm_snapshot(keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot);
void keyshm_snapshot_free(struct keyshm_snapshot *snapshot);

/*
 * A process that is, or was, attached. A process is listed once for each attachment, from keyshm_create() or
 * keyshm_attach(), or, if it inherited the attachment by fork(2), from its first pick; until keyshm_close(). A process
 * that ends without keyshm_close() stays listed as dead until another process needs its row. Read-only attachments are
 * not listed.
 */
struct keyshm_worker {
    pid_t pid;      /* in its own PID namespace */
    char name[16];  /* as in /proc/PID/comm (proc(5)) when it was listed */
    int is_alive;   /* 1: yes; 0: no, it has ended; -1: not known, as it is in another PID namespace than the caller */
    char state;     /* as in /proc/PID/stat (proc(5)), 'T' is stopped; '\0' if not known */
    uint64_t picks; /* through this attachment; too low if several threads of the process pick at once */
    int64_t attached_ago_ms;
};

struct keyshm_worker_list {
    size_t count;
    struct keyshm_worker *workers; /* the longest attached first */
    unsigned capacity;             /* number of rows: a quarter of the pool's capacity, at least 256 */
    uint64_t unlisted;             /* times that a process was not listed because all rows belonged to live processes */
};

/* List the processes that use the pool. Free the list with keyshm_worker_list_free(), which ignores NULL. -ENOMEM. */
int keyshm_workers(keyshm_pool *pool, struct keyshm_worker_list **ret_list);
void keyshm_worker_list_free(struct keyshm_worker_list *list);

enum keyshm_event_kind {
    KEYSHM_EVENT_ADDED = 0,
    KEYSHM_EVENT_REMOVED = 1,
    KEYSHM_EVENT_MARKED = 2,    /* a mark that changed the state of the key */
    KEYSHM_EVENT_REFUSED = 3,   /* a stale mark: it is weaker than the state of the key, or the key was removed */
    KEYSHM_EVENT_EXPIRED = 4,   /* the end of a cooldown was recorded, as by keyshm_reset_expired_cooldowns() */
    KEYSHM_EVENT_RECOVERED = 5, /* the pool was cleaned up after a mutex owner died */
    KEYSHM_EVENT_REPAIRED = 6,  /* keyshm_repair() */
};
#define KEYSHM_EVENT_KIND_COUNT 7

/*
 * Returns "added", "removed", "marked", "refused", "expired", "recovered" or "repaired", a static string; NULL for any
 * other number.
 */
const char *keyshm_event_kind_name(enum keyshm_event_kind kind);

/* One event. A field that does not apply to its kind has the value that is called "none" below. */
struct keyshm_event {
    enum keyshm_event_kind kind;
    int64_t unix_us;     /* when, by the wall clock as it is set now: microseconds since 1970. Accurate to one tick of
                            the kernel's coarse clock, a few milliseconds */
    int64_t ago_ms;      /* time since the event, by the monotonic clock */
    pid_t pid;           /* the process that caused it, in its own PID namespace */
    keyshm_id id;        /* of the key; 0: none */
    int from;            /* enum keyshm_status, as a pick would have seen it; -1: none, or not known */
    int to;              /* enum keyshm_status: the new one; for a refused mark, the one it asked for; -1: none */
    int64_t duration_ms; /* of a mark: its retry_after_ms or reset_after_ms; -1: none */
    pid_t dead_pid;      /* of a recovery: the process that died; 0: none, or not known */
    char masked_key[KEYSHM_MASKED_SIZE]; /* "" if the key is no longer in the pool */
};

/*
 * The recorded events. A pool keeps three classes of events separately, so that many events of one class do not displace
 * rarer ones: cooldowns (changes between available and rate_limited, and refused marks), lasting changes (to or from
 * quota_exceeded and invalid), and membership (all others). Of each class it keeps the last N, where N is a quarter of
 * the capacity as a power of two, 256 to 16,384. Events outlive the processes that caused them; they end with the pool.
 *
 * A mark that repeats exactly the current state is no event.
 */
struct keyshm_event_list {
    size_t count;
    struct keyshm_event *events; /* the oldest first */
    uint64_t missing;            /* incomplete records: the process writing it was killed or stopped */
    uint64_t overwritten;        /* events after the cursor that are no longer kept */
};

#define KEYSHM_EVENT_CLASS_COUNT 3

/* A position in the events. All zero is the beginning. */
struct keyshm_event_cursor {
    uint64_t next[KEYSHM_EVENT_CLASS_COUNT];
};

/*
 * Copy the events after the cursor, and move the cursor behind them; with NULL, copy all that are kept. On failure the
 * cursor is not moved. Lock-free; readers do not affect each other. Free the list with keyshm_event_list_free(), which
 * ignores NULL. -ENOMEM, -EBADMSG as keyshm_snapshot().
 */
int keyshm_events(keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null, struct keyshm_event_list **ret_list);
void keyshm_event_list_free(struct keyshm_event_list *list);

/* Receives one violated invariant, described for people. It never contains a key. `problem` is valid during the call. */
typedef void keyshm_problem_fn(const char *problem, void *user);

/*
 * Check every invariant; report each violation to fn (the first 32; fn may be NULL), with `user`. Returns the number of
 * violations, so 0 means that the pool is sound. Only reads, takes no lock, and may run while other processes use the
 * pool.
 *
 * -EBUSY    keys were being added or removed throughout the call, or the process that was changing the pool has died or
 *           is stopped; after a death, the next membership change repairs the pool
 */
int keyshm_verify(keyshm_pool *pool, keyshm_problem_fn *fn_or_null, void *user);

/* ------------------------------------------------------------------------------------------------------------------
 * Logging
 */

enum keyshm_log_level {
    KEYSHM_LOG_ERROR = 0,   /* a membership change failed for a reason outside the call */
    KEYSHM_LOG_WARNING = 1, /* recoveries, refused attachments, refused arguments */
    KEYSHM_LOG_INFO = 2,    /* pools created and unlinked; keys added, removed and changing status */
    KEYSHM_LOG_DEBUG = 3,   /* marks that changed nothing, attachments, metadata */
};

/*
 * Receives one message, without a newline. It never contains a key, only its masked form. `message` is valid during the
 * call. Called in the thread that caused the message, with no lock held; it may call keyshm.
 */
typedef void keyshm_log_fn(enum keyshm_log_level level, const char *message, void *user);

/*
 * Send messages of level `least` and more severe ones to fn, with `user`. NULL turns logging off, which is the default.
 * Applies to the whole process: call it before other threads use keyshm. A forked child inherits it.
 *
 * If the program never calls this and KEYSHM_LOG=error|warning|info|debug is in the environment, messages go to standard
 * error. (Not in set-user-ID programs: secure_getenv(3).)
 */
void keyshm_set_log(keyshm_log_fn *fn_or_null, void *user, enum keyshm_log_level least);

#ifdef __cplusplus
}
#endif

#endif
