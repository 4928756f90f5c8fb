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
        [KEYSHM_EVENT_ADDED] = "added",       [KEYSHM_EVENT_REMOVED] = "removed", [KEYSHM_EVENT_MARKED] = "marked",
        [KEYSHM_EVENT_REFUSED] = "refused",   [KEYSHM_EVENT_EXPIRED] = "expired", [KEYSHM_EVENT_RECOVERED] = "recovered",
        [KEYSHM_EVENT_REPAIRED] = "repaired",
    };
    return (unsigned)kind < KEYSHM_EVENT_KIND_COUNT ? names[kind] : NULL;
}

int keyshm_status_from_name(const char *name, enum keyshm_status *ret_status)
{
    if (name == NULL || ret_status == NULL)
        return -EINVAL;
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++) {
        if (strcmp(name, status_names[status]) == 0) {
            *ret_status = (enum keyshm_status)status;
            return 0;
        }
    }
    return -EINVAL;
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

const char *keyshm_strerror(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {0, "no error"},
        {EACCES, "the pool is not this user's own, or is open to others"},
        {EAGAIN, "no key is available now"},
        {EBADMSG, "not a keyshm segment, or damaged"},
        {EBUSY, "other processes kept changing the key"},
        {EDEADLK, "this thread is in the middle of a membership change"},
        {EEXIST, "it exists already"},
        {EINVAL, "an argument is not valid (KEYSHM_LOG=warning says which)"},
        {ENOENT, "there is none"},
        {ENOKEY, "the pool has no keys"},
        {ENOSPC, "no space left"},
        {ENOTRECOVERABLE, "the mutex cannot be recovered"},
        {EPROTO, "the pool was made by a keyshm with another layout"},
        {EROFS, "the attachment is read-only"},
        {ESTALE, "the key is not, or no longer, in the pool"},
        {ETIMEDOUT, "another process holds the mutex"},
        {EXDEV, "the pool was created in another PID namespace"},
    };
    /* No abs(): it is undefined for INT_MIN. */
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (error == texts[i].error || error == -texts[i].error)
            return texts[i].text;
    const char *text = errno_description(error < 0 && error >= -4095 ? -error : error);
    return text != NULL ? text : "unknown error";
}
