/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_PATH_H
#define KEYSHM_HTTP_PATH_H

/* Places in a JSON body (keyshm-providers(5), "PATHS"). */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

enum { PATH_STEPS_MAX = 8 };

struct path {
    unsigned step_count;
    uint64_t names; /* bits of the names of its members */
    struct {
        const char *member;
        bool is_of_each; /* of the elements of the list that the member is */
    } steps[PATH_STEPS_MAX];
};

/* NULL, or what is wrong with it. */
const char *path_read(struct path *ret_path, const char *text, struct arena *arena);

/* Bits of the names of members that occur in a body: where one of a path's is not among them, the path leads nowhere. */
uint64_t path_names_in(json_t *body);

/* Calls for every value at the path, of at most 64 elements of each list, until it returns false. */
typedef bool path_visit_fn(json_t *value, void *user);
void path_visit(const struct path *path, json_t *body, path_visit_fn *visit, void *user);

#endif
