/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <stdio.h>

enum exit_status report(const char *provider, json_t *members)
{
    json_t *object = json_pack("{s:i, s:s}", "schema", 1, "provider", provider);
    int r = members != NULL && object != NULL ? json_object_update(object, members) : -1;
    /* What stdio cannot write is noticed at the end of the program. */
    if (r == 0) {
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(object);
    json_decref(members);
    return r == 0 ? EXIT_FINE : fail(provider, -ENOMEM, NULL);
}
