/* SPDX-License-Identifier: MIT */

/*
 * The smallest worker: pick a key, send a request with it, and report what the answer says about it. README.md shows its loop.
 * Start it as often as you like, and watch the pool with keyshm-stat --watch:
 *
 *     keyshm-ctl create openai && keyshm-ctl add openai < file-of-keys
 *     worker openai & worker openai & keyshm-stat --watch openai
 *
 * prefork.c is a complete one: a supervisor, workers that are replaced when they die, and libcurl.
 */

#define _DEFAULT_SOURCE /* for explicit_bzero(3) */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <keyshm-http.h>

static void sleep_ms(int64_t duration_ms)
{
    nanosleep(&(struct timespec){.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000}, NULL);
}

/* Stands for your HTTP client. Every tenth request is refused. */
static void send_request(const char *key, struct keyshm_http_response *ret_response)
{
    static const struct keyshm_http_header retry_after = {"Retry-After", 11, "5", 1};
    static unsigned requests;
    sleep_ms(10);
    *ret_response = (struct keyshm_http_response)KEYSHM_HTTP_RESPONSE_INIT;
    ret_response->status = key[0] == '\0' ? 401 : ++requests % 10 != 0 ? 200 : 429;
    if (ret_response->status == 429) {
        ret_response->headers = &retry_after;
        ret_response->header_count = 1;
    }
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
    struct keyshm_http_response response;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    int r = keyshm_attach(&pool, argc > 1 ? argv[1] : "openai");
    if (r < 0) {
        fprintf(stderr, "worker: cannot attach: %s\n", r == -ENOENT ? "there is no such pool" : keyshm_strerror(r));
        return 1;
    }
    while ((r = keyshm_next(pool, &pick)) == 0 || r == -EAGAIN || r == -ENOKEY) {
        if (r < 0) { /* every key is rate limited, out of quota or invalid, or there is none yet */
            wait_for_key(pool);
            continue;
        }
        send_request(pick.key, &response); /* status, header and body of the answer */
        explicit_bzero(pick.key, pick.key_length);
        if (keyshm_http_judge(keyshm_provider_rules(pool), &response, &verdict) == 0)
            keyshm_http_report(pool, &pick, 0, &verdict);
        if (verdict.retry == KEYSHM_HTTP_RETRY_LATER) /* the provider's fault: no other key helps */
            sleep_ms(verdict.wait_ms >= 0 ? verdict.wait_ms : 1000);
    }
    fprintf(stderr, "worker: %s\n", keyshm_strerror(r));
    keyshm_close(pool);
    return 1;
}
