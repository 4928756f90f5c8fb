/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_DOCUMENT_H
#define KEYSHM_STAT_DOCUMENT_H

/* One document on standard output about all pools of a request, in any format. Errors of writing are found at the end of
 * the program. */

#include "reading.h"
#include "request.h"

struct document {
    const struct request *request;
    unsigned shown;        /* pools so far */
    struct reading **kept; /* what can be shown only after all pools were read */
    size_t kept_count;
};

/* A format. */
struct view {
    void (*begin)(struct document *document);
    /* Takes over the reading. -ENOMEM. */
    int (*add_pool)(struct document *document, struct reading *reading);
    int (*end)(struct document *document); /* -ENOMEM */
};

/* Keep a reading until the end; it is freed if it cannot be kept. -ENOMEM. */
int document_keep(struct document *document, struct reading *reading);

/* Free what was kept. */
void document_free(struct document *document);

#endif
