/* SPDX-License-Identifier: MIT */
#include "followed.h"

#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "program.h"

struct followed *followed_new(const struct pool_name *name)
{
    struct followed *followed = calloc(1, sizeof(*followed));
    if (followed == NULL)
        return NULL;
    stpncpy(followed->reading.provider, name->provider, KEYSHM_PROVIDER_MAX);
    followed->reading.name = (struct pool_name){name->owner, followed->reading.provider};
    return followed;
}

static void forget_events(struct followed *followed)
{
    keyshm_event_list_free(followed->reading.events);
    keyshm_worker_list_free(followed->reading.workers);
    followed->reading.events = NULL;
    followed->reading.workers = NULL;
}

void followed_free(struct followed *followed)
{
    forget_events(followed);
    keyshm_close(followed->pool);
    free(followed);
}

struct step {
    struct followed *followed;
    int result;
    bool is_replaced;
};

static int read_events(struct followed *followed)
{
    int r = keyshm_events(followed->pool, &followed->cursor, &followed->reading.events);
    return r < 0 ? r : keyshm_workers(followed->pool, &followed->reading.workers);
}

static void read_pool(void *user)
{
    struct step *step = user;
    struct followed *followed = step->followed;
    const struct pool_name *name = &followed->reading.name;
    step->result = followed->pool != NULL ? 0 : keyshm_attach_readonly_user(&followed->pool, name->owner, name->provider);
    if (step->result < 0)
        return;
    /* Asked first: what happened before it was replaced is read below. */
    step->is_replaced = keyshm_is_replaced(followed->pool) > 0;
    step->result = read_events(followed);
}

static void detach(struct followed *followed)
{
    keyshm_close(followed->pool);
    followed->pool = NULL;
    followed->cursor = (struct keyshm_event_cursor){{0}};
}

static int lose(struct followed *followed, int error)
{
    if (error == -EBADMSG && followed->pool != NULL)
        error = -READING_OVERWRITTEN;
    if (followed->told != error && error != -ENOENT)
        fail(followed->reading.provider, error, reading_failures);
    if (followed->told == 0 || error != -ENOENT)
        followed->told = error;
    forget_events(followed);
    detach(followed);
    return error;
}

int followed_read(struct followed *followed)
{
    struct step step = {.followed = followed};
    bool was_away = followed->pool == NULL && followed->told != 0;
    forget_events(followed);
    int r = guard_run(read_pool, &step) ? step.result : -READING_TRUNCATED;
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return lose(followed, r);
    if (was_away)
        complain("pool %s: there is one again", followed->reading.provider);
    followed->told = 0;
    if (step.is_replaced) {
        complain("pool %s: it was destroyed; going on when there is another", followed->reading.provider);
        followed->told = -ENOENT;
        detach(followed);
    }
    return 0;
}
