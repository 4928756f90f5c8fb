/* SPDX-License-Identifier: MIT */
#include "conflicts.h"

#include <string.h>

#include "options.h"
#include "program.h"

/* The first goes with none of the others. */
static const char *const conflicts[][16] = {
    {"json", "raw", "openmetrics", NULL},
    {"raw", "openmetrics", NULL},
    {"workers", "events", "follow", "check", "ids", "status", "key", NULL},
    {"check", "events", "follow", "json", "raw", "openmetrics", "output", "output-all", "ids", "sort", "status", "key",
     NULL},
    {"events", "ids", NULL},
    {"follow", "ids", "sort", NULL},
    {"openmetrics", "events", "follow", "workers", "output", "output-all", "ids", "sort", NULL},
    {"output-all", "output", NULL},
    {"watch", "events", "follow", "workers", "check", NULL},
    {"batch", "events", "follow", "workers", "check", "json", "raw", "openmetrics", NULL},
};

static bool is_given(uint64_t given, const char *name)
{
    for (size_t i = 0; i < stat_option_count; i++)
        if (strcmp(stat_options[i].name, name) == 0)
            return (given & UINT64_C(1) << i) != 0;
    return false;
}

enum exit_status conflicts_refuse(uint64_t given)
{
    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
        const char *const *names = conflicts[i];
        for (size_t other = 1; is_given(given, names[0]) && names[other] != NULL; other++)
            if (is_given(given, names[other]))
                return refuse("--%s and --%s do not go together", names[0], names[other]);
    }
    if (is_given(given, "iterations") && !is_given(given, "watch") && !is_given(given, "batch"))
        return refuse("--iterations is for --watch and --batch");
    return EXIT_FINE;
}
