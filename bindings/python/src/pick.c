/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <string.h>

/* Picks. The GIL is kept: they wait for nobody. */

static PyObject *raise_pick_error(pool_object *self, keyshm_pool *pool, int r)
{
    if (r == -EAGAIN)
        raise_exhausted(self->state, keyshm_next_available_ms(pool));
    else
        raise_error(self->state, r, NULL);
    log_flush(self->state);
    return NULL;
}

NO_ARGUMENTS(pool_next)
{
    pool_object *object = (pool_object *)self;
    keyshm_pool *pool = pool_enter(object);
    struct keyshm_pick pick;
    if (pool == NULL)
        return NULL;
    int r = keyshm_next(pool, &pick);
    PyObject *key = r == 0 ? key_new(object, &pick, false) : raise_pick_error(object, pool, r);
    if (r == 0)
        explicit_bzero(pick.key, pick.key_length);
    pool_leave(object);
    return key;
}

NO_ARGUMENTS(pool_next_secret)
{
    pool_object *object = (pool_object *)self;
    keyshm_pool *pool = pool_enter(object);
    struct keyshm_pick pick; /* not keyshm_next_key(), which copies the key once more */
    if (pool == NULL)
        return NULL;
    int r = keyshm_next(pool, &pick);
    PyObject *text = r == 0 ? text_to(pick.key, pick.key_length) : raise_pick_error(object, pool, r);
    if (r == 0)
        explicit_bzero(pick.key, pick.key_length);
    pool_leave(object);
    return text;
}

/* get(key): whatever its status. */
METHOD(pool_get)
{
    static const struct signature signature = {"get", 1, 1, {"key"}};
    pool_object *object = (pool_object *)self;
    PyObject *values[1], *key = NULL;
    struct subject subject;
    struct keyshm_pick pick;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (take_arguments(&signature, arguments, count, names, values) == 0 &&
        subject_from(object, pool, values[0], &subject) == 0) {
        int r = keyshm_get(pool, subject.id, &pick);
        key = r == 0 ? key_new(object, &pick, false) : raise_error(object->state, r, NULL);
        if (r == 0)
            explicit_bzero(pick.key, pick.key_length);
    }
    pool_leave(object);
    return key;
}

NO_ARGUMENTS(pool_next_available_in)
{
    pool_object *object = (pool_object *)self;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    int64_t ms = keyshm_next_available_ms(pool);
    pool_leave(object);
    return ms < -1 ? raise_error(object->state, (int)ms, NULL) : seconds_from(ms);
}
