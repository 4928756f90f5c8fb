/* SPDX-License-Identifier: MIT */

/* The mixture, with threads on one attachment. Made to run under ThreadSanitizer. */

#include <pthread.h>

#include "expect.h"
#include "mixture.h"

struct job {
    pthread_t thread;
    struct mixture *mixture;
    keyshm_pool *pool;
    unsigned worker;
};

static void *job_main(void *argument)
{
    struct job *job = argument;
    mixture_work(job->mixture, job->pool, job->worker);
    return NULL;
}

static void run_threads(struct mixture *mixture, keyshm_pool *pool)
{
    struct job jobs[MIXTURE_WORKERS];
    for (unsigned i = 0; i < MIXTURE_WORKERS; i++) {
        jobs[i] = (struct job){.mixture = mixture, .pool = pool, .worker = i};
        EXPECT_EQ(pthread_create(&jobs[i].thread, NULL, job_main, &jobs[i]), 0);
    }
    for (unsigned i = 0; i < MIXTURE_WORKERS; i++)
        EXPECT_EQ(pthread_join(jobs[i].thread, NULL), 0);
}

int main(int argc, char **argv)
{
    return mixture_main(argc, argv, "stress-threads", run_threads);
}
