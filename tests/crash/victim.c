/* SPDX-License-Identifier: MIT */

/*
 * A process to be killed: attaches to POOL, stops itself, does one membership change, stops itself again.
 *
 *   victim POOL add KEY
 *   victim POOL remove ID
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "keyshm.h"

int main(int argc, char **argv)
{
    keyshm_pool *pool;
    if (argc != 4 || keyshm_attach(&pool, argv[1]) != 0)
        return 2;
    keyshm_id id = strtoull(argv[3], NULL, 10);

    raise(SIGSTOP);
    int r = strcmp(argv[2], "add") == 0 ? keyshm_add(pool, argv[3], NULL) : keyshm_remove(pool, id);
    raise(SIGSTOP);
    keyshm_close(pool);
    return r == 0 ? 0 : 1;
}
