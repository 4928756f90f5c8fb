/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_LIMIT_LIST_H
#define KEYSHM_CTL_LIMIT_LIST_H

/* Several lines of limits. */

#include <jansson.h>
#include <stddef.h>

#include "limit_rules.h"

struct limit_list {
    size_t count;
    struct limit_line *lines;
};

/* -ENOMEM. */
int limit_list_append(struct limit_list *list, const struct limit_line *line);
void limit_list_free(struct limit_list *list);

/* Those in force of a key or a group, or with id 0 of every key that has none of its own: those whatever the model, and its
 * own for each model. -ENOMEM. */
int limit_list_add_subject(struct limit_list *list, keyshm_pool *pool, keyshm_id id_or_0, unsigned model_count);

/* Those of every key that has none of its own, then all own ones. -ENOMEM. */
int limit_list_add_pool(struct limit_list *list, keyshm_pool *pool, const struct keyshm_snapshot *snapshot);

/* As lines of a file. */
void limit_list_print(const struct limit_list *list, keyshm_pool *pool);

/* As an array. NULL: out of memory. */
json_t *limit_list_json(const struct limit_list *list, keyshm_pool *pool);

#endif
