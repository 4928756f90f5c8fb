/* SPDX-License-Identifier: MIT */

/* What the numbers of the interface are called: statuses, kinds of events, errors. */

#include "names.h"

#include <errno.h>
#include <string.h>

#include "keyshm.h"

unsigned keyshm_version(void)
{
    return KEYSHM_VERSION;
}

static const char *const status_names[KEYSHM_STATUS_COUNT] = {
    [KEYSHM_AVAILABLE] = "available",
    [KEYSHM_RATE_LIMITED] = "rate_limited",
    [KEYSHM_QUOTA_EXCEEDED] = "quota_exceeded",
    [KEYSHM_INVALID] = "invalid",
};

const char *keyshm_status_name(enum keyshm_status status)
{
    return (unsigned)status < KEYSHM_STATUS_COUNT ? status_names[status] : NULL;
}

const char *keyshm_event_kind_name(enum keyshm_event_kind kind)
{
    static const char *const names[KEYSHM_EVENT_KIND_COUNT] = {
        [KEYSHM_EVENT_ADDED] = "added",       [KEYSHM_EVENT_REMOVED] = "removed",
        [KEYSHM_EVENT_MARKED] = "marked",     [KEYSHM_EVENT_REFUSED] = "refused",
        [KEYSHM_EVENT_EXPIRED] = "expired",   [KEYSHM_EVENT_RECOVERED] = "recovered",
        [KEYSHM_EVENT_REPAIRED] = "repaired", [KEYSHM_EVENT_PAUSED] = "paused",
        [KEYSHM_EVENT_RESUMED] = "resumed",   [KEYSHM_EVENT_REAPED] = "reaped",
        [KEYSHM_EVENT_SETTINGS] = "settings",
    };
    return (unsigned)kind < KEYSHM_EVENT_KIND_COUNT ? names[kind] : NULL;
}

static const char *const reason_names[KEYSHM_REASON_COUNT] = {
    [KEYSHM_REASON_NONE] = "none",
    [KEYSHM_REASON_PEER] = "peer",
    [KEYSHM_REASON_BUDGET] = "budget",
    [KEYSHM_REASON_TIMEOUT] = "timeout",
    [KEYSHM_REASON_SERVER_ERROR] = "server_error",
    [KEYSHM_REASON_OVERLOADED] = "overloaded",
    [KEYSHM_REASON_RATE_LIMIT] = "rate_limit",
    [KEYSHM_REASON_QUOTA] = "quota",
    [KEYSHM_REASON_BILLING] = "billing",
    [KEYSHM_REASON_PERMISSION] = "permission",
    [KEYSHM_REASON_AUTHENTICATION] = "authentication",
    [KEYSHM_REASON_OPERATOR] = "operator",
};

const char *keyshm_reason_name(enum keyshm_reason reason)
{
    return (unsigned)reason < KEYSHM_REASON_COUNT ? reason_names[reason] : NULL;
}

/* The index of a name; -EINVAL. */
static int number_of(const char *const *names, int count, const char *name)
{
    for (int number = 0; number < count; number++)
        if (strcmp(name, names[number]) == 0)
            return number;
    return -EINVAL;
}

int keyshm_reason_from_name(const char *name, enum keyshm_reason *ret_reason)
{
    int number = name != NULL && ret_reason != NULL ? number_of(reason_names, KEYSHM_REASON_COUNT, name) : -EINVAL;
    if (number < 0)
        return number;
    *ret_reason = (enum keyshm_reason)number;
    return 0;
}

int keyshm_status_from_name(const char *name, enum keyshm_status *ret_status)
{
    int number = name != NULL && ret_status != NULL ? number_of(status_names, KEYSHM_STATUS_COUNT, name) : -EINVAL;
    if (number < 0)
        return number;
    *ret_status = (enum keyshm_status)number;
    return 0;
}

/* ---- errors ---- */

const char *errno_description(int error)
{
#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 32)
    /* Before strerrordesc_np(3): static for every number that has a description, and translated in some locales. */
    return strerror(error);
#else
    return strerrordesc_np(error);
#endif
}

/* The number of an error; 0 for what is none. No abs(): it is undefined for INT_MIN. */
static int error_number(int error)
{
    return error < 0 && error >= -4095 ? -error : error > 0 && error <= 4095 ? error : 0;
}

const char *keyshm_error_name(int error)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    return error_number(error) != 0 ? strerrorname_np(error_number(error)) : NULL;
#else
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {E2BIG, "E2BIG"},
        {EACCES, "EACCES"},
        {EAGAIN, "EAGAIN"},
        {EALREADY, "EALREADY"},
        {EBADMSG, "EBADMSG"},
        {EBUSY, "EBUSY"},
        {EDEADLK, "EDEADLK"},
        {EEXIST, "EEXIST"},
        {EFBIG, "EFBIG"},
        {EINTR, "EINTR"},
        {EINVAL, "EINVAL"},
        {EIO, "EIO"},
        {EMFILE, "EMFILE"},
        {ENFILE, "ENFILE"},
        {ENOENT, "ENOENT"},
        {ENOKEY, "ENOKEY"},
        {ENOMEM, "ENOMEM"},
        {ENOSPC, "ENOSPC"},
        {ENOTRECOVERABLE, "ENOTRECOVERABLE"},
        {EOPNOTSUPP, "EOPNOTSUPP"},
        {EPERM, "EPERM"},
        {EPROTO, "EPROTO"},
        {ERANGE, "ERANGE"},
        {EROFS, "EROFS"},
        {ESTALE, "ESTALE"},
        {ETIMEDOUT, "ETIMEDOUT"},
        {EUSERS, "EUSERS"},
        {EXDEV, "EXDEV"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (error_number(error) == names[i].error)
            return names[i].name;
    return NULL;
#endif
}

const char *keyshm_strerror(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {0, "no error"},
        {EACCES, "the pool is not this user's own, or is open to others"},
        {EAGAIN, "no key is available now"},
        {EALREADY, "the lease is settled already"},
        {EBADMSG, "not a keyshm segment, or damaged"},
        {EBUSY, "other processes kept changing the key, or keys are in the group"},
        {EDEADLK, "this thread is in the middle of a membership change"},
        {EEXIST, "it exists already"},
        {EINVAL, "an argument is not valid (KEYSHM_LOG=warning says which)"},
        {ENOENT, "there is none"},
        {ENOKEY, "the pool has no keys"},
        {ENOSPC, "no space left"},
        {ERANGE, "it does not fit the buffer"},
        {ENOTRECOVERABLE, "the mutex cannot be recovered"},
        {EOPNOTSUPP, "each key has a cap in flight, so it takes a lease"},
        {EPERM, "only root may do this for another user"},
        {EPROTO, "the pool was made by a keyshm with another layout"},
        {EROFS, "the attachment, or the file system, is read-only"},
        {ESTALE, "the key or group is not, or no longer, in the pool"},
        {ETIMEDOUT, "another process holds the mutex"},
        {EUSERS, "live processes have every row in the list of workers"},
        {EXDEV, "it is not certain that this is the PID namespace of the pool's creator"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (error == texts[i].error || error == -texts[i].error)
            return texts[i].text;
    const char *text = error_number(error) != 0 ? errno_description(error_number(error)) : NULL;
    return text != NULL ? text : "unknown error";
}
