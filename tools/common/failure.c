/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <errno.h>
#include <stddef.h>

#include "keyshm.h"

static const struct failure failures[] = {
    {ENOENT, EXIT_NO_POOL, "there is no such pool", "make it with: keyshm-ctl create", true},
    {EACCES, EXIT_NO_POOL, NULL, "see who owns it with: ls -l /dev/shm (it must be yours, mode 0600, one link)", false},
    {EPERM, EXIT_NO_POOL, NULL, NULL, false},
    {EPROTO, EXIT_DAMAGED, NULL,
     "use the programs of the build that its workers use, or remove it with: keyshm-ctl destroy", true},
    {EBADMSG, EXIT_DAMAGED, NULL, "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {ESTALE, EXIT_REFUSED, "no key has this id, or it was removed", "see the ids with: keyshm-stat --ids", true},
    {ENOSPC, EXIT_REFUSED, "it is full", "see the keys in it with: keyshm-stat", true},
    {ENOKEY, EXIT_NO_KEY, NULL, "add one with: keyshm-ctl add", true},
    {ETIMEDOUT, EXIT_REFUSED, NULL, "see which with: keyshm-stat", true},
    {EXDEV, EXIT_REFUSED, NULL, "add and remove keys where it was created: in that container, or outside of this one",
     false},
    {ENOTRECOVERABLE, EXIT_REFUSED, NULL,
     "picks and marks keep working; to add or remove keys, destroy the pool and create it again", false},
    {0, EXIT_REFUSED, NULL, NULL, false},
};

static const struct failure *look_up(const struct failure *list, int error)
{
    while (list->error != 0 && list->error != -error)
        list++;
    return list;
}

enum exit_status fail(const char *provider, int error, const struct failure *special)
{
    const struct failure *failure = look_up(special != NULL ? special : failures, error);
    if (failure->error == 0)
        failure = look_up(failures, error);

    /* The name is not repeated: it may be a key in the wrong place. */
    if (error == -EINVAL)
        return refuse(
            "this cannot be a pool's name: a name is 1 to %d of A-Z a-z 0-9 . _ - and does not begin with a dot",
            KEYSHM_PROVIDER_MAX);
    complain("pool %s: %s%s%s%s%s", provider, failure->what != NULL ? failure->what : keyshm_strerror(error),
             failure->advice != NULL ? "; " : "", failure->advice != NULL ? failure->advice : "",
             failure->advice_ends_with_pool ? " " : "", failure->advice_ends_with_pool ? provider : "");
    return failure->status;
}
