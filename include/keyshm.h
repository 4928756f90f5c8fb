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
 * - Strings that are returned as `const char *` are static, unless their function says otherwise. Lists and snapshots
 *   are allocated with malloc(3), and are independent of the attachment they came from: they stay valid until their own
 *   free function is called.
 * - Durations are in milliseconds of CLOCK_BOOTTIME (clock_gettime(2)): setting the wall clock has no effect on them,
 *   and time goes on while the machine sleeps. Those that are passed may have the two special values
 *   KEYSHM_NO_RETRY_AFTER and KEYSHM_UNTIL_MARKED; those that are returned are -1 for "none" or "until marked".
 * - A struct that a caller passes, and that may grow, begins with its size: set it with the _INIT macro of the struct,
 *   or with the function of that name. Fields that the caller does not know get their defaults; fields that the library
 *   does not know must be zero, otherwise -E2BIG. A list has the distance of two elements beside each array, so that a
 *   program can use the lists of a later library.
 *
 * What is lock-free
 * =================
 *
 * keyshm_next(), keyshm_next_key(), keyshm_mark() and every keyshm_mark_*(), keyshm_pause(), keyshm_resume(),
 * keyshm_acquire() unless it is to wait for a key, keyshm_wait_hint_ms(), keyshm_settle(), keyshm_release(),
 * keyshm_cancel(), keyshm_reap(), keyshm_observe(), keyshm_get_limits(), keyshm_success(), keyshm_get_streak(),
 * keyshm_raise_streak(), keyshm_set_policy(), keyshm_get_policy(),
 * keyshm_is_available(), keyshm_available_count(), both also for a model, keyshm_next_available_ms(),
 * keyshm_reset_expired_cooldowns(), keyshm_find(), keyshm_find_group(), keyshm_find_model() and the names of what they
 * find, keyshm_get(), keyshm_get_metadata(), keyshm_inspect(), keyshm_set_worker_name(), keyshm_after_fork(),
 * keyshm_provider_rules(), keyshm_snapshot(), keyshm_events(), keyshm_workers() and keyshm_leases() take no lock and
 * never wait for another process, even if one was killed or stopped at any instruction. All of them except the last four,
 * which allocate memory, are also safe in a signal handler (signal-safety(7)) while logging is off.
 *
 * keyshm_add(), keyshm_add_to_group(), keyshm_remove(), keyshm_replace_keys(), keyshm_replace_group_keys(),
 * keyshm_group(), keyshm_set_group(), keyshm_remove_group(), keyshm_model(), keyshm_set_priority(), keyshm_set_weight(),
 * keyshm_set_limits(), keyshm_set_metadata() and keyshm_repair() are the "membership changes": they take the pool's
 * robust mutex (pthread_mutexattr_setrobust(3)). They are not for signal handlers. Each of them can also fail with:
 *   -ETIMEDOUT        another process held the mutex for the pool's whole lock_timeout_ms; the log names the holder
 *   -EXDEV            it is not certain that the caller is in the PID namespace of the pool's creator: it is in another one,
 *                     or one of the two could not be found out (the log says which). A robust mutex identifies its
 *                     owner by thread id, which is only meaningful within one PID namespace (pid_namespaces(7))
 *   -EDEADLK          called from a signal handler that interrupted a membership change, in whichever pool, in the same
 *                     thread
 *   -ENOTRECOVERABLE  the mutex cannot be recovered; picks, marks and inspection still work
 *
 * Caveats
 * =======
 *
 * - A call must finish in the thread that started it: do not leave one with siglongjmp(3) from a signal handler. Do not
 *   call fork(2) in a signal handler that may have interrupted one, unless the child never returns from the handler
 *   (POSIX.1-2024 no longer lists fork() as safe in a handler).
 * - Do not call keyshm_close() on an attachment that another thread is still using.
 * - The contents of a pool are trusted as far as the pool's owner is: a process of the same user can overwrite the
 *   segment, just as it could ptrace(2) the workers. Other users cannot open it.
 * - The directory for shared memory is world-writable (shm_overview(7)), so another user can take the name of a pool that
 *   does not exist yet. keyshm refuses such a file (-EACCES, -EEXIST) and never trusts it.
 * - Processes in time namespaces whose offsets of CLOCK_BOOTTIME differ (time_namespaces(7)) must not share a pool.
 * - An attachment to a pool with a name keeps its file open, on a descriptor above 2 with FD_CLOEXEC. A program that
 *   closes all descriptors may close it too: then keyshm_is_replaced() sees less.
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

/* The longest duration: 366 days, in milliseconds. */
#define KEYSHM_DURATION_MAX_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

/*
 * Durations that are none: the policy's, because the provider has not said how long; and without end. No difference of
 * two times yields either, and both are exact in a double.
 */
#define KEYSHM_NO_RETRY_AFTER (-INT64_C(9007199254740991))
#define KEYSHM_UNTIL_MARKED INT64_C(9007199254740991)

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

/* The maximum length of the name of a layout, see keyshm_layout_name(): bytes, without the NUL. */
#define KEYSHM_LAYOUT_NAME_MAX 16

/*
 * The maximum length of the name of a group or a model, in bytes, without the NUL. Such a name is 1 to 128 bytes
 * without control characters (bytes below 0x20, and 0x7f) and without a space at either end.
 */
#define KEYSHM_NAME_MAX 128

/* The last priority, and the greatest weight, that a key can have: keyshm_set_priority(), keyshm_set_weight(). */
#define KEYSHM_PRIORITY_MAX 3
#define KEYSHM_WEIGHT_MAX 15

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
 * What is known about a key or a group. The values are ordered by severity: a mark never lowers the status of a key,
 * except keyshm_mark_available(). See "Marking", below.
 */
enum keyshm_status {
    KEYSHM_AVAILABLE = 0,
    KEYSHM_RATE_LIMITED = 1,   /* until its deadline, or until marked available */
    KEYSHM_QUOTA_EXCEEDED = 2, /* until its deadline, or until marked available */
    KEYSHM_INVALID = 3,        /* until marked available */
};
#define KEYSHM_STATUS_COUNT 4

/* What a mark is about. Of a key without a group, the group is the key itself. */
enum keyshm_scope {
    KEYSHM_SCOPE_KEY = 0,
    KEYSHM_SCOPE_GROUP = 1,
};

/* Why a key is not available, in this order: the later one says more. */
enum keyshm_reason {
    KEYSHM_REASON_NONE = 0,
    KEYSHM_REASON_PEER = 1,            /* another machine said so */
    KEYSHM_REASON_BUDGET = 2,          /* what the provider allows is used up */
    KEYSHM_REASON_TIMEOUT = 3,         /* no answer */
    KEYSHM_REASON_SERVER_ERROR = 4,    /* the provider's fault */
    KEYSHM_REASON_OVERLOADED = 5,      /* the provider has too much to do */
    KEYSHM_REASON_RATE_LIMIT = 6,      /* too many requests */
    KEYSHM_REASON_QUOTA = 7,           /* the allowance of a day or a month */
    KEYSHM_REASON_BILLING = 8,         /* somebody must pay */
    KEYSHM_REASON_PERMISSION = 9,      /* the key may not do this */
    KEYSHM_REASON_AUTHENTICATION = 10, /* the key is not, or no longer, known */
    KEYSHM_REASON_OPERATOR = 11,       /* somebody said so by hand */
};
#define KEYSHM_REASON_COUNT 12

/* KEYSHM_VERSION of the library that is running, which may be newer than the header that a program was compiled with. */
unsigned keyshm_version(void);

/*
 * The layout of the segments that this library makes and can attach to: it depends on the library's version, the word
 * size and the libc. It is a part of the name of a segment, so that pools of different layouts stand side by side.
 */
const char *keyshm_layout_name(void);

/* Returns "none", "rate_limit", "server_error" and so on, a static string: the name of the constant in lower case,
 * without KEYSHM_REASON_; NULL for any other number. */
