/* SPDX-License-Identifier: MIT */

/* keyshm-stat: shows the state of pools. It maps them read-only and takes no lock. */

#include <unistd.h>

#include "follow.h"
#include "options.h"
#include "program.h"
#include "repeat.h"
#include "watch/watch.h"

/* Who is not root would see only some of the pools, and not know it. */
static enum exit_status refuse_to_look_at_others(void)
{
    complain("--all-users is for root: other users' pools are closed to this user");
    return EXIT_NO_POOL;
}

static enum exit_status answer(const struct request *request)
{
    bool is_repeated = request->watches || request->batch;
    if (request->all_users && geteuid() != 0)
        return refuse_to_look_at_others();
    if (request->follows)
        return follow_events(request);
    if (!is_repeated)
        return show_once(request);
    if (request->format != FORMAT_TABLE)
        return repeat_documents(request);
    return request->batch ? watch_batch(request) : watch_live(request);
}

int main(int argc, char **argv)
{
    struct request request;
    enum exit_status status;
    program_begin();
    if (options_parse(argc, argv, &request, &status))
        status = answer(&request);
    return program_end(status);
}
