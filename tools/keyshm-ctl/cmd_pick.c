/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "no_key.h"
#include "program.h"

/* A key in JSON: at most every byte of it is escaped. */
#define OUTPUT_SIZE (2 * KEYSHM_KEY_MAX + 256)

static size_t make_line(const struct keyshm_pick *pick, char output[OUTPUT_SIZE])
{
    return (size_t)snprintf(output, OUTPUT_SIZE, "%" PRIu64 " %s\n", pick->id, pick->key);
}

/* 0: it cannot be said in JSON. */
static size_t make_json(const char *provider, const struct keyshm_pick *pick, char output[OUTPUT_SIZE])
{
    json_t *object = json_pack("{s:i, s:s, s:I, s:s}", "schema", 1, "provider", provider, "id", (json_int_t)pick->id,
                               "key", pick->key);
    size_t length = object != NULL ? json_dumpb(object, output, OUTPUT_SIZE - 1, JSON_COMPACT) : 0;
    json_decref(object);
    if (length > 0)
        output[length++] = '\n';
    return length;
}

static enum exit_status print_pick(const struct arguments *arguments, const struct keyshm_pick *pick)
{
    char output[OUTPUT_SIZE];
    enum exit_status status;
    size_t length = arguments->json ? make_json(arguments->pool, pick, output) : make_line(pick, output);
    if (length > 0)
        status = write_output(output, length);
    else
        status = refuse("pool %s: the key with id %" PRIu64 " is not UTF-8, which JSON must be; use next without --json",
                        arguments->pool, pick->id);
    explicit_bzero(output, sizeof(output));
    return status;
}

enum exit_status command_next(const struct arguments *arguments)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    enum exit_status status;
    int r = keyshm_attach(&pool, arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = keyshm_next(pool, &pick);
    if (r == 0)
        status = print_pick(arguments, &pick);
    else if (r == -EAGAIN)
        status = report_no_key(arguments->pool, pool);
    else
        status = fail(arguments->pool, r, NULL);
    explicit_bzero(&pick, sizeof(pick));
    keyshm_close(pool);
    return status;
}
