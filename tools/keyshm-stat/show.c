/* SPDX-License-Identifier: MIT */
#include "show.h"

#include "check.h"
#include "clocks.h"
#include "document.h"
#include "json.h"
#include "openmetrics.h"
#include "pools.h"
#include "program.h"
#include "stream.h"
#include "table.h"
#include "timer.h"

static const struct view *view_of(enum format format)
{
    static const struct view *const views[] = {[FORMAT_TABLE] = &table_view,
                                               [FORMAT_RAW] = &table_view,
                                               [FORMAT_JSON] = &json_view,
                                               [FORMAT_OPENMETRICS] = &openmetrics_view};
    return views[format];
}

static int add_pool(const struct pool_name *name, void *user)
{
    struct document *document = user;
    struct reading *reading;
    int r = reading_take(name, document->request, &reading);
    if (r == 0)
        r = view_of(document->request->format)->add_pool(document, reading);
    return r;
}

enum exit_status show_once(const struct request *request)
{
    const struct view *view = view_of(request->format);
    struct document document = {.request = request};
    if (request->subject == SUBJECT_CHECK)
        return check_pools(request);
    view->begin(&document);
    enum exit_status status = pools_visit(request, add_pool, &document);
    if (view->end(&document) < 0)
        status = refuse("out of memory");
    document_free(&document);
    return status;
}

enum exit_status show_repeatedly(const struct request *request)
{
    struct request each = *request;
    struct timer timer;
    enum exit_status status;
    int r = stream_begin();
    if (r < 0)
        return refuse("cannot wait for signals: %s", keyshm_strerror(r));
    each.is_one_line = true;
    timer_begin(&timer, clock_monotonic_ms());
    for (uint64_t shown = 0;;) {
        status = show_once(&each);
        if (!stream_flush() || ++shown == request->iterations)
            break;
        timer_go_on(&timer, request->interval_ms, clock_monotonic_ms());
        if (!stream_wait(timer_left_ms(&timer, clock_monotonic_ms())))
            break;
    }
    stream_end();
    return status;
}
