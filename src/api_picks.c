/* SPDX-License-Identifier: MIT */

/* The public calls that pick a key, and give it back: each checks its arguments, and calls one module. */

#include "keyshm.h"

#include <errno.h>
#include <string.h>

#include "acquire.h"
#include "check.h"
#include "lease.h"
#include "models.h"
#include "pick.h"
#include "questions.h"
#include "reap.h"
#include "refuse.h"
#include "registers.h"
#include "sized_struct.h"
#include "slot.h"

int keyshm_next(keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    if (pool == NULL || ret_pick == NULL || pool->readonly)
        return pool != NULL && ret_pick != NULL ? check_writable(pool) : -EINVAL;
    return pick_next(pool, ret_pick);
}

ssize_t keyshm_next_key(keyshm_pool *pool, char *buffer, size_t size, keyshm_id *ret_id_or_null)
{
    struct keyshm_pick pick;
    int r = check_writable(pool);
    if (r == 0 && buffer == NULL)
        r = -EINVAL;
    if (r < 0)
        return r;
    r = pick_next(pool, &pick);
    if (r < 0)
        return r;
    ssize_t length = pick.key_length < size ? (ssize_t)pick.key_length : -ERANGE;
    if (length >= 0)
        memcpy(buffer, pick.key, pick.key_length + 1);
    if (length >= 0 && ret_id_or_null != NULL)
        *ret_id_or_null = pick.id;
    /* Up to 63 bytes after the key were written. */
    explicit_bzero(pick.key, pick.key_length < SLOT_HEAD_BYTES ? SLOT_HEAD_BYTES : pick.key_length);
    registers_wipe();
    return length;
}

int64_t keyshm_next_available_ms(keyshm_pool *pool)
{
    return pool != NULL ? questions_next_ms(pool, 0) : -EINVAL;
}

/* ---- requests ---- */

static bool is_valid(const struct keyshm_request *request)
{
    return request->wait_ms >= 0 && request->wait_ms <= KEYSHM_UNTIL_MARKED && (request->flags & ~KEYSHM_SOONEST) == 0;
}

static int read_request(const struct keyshm_pool *pool, const struct keyshm_request *request_or_null,
                        struct keyshm_request *ret_request)
{
    *ret_request = (struct keyshm_request)KEYSHM_REQUEST_INIT;
    int r = request_or_null != NULL ? sized_struct_read(pool, request_or_null, ret_request, sizeof(*ret_request)) : 0;
    if (r == 0)
        r = check_model(pool, ret_request->model);
    if (r == 0 && !is_valid(ret_request))
        r = refuse_call(pool, -EINVAL,
                        ret_request->wait_ms < 0 || ret_request->wait_ms > KEYSHM_UNTIL_MARKED
                            ? "a wait that is no time in milliseconds"
                            : "a flag that is not known");
    return r;
}

/* All requests, of other versions of the struct too. */
__attribute__((noinline)) static int
acquire_any(const struct keyshm_pool *pool, const struct keyshm_request *request_or_null, struct keyshm_lease *ret_lease)
{
    struct keyshm_request request;
    int r = check_writable(pool);
    if (r == 0)
        r = ret_lease != NULL ? read_request(pool, request_or_null, &request) : -EINVAL;
    return r == 0 ? acquire(pool, &request, ret_lease) : r;
}

/* The usual request: of this version, for a model that there is, that takes its turn and does not wait. */
static bool is_plain(const struct keyshm_pool *pool, const struct keyshm_request *request)
{
    return request->size == sizeof(*request) && models_is_there(pool, request->model) && request->affinity == 0 &&
           request->wait_ms == 0 && request->flags == 0;
}

/* The usual request is read in place, and the rest is kept out of its way: together they would cost a fifth more. */
int keyshm_acquire(keyshm_pool *pool, const struct keyshm_request *request_or_null, struct keyshm_lease *ret_lease)
{
    if (pool == NULL || pool->readonly || ret_lease == NULL || request_or_null == NULL ||
        !is_plain(pool, request_or_null))
        return acquire_any(pool, request_or_null, ret_lease);
    return acquire_now(pool, request_or_null, ret_lease);
}

int64_t keyshm_wait_hint_ms(keyshm_pool *pool, const struct keyshm_request *request_or_null)
{
    struct keyshm_request request;
    int r = pool != NULL ? read_request(pool, request_or_null, &request) : -EINVAL;
    return r == 0 ? questions_wait_hint_ms(pool, request.model, request.tokens) : r;
}

/* ---- and how it ends ---- */

static int check_lease(const struct keyshm_pool *pool, const struct keyshm_lease *lease)
{
    int r = check_writable(pool);
    return r == 0 && lease == NULL ? -EINVAL : r;
}

int keyshm_settle(keyshm_pool *pool, struct keyshm_lease *lease, uint64_t tokens_used)
{
    int r = check_lease(pool, lease);
    return r == 0 ? lease_settle(pool, lease, tokens_used) : r;
}

int keyshm_release(keyshm_pool *pool, struct keyshm_lease *lease)
{
    int r = check_lease(pool, lease);
    return r == 0 ? lease_release(pool, lease) : r;
}

int keyshm_cancel(keyshm_pool *pool, struct keyshm_lease *lease)
{
    int r = check_lease(pool, lease);
    return r == 0 ? lease_cancel(pool, lease) : r;
}

int keyshm_reap(keyshm_pool *pool, pid_t pid_or_0)
{
    int r = check_writable(pool);
    if (r == 0 && pid_or_0 < 0)
        r = refuse_call(pool, -EINVAL, "a process id below 0");
    return r == 0 ? reap_all(pool, pid_or_0) : r;
}

int keyshm_leases(keyshm_pool *pool, struct keyshm_lease_list **ret_list)
{
    return pool != NULL && ret_list != NULL ? reap_list(pool, ret_list) : -EINVAL;
}
