/* SPDX-License-Identifier: MIT */

/* The mixture, with processes: half of them on an inherited attachment, half on one of their own. */

#include "expect.h"
#include "mixture.h"

static void worker_main(struct mixture *mixture, keyshm_pool *pool, unsigned worker)
{
    if (worker % 2 != 0) {
        keyshm_close(pool);
        EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
    }
    mixture_work(mixture, pool, worker);
    keyshm_close(pool);
}

static void run(unsigned iterations, uint64_t seed, bool evergreen)
{
    keyshm_pool *pool;
    struct mixture *mixture = mixture_begin(&pool, seed, iterations, evergreen);
    for (unsigned i = 0; i < MIXTURE_WORKERS; i++) {
        if (expect_fork() == 0) {
            worker_main(mixture, pool, i);
            _exit(0);
        }
    }
    /* Whoever fails first ends the others with this process. */
    for (unsigned i = 0; i < MIXTURE_WORKERS; i++)
        expect_success_of_next();
    mixture_end(mixture, pool);
}

int main(int argc, char **argv)
{
    unsigned iterations;
    uint64_t seed;
    mixture_arguments(argc, argv, &iterations, &seed);
    expect_pool_name("stress-processes");
    run(iterations, seed, true);
    run(iterations, seed, false);
    return 0;
}
