/* SPDX-License-Identifier: MIT */

/* What the errors of keyshm say: for callers, and for the log. */

#include <errno.h>
#include <string.h>

#include "keyshm.h"

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
        {EINVAL, "an argument is not valid (KEYSHM_LOG=warning tells which)"},
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
    const char *text = strerrordesc_np(error < 0 && error >= -4095 ? -error : error);
    return text != NULL ? text : "unknown error";
}
