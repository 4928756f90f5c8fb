/* SPDX-License-Identifier: MIT */

/*
 * The smallest worker: pick a key, send a request with it, mark the key by the answer. README.md shows its loop. Start it
 * as often as you like, and watch the pool with keyshm-stat --watch:
 *
 *     keyshm-ctl create demo && keyshm-ctl add demo < file-of-keys
 *     worker demo & worker demo & keyshm-stat --watch demo
 *
 * prefork.c is a complete one: a supervisor, workers that are replaced when they die, and libcurl.
 */

#define _DEFAULT_SOURCE /* for explicit_bzero(3) */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <keyshm.h>

static void sleep_ms(int64_t duration_ms)
{
    nanosleep(&(struct timespec){.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000}, NULL);
}

/* Stands for your HTTP client: returns the status, and Retry-After in milliseconds. Every tenth request is refused. */
static int send_request(const char *key, int64_t *ret_retry_after_ms)
{
    static unsigned requests;
    sleep_ms(10);
    *ret_retry_after_ms = ++requests % 10 != 0 ? KEYSHM_NO_RETRY_AFTER : 5000;
    return key[0] == '\0' ? 401 : *ret_retry_after_ms == KEYSHM_NO_RETRY_AFTER ? 200 : 429;
}

/* Until a cooldown ends, but at most a second: another process may add a key, or mark one available. */
static void wait_for_key(keyshm_pool *pool)
{
    int64_t wait_ms = keyshm_next_available_ms(pool);
    sleep_ms(wait_ms >= 0 && wait_ms < 1000 ? wait_ms : 1000);
}

int main(int argc, char **argv)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int64_t retry_after_ms;
    int r = keyshm_attach(&pool, argc > 1 ? argv[1] : "demo");
    if (r < 0) {
        fprintf(stderr, "worker: cannot attach: %s\n", r == -ENOENT ? "there is no such pool" : keyshm_strerror(r));
        return 1;
    }
    while ((r = keyshm_next(pool, &pick)) == 0 || r == -EAGAIN || r == -ENOKEY) {
        if (r < 0) { /* every key is rate limited, out of quota or invalid, or there is none yet */
            wait_for_key(pool);
            continue;
        }
        int status = send_request(pick.key, &retry_after_ms);
        if (status == 429)
            keyshm_mark_rate_limited(pool, pick.id, retry_after_ms);
        else if (status == 401)
            keyshm_mark_invalid(pool, pick.id);
        explicit_bzero(&pick, sizeof(pick)); /* it holds the key */
    }
    fprintf(stderr, "worker: %s\n", keyshm_strerror(r));
    keyshm_close(pool);
    return 1;
}