const char *keyshm_reason_name(enum keyshm_reason reason);

/* The inverse of keyshm_reason_name(); names match exactly. -EINVAL if no reason has this name. */
int keyshm_reason_from_name(const char *name, enum keyshm_reason *ret_reason);

/* Returns "available", "rate_limited", "quota_exceeded" or "invalid", a static string; NULL for any other number. */
const char *keyshm_status_name(enum keyshm_status status);

/* The inverse of keyshm_status_name(); names match exactly. -EINVAL if no status has this name. */
int keyshm_status_from_name(const char *name, enum keyshm_status *ret_status);

/* Describes any errno value that keyshm returns, negative or positive. Returns a static string, never NULL. */
const char *keyshm_strerror(int error);

/* Returns the name of an errno value, negative or positive, such as "ENOKEY"; NULL if it is none. */
const char *keyshm_error_name(int error);

/* ------------------------------------------------------------------------------------------------------------------
 * Pools
 */

/*
 * The settings of a new pool. Initialise it with KEYSHM_OPTIONS_INIT, then set fields. A value outside its range is
 * -EINVAL. All but the cooldown, which is a part of the policy, are the pool's for as long as it exists.
 */
struct keyshm_options {
    size_t size;                 /* sizeof(struct keyshm_options) */
    unsigned capacity;           /* maximum number of keys: 1 to KEYSHM_CAPACITY_MAX; default 1,024 */
    unsigned key_max;            /* maximum length of a key in bytes: 1 to KEYSHM_KEY_MAX; default 512 */
    int64_t default_cooldown_ms; /* the first value of the policy's cooldown_ms: 0 (until marked available) to
                                    KEYSHM_DURATION_MAX_MS; default 60,000 */
    int64_t lock_timeout_ms;     /* how long a membership change waits for the mutex: 1 to KEYSHM_LOCK_TIMEOUT_MAX_MS;
                                    default 5,000 */
    uid_t owner; /* whose pool it is; default KEYSHM_OWNER_CALLER. Only root may name another user, otherwise -EPERM:
                             a master that starts as root creates the pool for the user of its workers */
    unsigned
        workers_max;     /* rows for attached processes: 1 to KEYSHM_WORKERS_MAX; default 0: a quarter of the capacity, at
                             least 256 and at most 4,096 */
    unsigned groups_max; /* maximum number of groups: 0 to KEYSHM_GROUPS_MAX; default 64 */
    unsigned models_max; /* maximum number of models: 0 to KEYSHM_MODELS_MAX; default 8 */
    unsigned in_flight_max;       /* places for requests in flight of a key: 0 to KEYSHM_IN_FLIGHT_MAX; default 16 */
    unsigned group_in_flight_max; /* the same of a group: 0 to KEYSHM_GROUP_IN_FLIGHT_MAX; default 64 */
    const char *provider_rules;   /* the name of its rules, see keyshm_provider_rules(), which is copied: as a provider
                                     name; default NULL: the name of the pool */
};
#define KEYSHM_OPTIONS_INIT                                                                                       \
    {                                                                                                             \
        sizeof(struct keyshm_options), 1024u, 512u, 60000, 5000, KEYSHM_OWNER_CALLER, 0u, 64u, 8u, 16u, 64u, NULL \
    }
void keyshm_options_init(struct keyshm_options *options, size_t size);

/* The effective user. */
#define KEYSHM_OWNER_CALLER ((uid_t)-1)

#define KEYSHM_WORKERS_MAX 65536u
#define KEYSHM_GROUPS_MAX 1024u
#define KEYSHM_MODELS_MAX 1024u
#define KEYSHM_IN_FLIGHT_MAX 64u
#define KEYSHM_GROUP_IN_FLIGHT_MAX 1024u

/*
 * Create the pool of the effective user (or of options->owner) for `provider`, and attach to it. NULL options are the
 * defaults. Creation is atomic: other processes see the complete pool or none, and if several processes create the same
 * pool at once, exactly one succeeds. All memory of the pool is allocated here.
 *
 * A pool of the same name that belongs to root, while this one does not, or that has another layout, is a likely
 * mistake: then the log has a warning that names both.
 *
 * -EEXIST   the pool already exists (attach to it, or use keyshm_open())
 * -EINVAL   an invalid provider name or option
 * -E2BIG    an option of a later version of keyshm is set
 * -EPERM    another user was named as the owner, and the caller is not root
 * -ENOSPC   the shared-memory file system is full; nothing is left behind
 * -EFBIG    the pool is larger than this process's limit on file sizes (RLIMIT_FSIZE, getrlimit(2))
 * -ENOMEM, -EMFILE, -ENFILE, -EACCES, ...  from open(2), fallocate(2), mmap(2), linkat(2)
 */
int keyshm_create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null);

/*
 * Attach to the pool of the effective user (or of options->owner) for `provider`, or create it when there is none: of
 * any number of simultaneous callers all get the same pool. A pool that exists keeps its settings, whatever the options
 * say; they are checked all the same. Errors as keyshm_create() and keyshm_attach(), without -EEXIST and -ENOENT; and:
 *
 * -EBUSY    the pool was unlinked and created again, 100 times during the call
 */
int keyshm_open(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null);

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

/* Attach to the pool of the user `owner`. Errors as keyshm_attach(); -EACCES also if the caller is neither `owner` nor
 * root. */
int keyshm_attach_user(keyshm_pool **ret_pool, uid_t owner, const char *provider);

/*
 * Returns an attachment for the whole process to the effective user's pool for `provider`, made by keyshm_attach() at
 * the first call and kept: for programs that have no place to keep one. At most every 100 ms it looks whether the pool
 * was replaced, and then attaches anew; while there is no pool, it returns the old one. NULL when it has none and
 * cannot attach: *ret_error_or_null is then the error of keyshm_attach(), or -ENOMEM.
 *
 * May be called from any thread, and in a forked child. Never close what it returns. It stays good for at least a
 * minute after a later call has returned another one.
 */
keyshm_pool *keyshm_shared(const char *provider, int *ret_error_or_null);

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
 * Returns 1 when it can be seen that the pool's name no longer leads to the attached segment: the pool was unlinked,
 * and perhaps created again, so that other processes may share a pool that this one does not see. A worker should then
 * close its attachment and attach again. Returns 0 otherwise, always for an anonymous pool.
 *
 * A segment without a name left is replaced, wherever the caller is. That another file has taken its name is seen only
 * where the name can be looked up: not in a chroot(2) or a mount namespace (mount_namespaces(7)) with another /dev/shm.
 *
 * Works on every attachment; calls fstat(2) and perhaps lstat(2), and takes no lock.
 *
 * -EBADMSG  the attached segment has its name, but its file was truncated; see "Caveats", above
 */
int keyshm_is_replaced(keyshm_pool *pool);

/*
 * Returns the name of the pool's rules: those by which it is judged what a provider's answer means. Pools with other names
 * may have the rules of one provider; the option provider_rules of keyshm_create() says so. Works on every attachment; the
 * string is the attachment's, and never changes. NULL only if `pool` is.
 */
const char *keyshm_provider_rules(keyshm_pool *pool);

/* Detach this process, and free the attachment. The pool continues to exist. NULL is ignored. */
void keyshm_close(keyshm_pool *pool);

/*
 * Optional, in a forked child: do at once what its first pick would do (look up its PID namespace, pid and name, and
 * list itself as a worker), for a sandbox that forbids system calls later. Membership changes make system calls all the
 * same. -EROFS.
 */
int keyshm_after_fork(keyshm_pool *pool);

/*
 * Remove the name of the effective user's pool for `provider`, whatever the file contains. Attached processes keep it.
 *
 * -ENOENT   there is no such pool
 * -EINVAL   an invalid provider name
 * ...       from shm_unlink(3), which is described with shm_open(3)
 */
