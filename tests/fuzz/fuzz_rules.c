/* SPDX-License-Identifier: MIT */

/*
 * Read a file of rules that may be none: either it is refused, and it is said why, or answers are judged by it, and whatever the
 * rules say, the verdicts are such as may be. Only a few providers are compiled in, so that an input takes little time.
 */

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verdicts.h"

/* What it keeps for other threads is freed here after each input. */
#include "rule_store.c" /* NOLINT(bugprone-suspicious-include) */

static char directory[] = "/tmp/keyshm-fuzz-rules-XXXXXX";
static char path[sizeof(directory) + 8];

static void remove_directory(void)
{
    unlink(path);
    rmdir(directory);
}

static void begin(void)
{
    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof(path), "%s/a.json", directory);
    atexit(remove_directory);
}

static void put_file(const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void count_problem(const char *problem, void *user)
{
    unsigned *count = user;
    if (strncmp(problem, directory, strlen(directory)) != 0 && strstr(problem, ": ") == NULL)
        abort();
    ++*count;
}

static void free_rules(void)
{
    struct kept *kept = atomic_load_explicit(&current, memory_order_relaxed);
    atomic_store_explicit(&current, NULL, memory_order_relaxed);
    while (kept != NULL) {
        struct kept *before = kept->before;
        rule_set_free(kept->set);
        free(kept);
        kept = before;
    }
}

#define FIELD(name, value)                               \
    {                                                    \
        name, sizeof(name) - 1, value, sizeof(value) - 1 \
    }

static void judge_all(const char *provider)
{
    static const int statuses[] = {200, 400, 401, 402, 403, 404, 413, 429, 500, 503};
    static const char *const bodies[] = {
        "",
        "{\"error\": {\"message\": \"Rate limit reached for gpt-4o on tokens per day (TPD). Please try again in 5.8s\", "
        "\"type\":"
        " \"tokens\", \"code\": \"rate_limit_exceeded\"}}",
        "{\"error\": {\"code\": 429, \"status\": \"RESOURCE_EXHAUSTED\", \"message\": \"You exceeded your current "
        "quota\","
        " \"details\": [{\"violations\": [{\"quotaId\": \"PerDay\", \"quotaDimensions\": {\"model\": \"gemini-2.5\"}}],"
        " \"retryDelay\": \"7s\"}]}}",
        "{\"status\": \"0\", \"message\": \"NOTOK\", \"result\": \"Max rate limit reached",
        "<!doctype html><title>1015 | Cloudflare</title></html>",
        "Invalid API key until 2026-12-01 at 00:00 UTC",
        "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\"}}\n\n",
    };
    static const struct keyshm_http_header headers[] = {
        FIELD("retry-after", "7"),
        FIELD("x-ratelimit-limit-requests", "10"),
        FIELD("x-ratelimit-remaining-requests", "0"),
        FIELD("x-ratelimit-reset-requests", "6m0s"),
        FIELD("ratelimit", "\"api\";r=0;t=55"),
        FIELD("x-amzn-errortype", "ThrottlingException:"),
    };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        for (size_t k = 0; k < sizeof(bodies) / sizeof(bodies[0]); k++) {
            struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
            response.status = statuses[i];
            response.headers = headers;
            response.header_count = k % 2 == 0 ? sizeof(headers) / sizeof(headers[0]) : 0;
            response.body = bodies[k];
            response.body_length = strlen(bodies[k]);
            response.now_unix_ms = INT64_C(1764590400000);
            if (verdicts_judge(provider, &response) != 0)
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    unsigned problems = 0;
    const struct rule_set *set;
    char *json;
    if (path[0] == '\0')
        begin();
    put_file(bytes, size);
    int r = keyshm_http_load(directory, count_problem, &problems);
    if (r != 0 && r != -EINVAL)
        abort();
    if ((r != 0) != (problems > 0))
        abort();
    if (r == 0 && rule_store_get(&set) == 0) {
        for (size_t i = 0; i < set->provider_count; i++)
            judge_all(set->providers[i].name);
        if (keyshm_http_describe(NULL, &json) != 0)
            abort();
        free(json);
    }
    free_rules();
    return 0;
}
