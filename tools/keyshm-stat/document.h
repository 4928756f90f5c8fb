/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_DOCUMENT_H
#define KEYSHM_STAT_DOCUMENT_H

/* One document on standard output about all pools of a request, in each format. Errors of writing are left to the end
 * of the program. */

#include "listing.h"
#include "request.h"

struct document {
    const struct request *request;
    unsigned shown;        /* pools so far */
    struct reading **kept; /* what cannot be shown before all pools were read */
    size_t kept_count;
};

struct view {
    void (*begin)(struct document *document);
    /* What was read of one pool; it belongs to the document. -ENOMEM. */
    int (*add_pool)(struct document *document, struct reading *reading);
    int (*end)(struct document *document); /* -ENOMEM */
};

extern const struct view table_view; /* and --raw */
extern const struct view json_view;
extern const struct view openmetrics_view;

/* Keep it until the end. */
int document_keep(struct document *document, struct reading *reading);

#endif
