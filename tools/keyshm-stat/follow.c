/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "followed.h"
#include "program.h"
#include "stream.h"
#include "table.h"

#define INTERVAL_MS 200

struct follower {
    const struct request *request;
    struct followed **pools;
    size_t count;
    bool is_begun; /* a first look at all of them was taken */
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

/* What is not there, or cannot be read, when it begins is refused; later it is waited for. */
static enum exit_status refuse_what_is_not_there(const struct pool_names *names)
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

/* Those that are named, or all there are now. */
static enum exit_status look_for_pools(struct follower *follower)
{
    struct pool_names names;
    int r = 0;
    enum exit_status status = pools_find(follower->request, &names);
    if (status == EXIT_FINE && !follower->is_begun)
        status = refuse_what_is_not_there(&names);
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
            events_tell_lost(reading->provider, reading->events);
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
