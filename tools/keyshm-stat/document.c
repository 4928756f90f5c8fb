/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <errno.h>
#include <stdlib.h>

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

void document_free(struct document *document)
{
    for (size_t i = 0; i < document->kept_count; i++)
        reading_free(document->kept[i]);
    free(document->kept);
    document->kept = NULL;
    document->kept_count = 0;
}
