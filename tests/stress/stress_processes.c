/* SPDX-License-Identifier: MIT */

/* The mixture, with processes: half of them on an inherited attachment, half on one of their own. */

#include "expect.h"
#include "mixture.h"

static void work_in_process(struct mixture *mixture, keyshm_pool *pool, unsigned worker)
{
    if (worker % 2 != 0) {
        keyshm_close(pool);
        EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
    }
    mixture_work(mixture, pool, worker);
    keyshm_close(pool);
}

static void run_processes(struct mixture *mixture, keyshm_pool *pool)
{
    for (unsigned i = 0; i < MIXTURE_WORKERS; i++) {
        if (expect_fork() == 0) {
            work_in_process(mixture, pool, i);
            _exit(0);
        }
    }
    /* The first failure ends this process, and the other workers with it. */
    for (unsigned i = 0; i < MIXTURE_WORKERS; i++)
        expect_success_of_next();
}

int main(int argc, char **argv)
{
    return mixture_main(argc, argv, "stress-processes", run_processes);
}
