/* SPDX-License-Identifier: MIT */

/* One document: its pools are read one after the other, and shown in the format that was asked for. */

#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "document.h"
#include "program.h"

static const struct view *view_of(enum format format)
{
    static const struct view *const views[] = {[FORMAT_TABLE] = &table_view,
                                               [FORMAT_RAW] = &table_view,
                                               [FORMAT_JSON] = &json_view,
                                               [FORMAT_OPENMETRICS] = &openmetrics_view};
    return views[format];
}

int document_keep(struct document *document, struct reading *reading)
{
    struct reading **more = reallocarray(document->kept, document->kept_count + 1, sizeof(struct reading *));
    if (more == NULL) {
        reading_free(reading);
        return -ENOMEM;
    }
    document->kept = more;
    document->kept[document->kept_count++] = reading;
    return 0;
}

static int add_pool(const struct pool_name *name, void *user)
{
    struct document *document = user;
    struct reading *reading;
    int r = reading_take(name, document->request->subject, &reading);
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
    for (size_t i = 0; i < document.kept_count; i++)
        reading_free(document.kept[i]);
    free(document.kept);
    return status;
}
