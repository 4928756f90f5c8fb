/* SPDX-License-Identifier: MIT */
#include "pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lists.h"
#include "program.h"
#include "user.h"

static enum exit_status out_of_memory(void)
{
    return refuse("out of memory");
}

static int add_name(struct pool_names *names, uid_t owner, const char *provider)
{
    struct pool_name *more = reallocarray(names->names, names->count + 1, sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    names->names = more;
    names->names[names->count++] = (struct pool_name){owner, provider};
    return 0;
}

static int add_other(struct pool_names *names, uid_t owner, const char *provider, const char *layout)
{
    struct pool_of_layout *more = reallocarray(names->others, names->other_count + 1, sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    names->others = more;
    names->others[names->other_count++] = (struct pool_of_layout){owner, provider, layout};
    return 0;
}

static int add_listed(struct pool_names *names, uid_t owner, const struct keyshm_pool_list *list, size_t i)
{
    const char *provider = list_provider(list, i), *layout = list_layout(list, i);
    return strcmp(layout, keyshm_layout_name()) == 0 ? add_name(names, owner, provider)
                                                     : add_other(names, owner, provider, layout);
}

static int add_list(struct pool_names *names, struct keyshm_pool_list *list)
{
    struct keyshm_pool_list **more = reallocarray(names->lists, names->list_count + 1, sizeof(struct keyshm_pool_list *));
    if (more == NULL) {
        keyshm_pool_list_free(list);
        return -ENOMEM;
    }
    names->lists = more;
    names->lists[names->list_count++] = list;
    return 0;
}

static enum exit_status find_named(struct pool_names *names, uid_t owner, char *const *providers)
{
    for (; *providers != NULL; providers++)
        if (add_name(names, owner, *providers) < 0)
            return out_of_memory();
    return EXIT_FINE;
}

static enum exit_status find_listed(struct pool_names *names, uid_t owner)
{
    struct keyshm_pool_list *list;
    int r = keyshm_list_pools(owner, &list);
    if (r < 0)
        return refuse("cannot list the pools of user %u: %s", (unsigned)owner, keyshm_strerror(r));
    if (add_list(names, list) < 0)
        return out_of_memory();
    for (size_t i = 0; i < list->count; i++)
        if (add_listed(names, owner, list, i) < 0)
            return out_of_memory();
    return EXIT_FINE;
}

static enum exit_status find_of_all_users(struct pool_names *names)
{
    struct keyshm_owner_list *owners;
    enum exit_status status = EXIT_FINE;
    int r = keyshm_list_owners(&owners);
    if (r < 0)
        return refuse("cannot list the users who have pools: %s", keyshm_strerror(r));
    for (size_t i = 0; i < owners->count && status == EXIT_FINE; i++)
        status = find_listed(names, list_owner(owners, i));
    keyshm_owner_list_free(owners);
    return status;
}

enum exit_status pools_find(const struct request *request, struct pool_names *ret_names)
{
    *ret_names = (struct pool_names){.were_listed = *request->pools == NULL};
    if (request->all_users)
        return find_of_all_users(ret_names);
    return ret_names->were_listed ? find_listed(ret_names, user_of_pools())
                                  : find_named(ret_names, user_of_pools(), request->pools);
}

void pools_free(struct pool_names *names)
{
    for (size_t i = 0; i < names->list_count; i++)
        keyshm_pool_list_free(names->lists[i]);
    free(names->lists);
    free(names->others);
    free(names->names);
}

static enum exit_status worse_of(enum exit_status a, enum exit_status b)
{
    return a > b ? a : b;
}

static enum exit_status visit_all(const struct pool_names *names, pools_visit_fn *visit, void *user)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < names->count; i++) {
        const struct pool_name *name = &names->names[i];
        int r = visit(name, user);
        bool is_gone = r == -ENOENT || r == -READING_DESTROYED;
        if (r < 0 && !(is_gone && names->were_listed))
            status = worse_of(status, fail(name->provider, r, reading_failures));
    }
    for (size_t i = 0; i < names->other_count; i++) {
        complain_of_layout(names->others[i].owner, names->others[i].provider, names->others[i].layout);
        status = worse_of(status, EXIT_DAMAGED);
    }
    return status;
}

enum exit_status pools_visit(const struct request *request, pools_visit_fn *visit, void *user)
{
    struct pool_names names;
    enum exit_status status = pools_find(request, &names);
    if (status == EXIT_FINE)
        status = visit_all(&names, visit, user);
    if (status == EXIT_FINE && names.count == 0 && request->format == FORMAT_TABLE)
        complain(request->all_users ? "no user has pools"
                                    : "this user has no pools; make one with: keyshm-ctl create POOL");
    pools_free(&names);
    return status;
}
