/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "keyshm.h"
#include "user.h"

static const struct failure failures[] = {
    {ENOENT, EXIT_NO_POOL, "there is no such pool", "make it with: keyshm-ctl create", true},
    {EACCES, EXIT_NO_POOL, NULL, "see who owns it with: ls -l /dev/shm (it must be yours, mode 0600, one link)", false},
    {EPERM, EXIT_NO_POOL, NULL, NULL, false},
    {EROFS, EXIT_REFUSED, "the file system on /dev/shm is mounted read-only", NULL, false},
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

void complain_of_layout(uid_t owner, const char *provider, const char *layout)
{
    char name[USER_NAME_SIZE];
    bool is_own = owner == geteuid();
    user_name(owner, name);
    complain(
        "pool %s: there is one of the layout %s, which another version of keyshm made; this one reads %s; if no worker "
        "needs it, remove it with: keyshm-ctl destroy %s --layout %s%s%s",
        provider, layout, keyshm_layout_name(), provider, layout, is_own ? "" : " --user ", is_own ? "" : name);
}

/* Where a pool of this name is, if not where it was looked for. False: nowhere. */
static bool tell_where_it_is(const char *provider)
{
    char layout[KEYSHM_LAYOUT_NAME_MAX + 1], name[USER_NAME_SIZE];
    uid_t user;
    if (user_find_layout(provider, layout, sizeof(layout))) {
        complain_of_layout(user_of_pools(), provider, layout);
        return true;
    }
    if (!user_find_other(provider, &user))
        return false;
    user_name(user, name);
    complain("pool %s: there is no such pool, but %s has one: keyshm-stat --user %s %s", provider, name, name, provider);
    return true;
}

enum exit_status fail(const char *provider, int error, const struct failure *special)
{
    const struct failure *failure = look_up(special != NULL ? special : failures, error);
    if (failure->error == 0)
        failure = look_up(failures, error);

    /* The name is not repeated: it may be a key in the wrong place. */
    if (error == -EINVAL && failure->error == 0)
        return refuse(
            "this cannot be a pool's name: a name is 1 to %d of A-Z a-z 0-9 . _ - and does not begin with a dot",
            KEYSHM_PROVIDER_MAX);
    if (error == -ENOENT && failure->status == EXIT_NO_POOL && tell_where_it_is(provider))
        return failure->status;
    complain("pool %s: %s%s%s%s%s", provider, failure->what != NULL ? failure->what : keyshm_strerror(error),
             failure->advice != NULL ? "; " : "", failure->advice != NULL ? failure->advice : "",
             failure->advice_ends_with_pool ? " " : "", failure->advice_ends_with_pool ? provider : "");
    return failure->status;
}
