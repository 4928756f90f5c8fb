/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "pools.h"
#include "program.h"
#include "stream.h"
#include "table.h"

#define INTERVAL_MS 200

/* ---- one pool, and those that take its name after it ---- */

struct followed {
    struct reading reading; /* its name, and the new events */
    keyshm_pool *pool;      /* NULL: there is none now */
    struct keyshm_event_cursor cursor;
    int reported; /* negative errno: the reason for which there is none, as last reported; 0: none was reported */
};

/* NULL: out of memory. */
static struct followed *followed_new(const struct pool_name *name)
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
    parts_free(&followed->reading.parts);
    followed->reading.events = NULL;
    followed->reading.workers = NULL;
}

static void followed_free(struct followed *followed)
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
    if (r == 0)
        r = parts_take_names(&followed->reading.parts, followed->pool, followed->reading.events);
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
    /* Asked before the events are read, so that none that happened before it was replaced is missed. */
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
    if (followed->reported != error && error != -ENOENT)
        fail(followed->reading.provider, error, reading_failures);
    if (followed->reported == 0 || error != -ENOENT)
        followed->reported = error;
    forget_events(followed);
    detach(followed);
    return error;
}

/* Read what is new. Reports when the pool has gone, or is there again. Returns 0, -ENOMEM, or the reason why it cannot be
 * read now; nothing is new then. */
static int followed_read(struct followed *followed)
{
    struct step step = {.followed = followed};
    bool was_away = followed->pool == NULL && followed->reported != 0;
    forget_events(followed);
    int r = guard_run(read_pool, &step) ? step.result : -READING_TRUNCATED;
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return lose(followed, r);
    if (was_away)
        complain("pool %s: there is one again", followed->reading.provider);
    followed->reported = 0;
    if (step.is_replaced) {
        complain("pool %s: it was destroyed; going on when there is another", followed->reading.provider);
        followed->reported = -ENOENT;
        detach(followed);
    }
    return 0;
}

/* ---- all of them ---- */

struct follower {
    const struct request *request;
    struct followed **pools;
    size_t count;
    bool is_begun; /* all have been looked for once */
    struct table_widths widths;
};

static bool is_followed(const struct follower *follower, const struct pool_name *name)
{
    for (size_t i = 0; i < follower->count; i++) {
        const struct pool_name *known = &follower->pools[i]->reading.name;
        if (known->owner == name->owner && strcmp(known->provider, name->provider) == 0)
            return true;
    }
    return false;
}

static int add_pool(struct follower *follower, const struct pool_name *name)
{
    struct followed **more = reallocarray(follower->pools, follower->count + 1, sizeof(struct followed *));
    if (more == NULL)
        return -ENOMEM;
    follower->pools = more;
    follower->pools[follower->count] = followed_new(name);
    if (follower->pools[follower->count] == NULL)
        return -ENOMEM;
    follower->count++;
    return 0;
}

/* At the beginning a pool that is not there, or cannot be read, is refused; later it is waited for. */
static enum exit_status refuse_missing(const struct pool_names *names)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < names->count && status == EXIT_FINE && !names->were_listed; i++) {
        keyshm_pool *pool;
        int r = keyshm_attach_readonly_user(&pool, names->names[i].owner, names->names[i].provider);
        if (r < 0)
            status = fail(names->names[i].provider, r, reading_failures);
        else
            keyshm_close(pool);
    }
    return status;
}

/* Those that were named, or all that there are now. */
static enum exit_status look_for_pools(struct follower *follower)
{
    struct pool_names names;
    int r = 0;
    enum exit_status status = pools_find(follower->request, &names);
    if (status == EXIT_FINE && !follower->is_begun)
        status = refuse_missing(&names);
    for (size_t i = 0; status == EXIT_FINE && i < names.count && r == 0; i++)
        if (!is_followed(follower, &names.names[i]))
            r = add_pool(follower, &names.names[i]);
    pools_free(&names);
    follower->is_begun = true;
    return r < 0 ? refuse("out of memory") : status;
}

static int print_json(const struct rows *rows, const struct request *request)
{
    for (size_t i = 0; i < rows->count; i++) {
        json_t *object = columns_json(request->columns, request->column_count, &rows->rows[i]);
        if (object == NULL)
            return -ENOMEM;
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
    }
    return 0;
}

static int print_new(struct follower *follower, struct rows *rows)
{
    for (size_t i = 0; i < follower->count; i++) {
        const struct reading *reading = &follower->pools[i]->reading;
        int r = reading->events != NULL ? rows_add(rows, follower->request, reading) : 0;
        if (r < 0)
            return r;
        if (reading->events != NULL)
            reading_report_lost_events(reading);
    }
    rows_sort(rows, follower->request);
    return follower->request->format == FORMAT_JSON ? print_json(rows, follower->request)
                                                    : table_go_on(&follower->widths, rows, follower->request);
}

static int read_and_print(struct follower *follower)
{
    struct rows rows = {NULL, 0};
    int r = 0;
    for (size_t i = 0; i < follower->count && r != -ENOMEM; i++)
        r = followed_read(follower->pools[i]);
    if (r != -ENOMEM)
        r = print_new(follower, &rows);
    rows_free(&rows);
    return r;
}

static enum exit_status go_on(struct follower *follower)
{
    enum exit_status status;
    do {
        status = look_for_pools(follower);
        if (status == EXIT_FINE && read_and_print(follower) < 0)
            status = refuse("out of memory");
    } while (status == EXIT_FINE && stream_flush() && stream_wait(INTERVAL_MS));
    return status;
}

enum exit_status follow_events(const struct request *request)
{
    struct follower follower = {.request = request};
    int r = stream_begin();
    if (r < 0)
        return refuse("cannot wait for signals: %s", keyshm_strerror(r));
    enum exit_status status = go_on(&follower);
    for (size_t i = 0; i < follower.count; i++)
        followed_free(follower.pools[i]);
    free(follower.pools);
    stream_end();
    return status;
}
