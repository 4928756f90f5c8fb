/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "lookup.h"
#include "mutex_holder.h"
#include "report.h"

static void print_holder(const struct keyshm_snapshot *snapshot)
{
    char text[MUTEX_HOLDER_TEXT_SIZE];
    if (snapshot->mutex_holder_pid == 0) {
        puts("nobody");
    } else if (snapshot->mutex_holder_pid < 0) {
        puts("a process in another PID namespace");
    } else {
        mutex_holder_describe(snapshot, text);
        puts(text);
    }
}

enum exit_status command_holder(const struct arguments *arguments)
{
    struct keyshm_snapshot *snapshot;
    enum exit_status status = EXIT_FINE;
    int r = lookup_pool(arguments->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        status = report(arguments->pool, mutex_holder_to_json(snapshot));
    else
        print_holder(snapshot);
    keyshm_snapshot_free(snapshot);
    return status;
}
