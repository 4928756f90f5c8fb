/* SPDX-License-Identifier: MIT */

/* keyshm-stat: shows the state of pools. It maps them read-only and takes no lock. */

#include <unistd.h>

#include "command_line.h"
#include "follow.h"
#include "program.h"
#include "show.h"
#include "user.h"
#include "watch/batch.h"
#include "watch/live.h"

/* Another user would see only some of the pools, without knowing it. */
static enum exit_status refuse_all_users(void)
{
    complain("--all-users is for root: other users' pools are closed to this user");
    return EXIT_NO_POOL;
}

static enum exit_status answer(const struct request *request)
{
    enum exit_status status = request->user != NULL ? user_choose(request->user) : EXIT_FINE;
    bool is_repeated = request->watches || request->batch;
    if (status != EXIT_FINE)
        return status;
    if (request->all_users && geteuid() != 0)
        return refuse_all_users();
    if (request->follows || is_repeated)
        program_outlive_reader();
    if (request->follows)
        return follow_events(request);
    if (!is_repeated)
        return show_once(request);
    if (request->format != FORMAT_TABLE)
        return show_repeatedly(request);
    return request->batch ? watch_batch(request) : watch_live(request);
}

int main(int argc, char **argv)
{
    struct request request;
    enum exit_status status;
    program_begin();
    program_end_with_reader();
    if (command_line_parse(argc, argv, &request, &status))
        status = answer(&request);
    return program_end(status);
}
