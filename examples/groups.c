/* SPDX-License-Identifier: MIT */

/* Two accounts with two keys each, and two models. The provider limits the account acme for the model "large". So the
 * first 429 takes both of its keys out for that model, and requests for the other one go on with all keys. */

#define _DEFAULT_SOURCE /* for explicit_bzero(3) */
#include <keyshm.h>
#include <stdio.h>
#include <string.h>

static const char *const keys[] = {"sk-acme-this-is-no-real-key-AC01", "sk-acme-this-is-no-real-key-AC02",
                                   "sk-zeta-this-is-no-real-key-ZE01", "sk-zeta-this-is-no-real-key-ZE02"};

/* Stands for your HTTP client. */
static int send_request(const char *key, const char *model)
{
    return strncmp(key, "sk-acme-", 8) == 0 && strcmp(model, "large") == 0 ? 429 : 200;
}

static int use_model(keyshm_pool *pool, const char *model)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    struct keyshm_key_snapshot key;
    struct keyshm_lease lease;
    int r = keyshm_model(pool, model, &request.model);
    if (r < 0 || (r = keyshm_acquire(pool, &request, &lease)) < 0)
        return r;
    int status = send_request(lease.pick.key, model);
    explicit_bzero(lease.pick.key, lease.pick.key_length);
    if (status == 429) {
        mark.status = KEYSHM_RATE_LIMITED;
        mark.reason = KEYSHM_REASON_RATE_LIMIT;
        mark.scope = KEYSHM_SCOPE_GROUP; /* the limit is one of the account, */
        mark.model = lease.pick.model;   /* and of this model */
        mark.stamp = lease.pick.stamp;
        r = keyshm_mark(pool, lease.pick.id, &mark);
    }
    if (r == 0 && (r = keyshm_inspect(pool, lease.pick.id, 0, sizeof(key), &key)) == 0)
        printf("%s: %s answers %d, %d keys left\n", model, key.masked_key, status,
               keyshm_available_count_for(pool, request.model));
    keyshm_release(pool, &lease);
    return r;
}

int main(void)
{
    keyshm_pool *pool;
    keyshm_id group;
    int r = keyshm_create_anonymous(&pool, "example", NULL);
    for (int i = 0; r == 0 && i < 4; i++)
        if ((r = keyshm_group(pool, i < 2 ? "acme" : "zeta", &group)) == 0)
            r = keyshm_add_to_group(pool, keys[i], group, NULL);
    for (int i = 0; r == 0 && i < 8; i++)
        r = use_model(pool, i % 2 == 0 ? "large" : "small");
    if (r < 0)
        fprintf(stderr, "groups: %s\n", keyshm_strerror(r));
    return r < 0;
}
