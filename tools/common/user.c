/* SPDX-License-Identifier: MIT */
#include "user.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keyshm.h"
#include "lists.h"
#include "number.h"

static bool is_chosen;
static uid_t chosen;

uid_t user_of_pools(void)
{
    return is_chosen ? chosen : geteuid();
}

enum exit_status user_choose(const char *name)
{
    const struct passwd *found = getpwnam(name);
    uint64_t number;
    if (found == NULL && number_parse(name, UINT32_MAX - 1, &number) < 0)
        return refuse_value("", "--user", "the name or the number of a user", name);
    chosen = found != NULL ? found->pw_uid : (uid_t)number;
    is_chosen = true;
    if (chosen == geteuid() || geteuid() == 0)
        return EXIT_FINE;
    complain("--user is for root: other users' pools are closed to this user");
    return EXIT_NO_POOL;
}

void user_name(uid_t user, char ret_name[USER_NAME_SIZE])
{
    const struct passwd *found = getpwuid(user);
    if (found != NULL)
        snprintf(ret_name, USER_NAME_SIZE, "%s", found->pw_name);
    else
        snprintf(ret_name, USER_NAME_SIZE, "%u", (unsigned)user);
}

/* Has the user a pool of this name, in this layout or in another one? Its layout is ret_layout's. */
static bool has_pool(uid_t user, const char *provider, const char *layout, bool is_in_it, char *ret_layout, size_t size)
{
    struct keyshm_pool_list *list;
    bool is_found = false;
    if (keyshm_list_pools(user, &list) < 0)
        return false;
    for (size_t i = 0; i < list->count && !is_found; i++) {
        is_found =
            strcmp(list_provider(list, i), provider) == 0 && (strcmp(list_layout(list, i), layout) == 0) == is_in_it;
        if (is_found)
            snprintf(ret_layout, size, "%s", list_layout(list, i));
    }
    keyshm_pool_list_free(list);
    return is_found;
}

bool user_find_other(const char *provider, uid_t *ret_user)
{
    struct keyshm_owner_list *owners;
    char layout[KEYSHM_LAYOUT_NAME_MAX + 1];
    bool is_found = false;
    if (keyshm_list_owners(&owners) < 0)
        return false;
    for (size_t i = 0; i < owners->count && !is_found; i++) {
        *ret_user = list_owner(owners, i);
        is_found = *ret_user != user_of_pools() &&
                   has_pool(*ret_user, provider, keyshm_layout_name(), true, layout, sizeof(layout));
    }
    keyshm_owner_list_free(owners);
    return is_found;
}

bool user_find_layout(const char *provider, char *ret_layout, size_t size)
{
    return has_pool(user_of_pools(), provider, keyshm_layout_name(), false, ret_layout, size);
}

bool user_has_layout(const char *provider, const char *layout)
{
    char same[KEYSHM_LAYOUT_NAME_MAX + 1];
    return has_pool(user_of_pools(), provider, layout, true, same, sizeof(same));
}