int keyshm_unlink(const char *provider);

/* The same of the user `owner`. -EACCES also if the caller is neither `owner` nor root. */
int keyshm_unlink_user(uid_t owner, const char *provider);

/*
 * All pools of one user, sorted by name (strcmp(3)), and those of one name by layout. A pool whose layout is not
 * keyshm_layout_name() was made by another version of keyshm, and cannot be attached to.
 */
struct keyshm_pool_list {
    size_t count;
    char (*providers)[KEYSHM_PROVIDER_MAX + 1];
    size_t providers_bytes; /* the distance of two providers */
    char (*layouts)[KEYSHM_LAYOUT_NAME_MAX + 1];
    size_t layouts_bytes; /* the distance of two layouts */
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
    size_t element_bytes; /* the distance of two owners */
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

/*
 * The same, in a group from the first moment; 0: in none. A key that is in the pool already stays in its group. Errors
 * as keyshm_add(), and -EINVAL: not the id of a group; -ESTALE: there is no such group.
 */
int keyshm_add_to_group(keyshm_pool *pool, const char *key, keyshm_id group_or_0, keyshm_id *ret_id);

/* Remove a key and wipe its bytes. -ESTALE, -EROFS, and the errors of every membership change. */
int keyshm_remove(keyshm_pool *pool, keyshm_id id);

/* What keyshm_replace_keys() has done. */
struct keyshm_replaced {
    size_t size;    /* sizeof(struct keyshm_replaced) */
    size_t kept;    /* keys that were in the pool already */
    size_t added;   /* keys */
    size_t removed; /* keys */
    size_t invalid; /* with -EINVAL: the index of the first key that is not valid; then only this is set */
};
#define KEYSHM_REPLACED_INIT                        \
    {                                               \
        sizeof(struct keyshm_replaced), 0, 0, 0, 0u \
    }
void keyshm_replaced_init(struct keyshm_replaced *replaced, size_t size);

/*
 * Make the pool hold exactly these keys. Those that it has already keep their id, state, counts and notes. New ones are
 * added first, as far as there is room, so that no pick finds the pool empty meanwhile. A key that is given twice is
 * one key; a count of 0 empties the pool. It is one membership change for others, but not one step: a process that is
 * killed in the middle has made a part of the changes, and the same call completes them. ret_or_null, on input, has its
 * size.
 *
 * -EINVAL   a key is not valid, see keyshm_add(): nothing was changed; or the size is missing
 * -ENOSPC   there are more keys than the pool's capacity: nothing was changed
 * -ENOMEM, -EROFS, and the errors of every membership change
 */
int keyshm_replace_keys(keyshm_pool *pool, const char *const *keys, size_t count, struct keyshm_replaced *ret_or_null);

/*
 * The same for the keys of one group: all other keys stay. With group 0 it is keyshm_replace_keys(). A key of the list
 * that is in another group stays there, and counts as kept. Errors as keyshm_replace_keys(), and -EINVAL: not the id of
 * a group; -ESTALE: there is no such group.
 */
int keyshm_replace_group_keys(keyshm_pool *pool, keyshm_id group_or_0, const char *const *keys, size_t count,
                              struct keyshm_replaced *ret_or_null);

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
 * Copy the value of one note, NUL-terminated, into a buffer of `size` bytes. Returns its length in bytes, without the
 * NUL. Lock-free; works on every attachment.
 *
 * -ENOENT   the key has no note of this name
 * -ERANGE   the value does not fit; KEYSHM_METADATA_VALUE_MAX + 1 bytes always suffice
 * -EINVAL   an invalid name
 * -EBUSY    the key's notes were changed throughout the call
 * -ESTALE
 */
int keyshm_get_metadata(keyshm_pool *pool, keyshm_id id, const char *name, char *buffer, size_t size);

/*
 * Run the cleanup that follows the death of a mutex owner, whether one died or not: wipe slots that hold no key, rebuild
 * the index, and have every key rechecked for availability. This corrects what keyshm_verify() reports about these parts.
 * No key and no status changes. It is never required: the next membership change after such a death does the same.
 * -EROFS, and the errors of every membership change.
 */
int keyshm_repair(keyshm_pool *pool);

/* ------------------------------------------------------------------------------------------------------------------
 * Groups and models
 *
 * Few providers limit a key: their limits belong to an account, and often to one model of it.
 *
 * A group is a set of keys that share an account. It has an id of its own, which is never that of a key: it can be
 * marked, paused and inspected as a key can. Where a key is needed, it is -EINVAL.
 *
 * A model is a part of the provider's interface with limits of its own: a model, a deployment, an endpoint. Models are
 * numbered from 1 on, and stay as long as the pool; 0 is "whatever the model".
 *
 * Four states decide whether a key is available for a model: the key's own and its group's, each whatever the model and
 * for that model. For model 0 only the two that hold whatever the model count.
 *
 * The calls that make or change something are membership changes; the others are lock-free and work on every attachment.
 */

/*
 * Find the group of this name, see KEYSHM_NAME_MAX, or make it. One that is there is found without the mutex.
 *
 * -EINVAL   not a valid name
 * -ENOSPC   the pool has groups_max groups
 * -EROFS, and the errors of every membership change
 */
int keyshm_group(keyshm_pool *pool, const char *name, keyshm_id *ret_group);

/* Only find it. -ENOENT, -EINVAL. */
int keyshm_find_group(keyshm_pool *pool, const char *name, keyshm_id *ret_group);

/*
 * Copy its name, NUL-terminated, into a buffer of `size` bytes. Returns the length in bytes, without the NUL. -ENOENT:
 * there is no such group. -ERANGE: it does not fit; KEYSHM_NAME_MAX + 1 bytes always suffice.
 */
int keyshm_group_name(keyshm_pool *pool, keyshm_id group, char *buffer, size_t size);

/*
 * Move a key to a group, or with 0 out of its group. -ESTALE: there is no such key, or group. -EINVAL: `key` is the id
 * of a group, or `group_or_0` that of a key. -EROFS, and the errors of every membership change.
 */
int keyshm_set_group(keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0);

/* Remove a group. -EBUSY: keys are in it. -ESTALE, -EINVAL, -EROFS, and the errors of every membership change. */
int keyshm_remove_group(keyshm_pool *pool, keyshm_id group);

/*
 * Find the model of this name, or make it, as keyshm_group() does. -ENOSPC: the pool has models_max models. -EINVAL,
 * -EROFS, and the errors of every membership change.
 */
int keyshm_model(keyshm_pool *pool, const char *name, unsigned *ret_model);

/* Only find it: for names that come from outside. -ENOENT, -EINVAL. */
int keyshm_find_model(keyshm_pool *pool, const char *name, unsigned *ret_model);

/* As keyshm_group_name(). -ENOENT, -ERANGE. */
int keyshm_model_name(keyshm_pool *pool, unsigned model, char *buffer, size_t size);

/* ------------------------------------------------------------------------------------------------------------------
 * Priorities and weights
 *
 * Which key is next: one of the first priority of which a key is available for this request, and among these the rotation
 * by weight. A key that is added has priority 0 and weight 1. Both calls are membership changes.
 */

/*
 * 0 to KEYSHM_PRIORITY_MAX; 0 goes first. A key is picked only while no key of a lower number is available for the
 * request: at one instant of the pick, none was. A key counts as available from the return, at the latest, of the call
 * that makes it so; and if a process is killed or stopped in that call, half a second later at the latest.
 *
 * -ESTALE   there is no such key
 * -EINVAL   no such priority, or the id of a group
 * -EROFS, and the errors of every membership change
 */
int keyshm_set_priority(keyshm_pool *pool, keyshm_id key, unsigned priority);

/*
 * 1 to KEYSHM_WEIGHT_MAX: its share of the turns among the keys of its priority. While the same keys are available, a key
 * of weight w gets exactly w turns for each turn of a key of weight 1, well spread: over any whole number of cycles of 15
 * rounds, the counts differ from that by at most one turn for each process. The turns of keys that are not available go
 * to the others.
 *
 * -ESTALE   there is no such key
 * -EINVAL   no such weight, or the id of a group
 * -EROFS, and the errors of every membership change
 */
int keyshm_set_weight(keyshm_pool *pool, keyshm_id key, unsigned weight);

/* ------------------------------------------------------------------------------------------------------------------
 * Budgets: what a provider allows, counted before it refuses
 */

enum keyshm_charge {
    KEYSHM_CHARGE_AT_PICK,    /* what the request says that it will use */
    KEYSHM_CHARGE_AT_RELEASE, /* that is held while the request is in flight, and what it has used is charged */
};

/* So much in a time, spread evenly: what is used drains at this rate, and at most `burst` can be used at once. */
struct keyshm_rate {
    uint64_t amount; /* 0: no limit, and the other fields mean nothing */
    int64_t per_ms;  /* 1 to KEYSHM_DURATION_MAX_MS */
    uint64_t burst;  /* 0: a sixth of the amount, at least 1 */
    enum keyshm_charge charge;
};

/* Initialise it with KEYSHM_LIMITS_INIT: no limits. Then set fields. */
struct keyshm_limits {
    size_t size;                      /* sizeof(struct keyshm_limits) */
    struct keyshm_rate requests;      /* default: per minute; charged at the pick, always */
    struct keyshm_rate tokens;        /* default: per minute, at release */
    struct keyshm_rate requests_long; /* default: per day; otherwise as requests */
    struct keyshm_rate tokens_long;   /* default: per day; otherwise as tokens */
    unsigned in_flight;               /* at most so many requests at the same time; 0: no cap */
};
#define KEYSHM_LIMITS_INIT                                                                                           \
    {                                                                                                                \
        sizeof(struct keyshm_limits), {0, 60000, 0, KEYSHM_CHARGE_AT_PICK}, {0, 60000, 0, KEYSHM_CHARGE_AT_RELEASE}, \
            {0, 86400000, 0, KEYSHM_CHARGE_AT_PICK}, {0, 86400000, 0, KEYSHM_CHARGE_AT_RELEASE}, 0u                  \
    }
void keyshm_limits_init(struct keyshm_limits *limits, size_t size);

/*
 * Set the limits of a key or a group, whole (model 0) or for that model; with id 0, of every key that has none of its own.
 * They replace those that it had; NULL: it has none of its own any longer, and what was used is forgotten. Limits that are all
 * 0 are its own as well, so those of id 0 do not count for it.
 *
 * A request for a model is charged to all four budgets: of the key and of its group, each whole and for the model. In any
 * time W, no more than `burst` and what the rate gives in W is admitted, by all processes together, however many of them
 * are killed. While limits are changed, that holds for the larger ones. A request for more tokens than the burst is
 * admitted when nothing is owed, and leaves a debt. A key whose budget is used up is not available, but keeps its status.
 *
 * Membership rules and errors as keyshm_set_priority(), and:
 *
 * -ESTALE   there is no such key or group
 * -EINVAL   a time or a charge is none, or requests are to be charged at release; a model that the pool does not have; a
 *           cap of a model, or above in_flight_max, or of a group above group_in_flight_max; a struct without its size
 * -ENOSPC   as many different limits are in use as the pool has room for: a quarter of its capacity, at least 256 and at
 *           most 4,096
 * -E2BIG    a field of a later version is set
 */
int keyshm_set_limits(keyshm_pool *pool, keyshm_id key_or_group_or_0, unsigned model,
                      const struct keyshm_limits *limits_or_null);

/* Those in force: of a key without any of its own, those of id 0. Only the first ret_limits->size bytes are written. Works on
 * every attachment. -ESTALE, -EINVAL. */
int keyshm_get_limits(keyshm_pool *pool, keyshm_id key_or_group_or_0, unsigned model, struct keyshm_limits *ret_limits);

/* What the answer of a provider says of how much is left, of requests and of tokens: often in its headers. */
struct keyshm_observation {
    size_t size; /* sizeof(struct keyshm_observation) */
    unsigned model;
    enum keyshm_scope scope;
    int64_t requests_left;     /* -1, here and below: not said */
    int64_t requests_reset_ms; /* until then; when it counts anew, or has forgotten all */
    int64_t tokens_left;
    int64_t tokens_reset_ms;
};
#define KEYSHM_OBSERVATION_INIT                                                 \
    {                                                                           \
        sizeof(struct keyshm_observation), 0u, KEYSHM_SCOPE_KEY, -1, -1, -1, -1 \
    }
void keyshm_observation_init(struct keyshm_observation *observation, size_t size);

/*
 * Join what a provider's answer says is left to what is known of the key or group; with KEYSHM_SCOPE_GROUP, of the group that the
 * key is in. It is of the shortest window for which there is a limit and that is not shorter than the reset. Call it before the
 * lease of that request is given back.
 *
 * It only ever makes a budget smaller. Until the reset no more is admitted than was left: what drains from the limit in the
 * meantime is not, as a provider that counts in windows gives nothing back before. What is charged after the answer counts, and
 * of requests also what was under way when it was made, as far as can be known. If later answers name a later reset each time,
 * the provider counts continuously, and from then on what drains is admitted again. For one model, or without a reset, no more is
 * admitted at this moment than is left.
 *
 * 0 left, with a reset, is a mark: rate limited until then, for KEYSHM_REASON_BUDGET, which is in no streak, also where there are
 * no limits.
 *
 * Takes no lock, like a mark.
 *
 * -ESTALE   the key or group is not, or no longer, in the pool
 * -EINVAL   a model that the pool does not have, no scope, a number below -1; a struct without its size
 * -E2BIG    a field of a later version is set
 * -EBUSY    as of a mark
 * -EROFS    a read-only attachment
 */
int keyshm_observe(keyshm_pool *pool, keyshm_id id, const struct keyshm_observation *observation);

/* ------------------------------------------------------------------------------------------------------------------
 * Picking
 */

/*
 * A picked key. It contains a secret: wipe it with explicit_bzero(3) after use. The struct is frozen: programs that lay
 * it out by themselves may rely on every offset.
 */
struct keyshm_pick {
    keyshm_id id;
    size_t key_length;            /* bytes, without the NUL */
    uint64_t stamp;               /* opaque: what was known of the key; for a mark that answers this pick */
    int64_t benched_ms;           /* 0: the key is available */
    unsigned model;               /* 0: whatever the model */
    uint32_t reserve_32;          /* 0 */
    uint64_t reserve[3];          /* 0 */
    char key[KEYSHM_KEY_MAX + 1]; /* NUL-terminated; up to 63 bytes after the NUL may be set to zero */
};

/*
 * Pick the next available key: of the first priority that has one (keyshm_set_priority()), round-robin, in slot order,
 * and as often as its weight says (keyshm_set_weight()). While the set of available keys does not change, the numbers
 * of picks of any two available keys of one priority and weight differ by no more than the greatest number of processes
 * that have ever picked in bursts at the same time, 8 at most, and by 1 more where other processes pick, too: however
 * many processes came and went, and whether they closed the pool, ended, or were killed.
 *
 * A burst: a single-threaded process that makes more than 1,024 calls within one tick of the kernel's coarse clock
 * (CLOCK_MONOTONIC_COARSE, clock_gettime(2); a few milliseconds) claims several dozen turns at a time, never beyond the
 * end of the round. Its picks still respect every mark made before them by any process. At most 8 processes do so at a
 * time. Turns that a process leaves behind, or that a killed one had, are given to the next single-threaded process
 * that claims.
 *
 * Makes no system call where clock_gettime(2) needs none (vdso(7)), with these exceptions: the first pick in a forked
 * child looks up the child's PID namespace, pid, start time and name; that one, and later ones as long as no row of the
 * list of workers is free, may check whether the owners of 8 rows are still alive; the first pick of a single-threaded
 * process, and one every second, may check those of 8 ranges of turns; and one that is refused for what requests in flight
 * hold, at most every 10 ms, those of 8 of them.
 *
 * -EAGAIN   at one instant during the call no key was available. A key counts as available from the return, at the latest, of
 *           the call that made it so; keyshm_next_available_ms() returns the time until one is
 * -ENOKEY   at one instant during the call the pool was empty
 * -EBUSY    other processes took or changed every key that was found, 10,000 times during the call
 * -EOPNOTSUPP  no key can be had by waiting, and there are some that have a cap (keyshm_set_limits()), which are passed over:
 *           they are for keyshm_acquire()
 * -EROFS    a read-only attachment
 */
int keyshm_next(keyshm_pool *pool, struct keyshm_pick *ret_pick);

/*
 * The same for a caller with a buffer of its own, of `size` bytes: copies the key, NUL-terminated, and returns its
 * length in bytes without the NUL. There is no stamp. ret_id_or_null may be NULL. Wipe the buffer after use.
 *
 * -ERANGE   the picked key does not fit (its turn is used up); the pool's key_max + 1 bytes always suffice
 * ...       and the errors of keyshm_next()
 */
ssize_t keyshm_next_key(keyshm_pool *pool, char *buffer, size_t size, keyshm_id *ret_id_or_null);

/*
 * Copy the key with this id, whatever its status: for exporting a pool, or asking the provider about that key. It does not
 * count as a pick and changes nothing; works on every attachment. The stamp is that of a pick at this moment, whatever the
 * model: it knows the key and its group. *ret_pick then contains a secret, as after keyshm_next(). -ESTALE.
 */
int keyshm_get(keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick);

/*
 * Returns the time until a key is available, in milliseconds: 0 if one is available now, -1 if no time is known (the pool
 * is empty, or every key is unavailable until it is marked available). Any other negative value is an error: -EINVAL.
 * Works on every attachment.
 */
int64_t keyshm_next_available_ms(keyshm_pool *pool);

/* What a pick is wanted for. All zero, but for the size, is a pick as keyshm_next() makes it. */
struct keyshm_request {
    size_t size;       /* sizeof(struct keyshm_request) */
    unsigned model;    /* 0: whatever the model */
    uint64_t tokens;   /* that it will use, as far as is known: where tokens are limited, they are charged */
    uint64_t affinity; /* not 0: the same number gets the same key; see keyshm_acquire() */
    int64_t wait_ms;   /* how long to wait for a key: 0: not at all; KEYSHM_UNTIL_MARKED: without end */
    unsigned flags;    /* KEYSHM_SOONEST, or 0 */
};
#define KEYSHM_REQUEST_INIT                            \
    {                                                  \
        sizeof(struct keyshm_request), 0u, 0, 0, 0, 0u \
    }
void keyshm_request_init(struct keyshm_request *request, size_t size);

/* A flag of a request. When no key is available, also after wait_ms: the key whose bench ends first. It is rate limited or out
 * of quota, and not paused; its bench ends by itself; caps and budgets hold. pick.benched_ms says how long it is benched yet. */
#define KEYSHM_SOONEST 1u

/* A key that is lent for one request. The struct is frozen, as that of a pick is. The call that ends the lease clears
 * the token. */
struct keyshm_lease {
    uint64_t token[8];
    struct keyshm_pick pick;
};

/*
 * Pick a key for a request; NULL: whatever the model, without a wait. *ret_lease is written whole.
 *
 * With a wait, the calling thread sleeps (futex(2)) until it gets a key or the time is over: 100 ms at a time, or until a key
 * can be had as far as is known, plus up to 2 % of that wait and a second at most, so that not all wait for the same instant;
 * and it is woken by whatever may give it a key before that. A lease that is given back wakes one of those who wait; a change
 * of a group, of all keys, of the policy or of limits wakes all. There is no queue: a call that does not wait may be faster
 * than those who do. A process that is killed while it waits leaves nothing behind.
 *
 * With an affinity, the key of the first priority that this number prefers, if it is available; if not, another, which depends
 * on the number; and that key again when it is. It takes no turn from the other requests. This holds for as long as no key is
 * added, removed, or moved to another priority.
 *
 * -EAGAIN   no key was available at one instant; with a wait, at its end
 * -ENOKEY   there is no key: at once, also with a wait
 * -EBUSY    other processes took or changed every key that was found, 10,000 times during the call
 * -EROFS    a read-only attachment
 * -EINTR    a signal's handler ran while the thread slept. One that runs before it sleeps is not noticed
 * -EUSERS   a place is needed, and the process is not listed, as all rows belong to live processes
 * -EINVAL   a model that the pool does not have, a wait below 0 or above KEYSHM_UNTIL_MARKED, an unknown flag
 * -E2BIG    a field of a later version is set
 */
int keyshm_acquire(keyshm_pool *pool, const struct keyshm_request *request_or_null, struct keyshm_lease *ret_lease);

/*
 * For a wait that an event loop drives. Returns the time until a key can be had for the request, budgets and places included,
 * in milliseconds: 0 if one can be had now, -1 if no time is known. Try again after that or 100 ms, whichever is sooner. Any
 * other negative value is an error: -EINVAL, -E2BIG. Works on every attachment. Neither affinity nor wait_ms nor flags matter.
 */
int64_t keyshm_wait_hint_ms(keyshm_pool *pool, const struct keyshm_request *request_or_null);

/*
 * Say what the request has used, once, before it is released. What is more than it said is charged now. Of limits that are
 * charged at release it is all of it, unless no place was free to hold what it said: then that was charged at the pick. A
 * lease that is released without a word is charged what the request said. -EALREADY: that was said before. -ESTALE, -EROFS:
 * as keyshm_release().
 */
int keyshm_settle(keyshm_pool *pool, struct keyshm_lease *lease, uint64_t tokens_used);

/* Give it back: by any process of the pool. -ESTALE: it was given back or taken away before, or its key was removed. -EROFS. */
int keyshm_release(keyshm_pool *pool, struct keyshm_lease *lease);

/* In place of both: the request was not sent, so what it was charged is given back, as far as that has not drained.
 * -EALREADY: it was settled, and is still to be released. -ESTALE, -EROFS: as keyshm_release(). */
int keyshm_cancel(keyshm_pool *pool, struct keyshm_lease *lease);

/*
 * Give back what dead workers hold. With the id of a process: what that holds, if it is dead (a supervisor calls this when
 * wait(2) has told it), or if it is the caller, which may have forgotten some; 0: what all hold that are found dead. Leases of
 * the living are left alone. What they hold of tokens counts as used. It is never required: whoever is refused for what a
 * dead worker holds finds that, within half a second. Returns how many leases. -EINVAL, -EROFS.
 *
 * A process is dead when there is none with its id and its start time (proc_pid_stat(5)); one that has closed its attachment
 * holds nothing either. Of a process in another PID namespace it cannot be told: the policy's lease_max_ms then gives its
 * leases back.
 */
int keyshm_reap(keyshm_pool *pool, pid_t pid_or_0);

/* A lease that has a place: of a key or a group that has a cap; or it holds tokens that are charged at release. */
struct keyshm_held {
    keyshm_id id; /* its key */
    unsigned model;
    pid_t pid;       /* of the process that has it; 0: that has left */
    char name[16];   /* of that process, as in struct keyshm_worker */
    int64_t held_ms; /* for how long */
    uint64_t tokens; /* that it holds */
};

struct keyshm_lease_list {
    size_t count;
    size_t element_bytes; /* of each lease, in the library that is running */
    struct keyshm_held *leases;
};

/* All of them, the oldest first. Works on every attachment. Free it with keyshm_lease_list_free(). -ENOMEM. */
int keyshm_leases(keyshm_pool *pool, struct keyshm_lease_list **ret_list);
void keyshm_lease_list_free(struct keyshm_lease_list *list);

/* ------------------------------------------------------------------------------------------------------------------
 * Marking
 *
 * A mark records what a provider answered. Marks are merged: the new status is the higher of the old and the marked
 * one, the new deadline the later, and of two reasons for the same status the later one in enum keyshm_reason stays. So
 * the order in which marks arrive does not matter, and a stale mark cannot weaken a newer one. A key whose deadline has
 * passed counts as available, so its old status, deadline and reason are ignored. A mark that changes nothing is still
 * counted, and returns 0.
 *
 * A duration below 0 is 0, unless it is KEYSHM_NO_RETRY_AFTER: that moment has passed, so the mark is counted and changes
 * nothing else. A rate limit longer than the policy's cooldown_max_ms, and a quota longer than KEYSHM_DURATION_MAX_MS, is
 * shortened to that, and the log has a warning. Neither is an error.
 *
 * A cooldown never ends before its deadline. It ends at most 1 ms after it, and two ticks of the kernel's coarse clock
 * (CLOCK_MONOTONIC_COARSE, clock_gettime(2)) later for each process, of the one that marks and the one that picks, that
 * makes more than 1,024 calls within one of them.
 *
 * The marks return 0, or:
 * -ESTALE   the key or group is not, or no longer, in the pool
 * -EROFS    a read-only attachment
 * -EBUSY    other processes changed the same key or group 10,000 times during the call
 * -EINVAL   keyshm_mark(): a field is outside its range, or the size is missing
 * -E2BIG    keyshm_mark(): a field of a later version is set
 */
struct keyshm_mark {
    size_t size; /* sizeof(struct keyshm_mark) */
    enum keyshm_status status;
    int64_t duration_ms; /* of a rate limit or a quota: from now; ignored for the other two. KEYSHM_NO_RETRY_AFTER: the
                                   policy's cooldown_ms for a rate limit, its quota_retry_ms for a quota. KEYSHM_UNTIL_MARKED */
    unsigned model;      /* 0: whatever the model */
    enum keyshm_scope scope;
    enum keyshm_reason reason; /* ignored for KEYSHM_AVAILABLE */
    uint64_t stamp; /* of the pick that was answered; 0: not known. It keeps one cause from counting twice (struct
                                   keyshm_policy). KEYSHM_AVAILABLE with a stamp does nothing if the key was marked with
                                   another status after that pick */
};
#define KEYSHM_MARK_INIT                                                                                               \
    {                                                                                                                  \
        sizeof(struct keyshm_mark), KEYSHM_AVAILABLE, KEYSHM_NO_RETRY_AFTER, 0u, KEYSHM_SCOPE_KEY, KEYSHM_REASON_NONE, \
            0u                                                                                                         \
    }
void keyshm_mark_init(struct keyshm_mark *mark, size_t size);

int keyshm_mark(keyshm_pool *pool, keyshm_id id, const struct keyshm_mark *mark);

/* Shorthands of keyshm_mark(). The reason of a rate limit is KEYSHM_REASON_RATE_LIMIT, that of a quota
 * KEYSHM_REASON_QUOTA, that of an invalid key KEYSHM_REASON_AUTHENTICATION. */
int keyshm_mark_rate_limited(keyshm_pool *pool, keyshm_id id, int64_t retry_after_ms);
int keyshm_mark_quota_exceeded(keyshm_pool *pool, keyshm_id id, int64_t reset_after_ms);

/* Do not pick the key until it is marked available, unless the policy says otherwise (invalid_after, invalid_retry_ms).
 * Adds to its error_count. */
int keyshm_mark_invalid(keyshm_pool *pool, keyshm_id id);

/*
 * Make the key available now, whatever its status, for all models. A pause stays, and so does the status of its group.
 * Only this, the mark KEYSHM_AVAILABLE and keyshm_mark_all_available() lower a status before its deadline.
 */
int keyshm_mark_available(keyshm_pool *pool, keyshm_id id);

/*
 * Make every key and group available whose status, for whatever model, is one of `status_mask` (bits 1u << enum
 * keyshm_status), as after an outage. Returns the number of keys and groups that this call made available. -EINVAL: no
 * bit, or one of no status. -EROFS. -EBUSY: it was so for one of them; the others were done.
 */
int keyshm_mark_all_available(keyshm_pool *pool, unsigned status_mask);

/*
 * The request with this pick has succeeded: the end of streaks and probes (struct keyshm_policy) of the key and its
 * group, whole and for the pick's model, of each unless it was marked with another status than KEYSHM_AVAILABLE after
 * that pick. It ends no bench. 0, also when there was nothing to end. -ESTALE: the key is no longer in the pool.
 * -EINVAL, -EROFS, -EBUSY as a mark.
 */
int keyshm_success(keyshm_pool *pool, const struct keyshm_pick *pick);

/* Failures in a row (struct keyshm_policy) of a key or a group, whole or for one model. */
struct keyshm_streak {
    size_t size;           /* sizeof(struct keyshm_streak) */
    unsigned rate_limits;  /* without a Retry-After; 255 also stands for more */
    unsigned invalids;     /* marks that it is invalid; the same */
    int64_t failed_ago_ms; /* since the last failure; -1: none */
};
#define KEYSHM_STREAK_INIT                       \
    {                                            \
        sizeof(struct keyshm_streak), 0u, 0u, -1 \
    }
void keyshm_streak_init(struct keyshm_streak *streak, size_t size);

/*
 * The failures in a row of a key or a group, whole (model 0) or for that model; none, if they are forgotten. Also of a pool
 * that was attached read-only. -ESTALE: there is no such key or group. -EINVAL: no such model, or a struct without its
 * size. -EBUSY: others kept marking it.
 */
int keyshm_get_streak(keyshm_pool *pool, keyshm_id id, unsigned model, struct keyshm_streak *ret_streak);

/*
 * Carry failures in a row over, as from another pool: each count becomes the larger of what is known and what is said, and
 * the last failure the later one. What is said has no effect if it is as old as streak_forget_ms. It changes no status; the
 * next mark counts on from there. Said twice, it has the effect of once. A mark at the same time may bench by the counts
 * of before, and count on top.
 *
 * -ESTALE and -EINVAL as keyshm_get_streak(); also -EINVAL: a count above 255, or counts without a `failed_ago_ms` from 0
 * to KEYSHM_DURATION_MAX_MS. -E2BIG: a field of a later version is set. -EROFS. -EBUSY as a mark.
 */
int keyshm_raise_streak(keyshm_pool *pool, keyshm_id id, unsigned model, const struct keyshm_streak *streak);

/*
 * Take a key or a group out, and let it in again: for operators. A paused key, or one in a paused group, is not picked,
 * whatever it is marked; marks are recorded all the same, and count when it is resumed. Each may be said twice.
 * -ESTALE, -EROFS, -EBUSY as a mark.
 */
int keyshm_pause(keyshm_pool *pool, keyshm_id id);
int keyshm_resume(keyshm_pool *pool, keyshm_id id);

/*
 * How marks are understood: settings of a pool that can be changed at any time, for all processes at once.
 *
 * "In a row": of a key or a group, whole or for one model, each by itself, until keyshm_success(), a mark
 * KEYSHM_AVAILABLE, or streak_forget_ms without a failure. Marks of one cause count once: one whose pick (its stamp) was
 * before the last mark that counted does not count again, nor does one without a stamp while the key is benched by a
 * mark. Marks for the reasons KEYSHM_REASON_BUDGET, _PEER and _OPERATOR do not count, and such an invalid mark is final.
 *
 * A probe: the one request that gets a key or group after a bench. The others get it when keyshm_success() is called for
 * that one, or for any other whose pick was not before the last mark. Until then the key is benched for them, as before;
 * when the process that has the probe has ended, or after probe_ms, one other request is the probe. A mark takes the place
 * of the probe, unless it answers a pick of before the bench. A pick without a stamp (keyshm_next_key()) cannot end one.
 */
struct keyshm_policy {
    size_t size; /* sizeof(struct keyshm_policy) */
    /* Of a rate limit without a Retry-After: 0 (until marked available) to KEYSHM_DURATION_MAX_MS; default 60,000. */
    int64_t cooldown_ms;
    /* The longest rate limit: 1 to KEYSHM_DURATION_MAX_MS; default 86,400,000. */
    int64_t cooldown_max_ms;
    /* After this time without a failure the next is the first again: 1 to KEYSHM_DURATION_MAX_MS; default 600,000. */
    int64_t streak_forget_ms;
    /* When a key that is invalid is tried again, by a probe: 1 to KEYSHM_DURATION_MAX_MS, or KEYSHM_UNTIL_MARKED, the
     * default: never. */
    int64_t invalid_retry_ms;
    /* The same of a quota without a known end. */
    int64_t quota_retry_ms;
    /* 0, the default: there are no probes, except of what invalid_retry_ms and quota_retry_ms bring back, for 10,000 ms. Up to
     * KEYSHM_DURATION_MAX_MS: each bench that ends by itself ends with a probe, which is waited for so long. */
    int64_t probe_ms;
    /* How long a lease keeps a place; then whoever is refused for it takes that away: 0 (as long as its process lives), or
     * 1,000 to KEYSHM_DURATION_MAX_MS; default 600,000. */
    int64_t lease_max_ms;
    /* By so much each further rate limit in a row without a Retry-After is as long as the one before: 100 (the default) to
     * 1,000; 200 doubles it. */
    unsigned cooldown_growth_percent;
    /* So many invalid marks in a row make a key invalid: 1 (the default) to 255. Before that it is rate limited, for
     * cooldown_ms. */
    unsigned invalid_after;
};
#define KEYSHM_POLICY_INIT                                                                                          \
    {                                                                                                               \
        sizeof(struct keyshm_policy), 60000, 86400000, 600000, KEYSHM_UNTIL_MARKED, KEYSHM_UNTIL_MARKED, 0, 600000, \
            100u, 1u                                                                                                \
    }
void keyshm_policy_init(struct keyshm_policy *policy, size_t size);

/*
 * Set the policy. A mark goes by the policy at its time; deadlines that were set before stay. A process that is killed
 * in the middle has set some of the fields. -EINVAL: a field is outside its range. -E2BIG: a field of a later version
 * is set. -EROFS.
 */
int keyshm_set_policy(keyshm_pool *pool, const struct keyshm_policy *policy);

/* Copy the policy. Only the first ret_policy->size bytes are written. Works on every attachment. -EINVAL: the size is
 * missing. */
int keyshm_get_policy(keyshm_pool *pool, struct keyshm_policy *ret_policy);

/*
 * Record the end of every cooldown that is over and after which no probe is wanted: in the state of the keys and groups,
 * the events and the log. It is never required: picks compare the deadline with the clock. Returns the number of keys and
 * groups that this call made available. -EROFS. -EBUSY: as of keyshm_mark_all_available().
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

/* The same for a model. -EINVAL: there is no such model, or the id is of a group. */
int keyshm_is_available_for(keyshm_pool *pool, keyshm_id id, unsigned model);
int keyshm_available_count_for(keyshm_pool *pool, unsigned model);

/* One note of a key; both strings are NUL-terminated. */
struct keyshm_metadata {
    char name[KEYSHM_METADATA_NAME_MAX + 1];
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
};

/* What keeps a key from being picked. */
#define KEYSHM_BY_KEY 1u         /* its own status */
#define KEYSHM_BY_KEY_MODEL 2u   /* its status for the model */
#define KEYSHM_BY_GROUP 4u       /* the status of its group */
#define KEYSHM_BY_GROUP_MODEL 8u /* that for the model */
#define KEYSHM_BY_PAUSE 16u      /* keyshm_pause(), of the key or its group */
#define KEYSHM_BY_BUDGET 32u     /* requests_left or tokens_left is 0 */
#define KEYSHM_BY_CAP 64u        /* as many requests are in flight as the cap of the key or its group allows */

/* What one of the four words says that a key's availability depends on. */
struct keyshm_word_snapshot {
    enum keyshm_status status; /* as for a pick: KEYSHM_AVAILABLE if its cooldown is over */
    enum keyshm_reason reason;
    int64_t cooldown_left_ms; /* 0: none; -1: until marked available */
    int is_probing;
    unsigned streak;
};

/*
 * A key, or a group.
 *
 * What is left of its budgets (keyshm_set_limits()) are so many requests, or tokens, as would be admitted at once now. A
 * request is charged to several, so it is by the rate that admits the fewest: of requests and requests_long, or tokens and
 * tokens_long, of the key and of its group, each whole and for the model. Tokens that are held for requests in flight are not
 * left. A key of which 0 is left is not available, but keeps its status. Of a group it is what its own limits leave.
 */
struct keyshm_key_snapshot {
    keyshm_id id;
    unsigned slot;
    enum keyshm_status status; /* as for a pick: KEYSHM_AVAILABLE if its cooldown is over; of the four words together */
    enum keyshm_reason reason; /* of the status */
    int64_t cooldown_left_ms;  /* 0: none; -1: until marked available; the longest */
    unsigned benched_by;       /* bits KEYSHM_BY_...; 0: it can be picked */
    int is_paused;             /* itself; its group may be, too */
    int is_probing;            /* one request has it as a probe (struct keyshm_policy), and others do not get it */
    unsigned streak;           /* failures in a row (struct keyshm_policy); the longest of the four words */
    unsigned priority;         /* keyshm_set_priority() */
    unsigned weight;           /* keyshm_set_weight(); of a group 0 */
    unsigned in_flight;        /* requests that have a place (struct keyshm_held), of the key or for it of its group */
    unsigned in_flight_cap;    /* at most so many may have one; 0: no cap */
    int64_t requests_left;     /* of its budgets, see below; -1: no limit */
    int64_t requests_burst;    /* of so many; -1: no limit */
    int64_t tokens_left;
    int64_t tokens_burst;
    keyshm_id group;                      /* 0: none */
    int64_t last_used_ago_ms;             /* since the last pick; -1: never picked */
    uint64_t error_count;                 /* times it was marked invalid */
    uint64_t picks;                       /* times it was picked */
    uint64_t marked[KEYSHM_STATUS_COUNT]; /* times it was marked with each status, indexed by status */
    char masked_key[KEYSHM_MASKED_SIZE];  /* "sk-…wXyz", or "…" for a key of less than 20 bytes; UTF-8 */
    size_t metadata_count;
    struct keyshm_metadata *metadata;     /* sorted by name; freed with the snapshot; NULL if there is none */
    size_t element_bytes;                 /* the distance of two notes */
    struct keyshm_word_snapshot words[4]; /* word i is that of the bit 1u << i of benched_by */
};

/* A group: its id and status in `state`, whose masked key, picks and notes are empty. */
struct keyshm_group_snapshot {
    keyshm_id id;
    char name[KEYSHM_NAME_MAX + 1];
    unsigned keys; /* in it */
    struct keyshm_key_snapshot state;
};

/*
 * A copy of a pool's state. Each key's entry is consistent; the entries were read one after another, but the state of
 * each group once: a mark of a group is seen for all its keys or for none. Counters are statistics: a process that is
 * killed during a call may not have counted it.
 */
struct keyshm_snapshot {
    char provider[KEYSHM_PROVIDER_MAX + 1];
    unsigned capacity; /* the settings of the pool, see struct keyshm_options */
    unsigned key_max;  /* bytes */
    struct keyshm_policy policy;
    int64_t created_unix_ms; /* wall-clock time of creation, in milliseconds since 1970 */
    int64_t age_ms;          /* time since creation, the time that the machine slept included */
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
    unsigned paused_count;            /* keys that are paused, whatever their status */
    struct keyshm_key_snapshot *keys; /* in slot order */
    size_t keys_bytes;                /* the distance of two keys */
    unsigned group_count;
    struct keyshm_group_snapshot *groups; /* in the order in which they were made, but for reused places */
    size_t groups_bytes;                  /* the distance of two groups */
    unsigned model_count;
    char (*models)[KEYSHM_NAME_MAX + 1];          /* model m is at m - 1 */
    size_t models_bytes;                          /* the distance of two models */
    unsigned waiting;                             /* threads that wait for a key in keyshm_acquire() */
    unsigned in_flight_max;                       /* the most that a cap of a key can be: see struct keyshm_options */
    unsigned group_in_flight_max;                 /* and of a group */
    char provider_rules[KEYSHM_PROVIDER_MAX + 1]; /* keyshm_provider_rules() */
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
 * Copy the state of one key or group as a pick for the model sees it, without notes: the first `size` bytes of *ret_key.
 * Lock-free; works on every attachment. -ESTALE: it is not, or no longer, in the pool. -EINVAL: there is no such model.
 * -EBUSY: the key's slot was reused, or the key moved, throughout the call.
 */
int keyshm_inspect(keyshm_pool *pool, keyshm_id id, unsigned model, size_t size, struct keyshm_key_snapshot *ret_key);

/*
 * A process that is, or was, attached. A process is listed once for each attachment: from keyshm_create(),
 * keyshm_open() or keyshm_attach(), or, if it inherited the attachment by fork(2), from its first pick or
 * keyshm_after_fork(). It stays listed after it has closed the attachment or ended, until another process needs its
 * row. A process that was listed 24 hours ago, and is in another PID namespace, so that nobody can tell whether it is
 * alive, may then have to take another row, too. Read-only attachments are not listed.
 */
struct keyshm_worker {
    pid_t pid;      /* in its own PID namespace */
    char name[16];  /* as in /proc/PID/comm (proc(5)) when it was listed, or as set with keyshm_set_worker_name() */
    int is_alive;   /* 1: yes, and attached; 0: no; -1: not known, as it is in another PID namespace than the caller */
    int has_closed; /* with is_alive 0: it ended this attachment by keyshm_close() or exit(3), rather than being killed */
    char state;     /* as in /proc/PID/stat (proc(5)), 'T' is stopped; '\0' if not known */
    uint64_t picks; /* through this attachment; too low if several threads of the process pick at once */
    int64_t attached_ago_ms;
};

struct keyshm_worker_list {
    size_t count;
    struct keyshm_worker *workers; /* the longest attached first */
    size_t element_bytes;          /* the distance of two workers */
    unsigned capacity;             /* number of rows, see workers_max in struct keyshm_options */
    uint64_t unlisted;             /* times that a process was not listed because all rows belonged to live processes */
};

/* List the processes that use the pool. Free the list with keyshm_worker_list_free(), which ignores NULL. -ENOMEM. */
int keyshm_workers(keyshm_pool *pool, struct keyshm_worker_list **ret_list);
void keyshm_worker_list_free(struct keyshm_worker_list *list);

/*
 * Give this process a name of 1 to 15 bytes, without control characters, in the list of workers. -EINVAL, -EROFS;
 * -EUSERS: it is not listed, as all rows belong to live processes.
 */
int keyshm_set_worker_name(keyshm_pool *pool, const char *name);

enum keyshm_event_kind {
    KEYSHM_EVENT_ADDED = 0,
    KEYSHM_EVENT_REMOVED = 1,
    KEYSHM_EVENT_MARKED = 2,    /* a mark that changed the state of the key */
    KEYSHM_EVENT_REFUSED = 3,   /* a stale mark: it is weaker than the state of the key, or the key was removed */
    KEYSHM_EVENT_EXPIRED = 4,   /* the end of a cooldown was recorded, as by keyshm_reset_expired_cooldowns() */
    KEYSHM_EVENT_RECOVERED = 5, /* the pool was cleaned up after a mutex owner died */
    KEYSHM_EVENT_REPAIRED = 6,  /* keyshm_repair() */
    KEYSHM_EVENT_PAUSED = 7,
    KEYSHM_EVENT_RESUMED = 8,
    KEYSHM_EVENT_REAPED = 9,    /* a lease was given back that its worker has not: it is dead, or had it for too long */
    KEYSHM_EVENT_SETTINGS = 10, /* the policy or limits were set, or the key `id` was moved to another group */
};
#define KEYSHM_EVENT_KIND_COUNT 11

/* Returns "added", "removed" and so on, a static string: the name of the constant in lower case, without KEYSHM_EVENT_;
 * NULL for any other number. */
const char *keyshm_event_kind_name(enum keyshm_event_kind kind);

/* One event. A field that does not apply to its kind has the value that is called "none" below. */
struct keyshm_event {
    enum keyshm_event_kind kind;
    uint64_t number; /* of the event in its pool: no other has it, and of two of one class the later has the greater */
    int64_t unix_us; /* when, by the wall clock as it was set then: microseconds since 1970. Accurate to two ticks of
                            the kernel's coarse clock, a few milliseconds */
    int64_t ago_ms;  /* time since the event, the time that the machine slept included */
    pid_t pid;       /* the process that caused it, in its own PID namespace */
    keyshm_id id;    /* of the key or group; 0: none */
    unsigned model;  /* of a mark; 0: whatever the model */
    enum keyshm_scope scope;   /* of a mark: whether `id` is that of a key or of a group */
    enum keyshm_reason reason; /* of a mark */
    int from;                  /* enum keyshm_status, as a pick would have seen it; -1: none, or not known */
    int to;                    /* enum keyshm_status: the new one; for a refused mark, the one it asked for; -1: none */
    int64_t duration_ms;       /* of a mark: the one that counts; -1: none, or until marked */
    pid_t dead_pid;            /* of a recovery: the process that died; 0: none, or not known */
    char masked_key[KEYSHM_MASKED_SIZE]; /* "" if the key is no longer in the pool */
};

/*
 * The recorded events. A pool keeps three classes of events separately, so that many events of one class do not
 * displace rarer ones: cooldowns (changes between available and rate_limited, and refused marks), lasting changes (to
 * or from quota_exceeded and invalid, pauses, and settings), and membership (all others). Of each class it keeps the
 * last N, where N is a quarter of the capacity as a power of two, 256 to 16,384. Events outlive the processes that
 * caused them; they end with the pool.
 *
 * A mark that repeats exactly the current state is no event.
 */
struct keyshm_event_list {
    size_t count;
    struct keyshm_event *events; /* the oldest first */
    size_t element_bytes;        /* the distance of two events */
    uint64_t missing;            /* incomplete records: the process writing it was killed or stopped */
    uint64_t overwritten;        /* events after the cursor that are no longer kept */
};

#define KEYSHM_EVENT_CLASS_COUNT 3

/* A position in the events. All zero is the beginning. */
struct keyshm_event_cursor {
    uint64_t next[KEYSHM_EVENT_CLASS_COUNT];
};

/*
 * Copy the events after the cursor, and move the cursor behind them; with NULL, copy all that are kept. A record that
 * is still being written, and those of its class after it, are left for the next call, until a later one is a second
 * old; then it counts as missing. On failure the cursor is not moved. Lock-free; readers do not affect each other. Free
 * the list with keyshm_event_list_free(), which ignores NULL. -ENOMEM, -EBADMSG as keyshm_snapshot().
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

/* The same, with messages written to a file descriptor, each as a line of one write(2): for programs that cannot give a
 * function. -1 turns logging off. Of this call and keyshm_set_log() the last one counts. The descriptor stays the
 * caller's. */
void keyshm_set_log_fd(int fd, enum keyshm_log_level least);

#ifdef __cplusplus
}
#endif

#endif
