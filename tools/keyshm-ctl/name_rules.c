/* SPDX-License-Identifier: MIT */
#include "name_rules.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lists.h"

_Static_assert(KEYSHM_NAME_MAX == 128, "NAME_RULE");
_Static_assert(KEYSHM_PROVIDER_MAX == 64, "NAME_OF_POOL_RULE");

bool name_is_allowed(const char *name)
{
    size_t length = strlen(name);
    json_t *string = json_string(name);
    bool is_allowed =
        string != NULL && length > 0 && length <= KEYSHM_NAME_MAX && name[0] != ' ' && name[length - 1] != ' ';
    json_decref(string);
    for (; *name != '\0' && is_allowed; name++)
        is_allowed = (unsigned char)*name >= ' ' && *name != 0x7f;
    return is_allowed;
}

bool name_is_of_pool(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= KEYSHM_PROVIDER_MAX && name[0] != '.' && strspn(name, allowed) == length;
}

bool name_reveals_any(const struct keyshm_snapshot *snapshot, is_key_fn *is_key, void *user)
{
    bool is_found = false;
    for (unsigned i = 0; i < snapshot->group_count && !is_found; i++)
        is_found = metadata_reveals_any(list_group(snapshot, i)->name, is_key, user);
    for (unsigned model = 1; model <= snapshot->model_count && !is_found; model++)
        is_found = metadata_reveals_any(list_model(snapshot, model), is_key, user);
    return is_found;
}

static enum exit_status refuse_key(const char *provider)
{
    return refuse("pool %s: the name has one of its keys in it, and everyone who inspects the pool would see it; nothing "
                  "was changed",
                  provider);
}

/* ---- groups ---- */

enum exit_status name_find_group(const char *provider, keyshm_pool *pool, const char *name, keyshm_id *ret_group)
{
    int r = keyshm_find_group(pool, name, ret_group);
    if (r == -ENOENT)
        return refuse("pool %s: it has no group of that name; see those that it has with: keyshm-ctl group %s", provider,
                      provider);
    return r < 0 ? fail(provider, r, NULL) : EXIT_FINE;
}

enum exit_status name_check_group(const char *provider, keyshm_pool *pool, const char *name)
{
    return metadata_reveals_key(pool, name) ? refuse_key(provider) : EXIT_FINE;
}

enum exit_status name_make_group(const char *provider, keyshm_pool *pool, const char *name, keyshm_id *ret_group)
{
    static const struct failure failures[] = {
        {ENOSPC, EXIT_REFUSED, "it has as many groups as it was made for, and none of that name",
         "see them with: keyshm-ctl group", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    if (keyshm_find_group(pool, name, ret_group) == 0)
        return EXIT_FINE;
    enum exit_status status = name_check_group(provider, pool, name);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_group(pool, name, ret_group);
    return r < 0 ? fail(provider, r, failures) : EXIT_FINE;
}

/* ---- models ---- */

/* -EPERM: a key is in it. Or an error of keyshm_model(). */
static int make_model(keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    if (keyshm_find_model(pool, name, ret_model) == 0)
        return 0;
    return metadata_reveals_key(pool, name) ? -EPERM : keyshm_model(pool, name, ret_model);
}

enum exit_status name_make_model(const char *provider, keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    static const struct failure failures[] = {
        {ENOSPC, EXIT_REFUSED, "it has as many models as it was made for, and none of that name",
         "see them with: keyshm-ctl model", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    int r = make_model(pool, name, ret_model);
    if (r == -EPERM)
        return refuse_key(provider);
    return r < 0 ? fail(provider, r, failures) : EXIT_FINE;
}

enum exit_status name_find_model(const char *provider, keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    int r = keyshm_find_model(pool, name, ret_model);
    if (r == -ENOENT)
        return refuse(
            "pool %s: it has no model of that name; nothing was changed; see those that it has with: keyshm-ctl "
            "model %s",
            provider, provider);
    return r < 0 ? fail(provider, r, NULL) : EXIT_FINE;
}

enum exit_status name_choose_model(const char *provider, keyshm_pool *pool, const char *name_or_null, unsigned *ret_model)
{
    *ret_model = 0;
    int r = name_or_null != NULL ? make_model(pool, name_or_null, ret_model) : 0;
    if (r == -EPERM)
        return refuse_key(provider);
    if (r == -ENOSPC) {
        complain("pool %s: it has no room for another model, so this is done without one; see those that it has with: "
                 "keyshm-ctl model %s",
                 provider, provider);
        r = 0;
    }
    return r < 0 ? fail(provider, r, NULL) : EXIT_FINE;
}
