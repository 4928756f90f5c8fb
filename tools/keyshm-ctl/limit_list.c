/* SPDX-License-Identifier: MIT */
#include "limit_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "key_json.h"
#include "lists.h"
#include "name_rules.h"
#include "options.h"
#include "shell_words.h"
#include "text.h"

int limit_list_append(struct limit_list *list, const struct limit_line *line)
{
    struct limit_line *lines = list->lines;
    /* Room for a power of two. */
    if ((list->count & (list->count - 1)) == 0)
        lines = reallocarray(lines, list->count > 0 ? 2 * list->count : 1, sizeof(*lines));
    if (lines == NULL)
        return -ENOMEM;
    list->lines = lines;
    list->lines[list->count++] = *line;
    return 0;
}

void limit_list_free(struct limit_list *list)
{
    free(list->lines);
    *list = (struct limit_list){.lines = NULL};
}

/* ---- those in force ---- */

static int add_own(struct limit_list *list, keyshm_pool *pool, keyshm_id id_or_0, unsigned model)
{
    struct limit_line line = {.id = id_or_0, .model = model};
    return limit_find_own(pool, id_or_0, model, &line.limits) ? limit_list_append(list, &line) : 0;
}

static int add_models(struct limit_list *list, keyshm_pool *pool, keyshm_id id_or_0, unsigned model_count)
{
    int r = 0;
    for (unsigned model = 1; model <= model_count && r == 0; model++)
        r = add_own(list, pool, id_or_0, model);
    return r;
}

int limit_list_add_subject(struct limit_list *list, keyshm_pool *pool, keyshm_id id_or_0, unsigned model_count)
{
    struct limit_line line = {.id = id_or_0};
    line.is_removal = !limit_find_own(pool, id_or_0, 0, &line.limits);
    int r = limit_list_append(list, &line);
    return r == 0 ? add_models(list, pool, id_or_0, model_count) : r;
}

int limit_list_add_pool(struct limit_list *list, keyshm_pool *pool, const struct keyshm_snapshot *snapshot)
{
    unsigned models = snapshot->model_count;
    int r = limit_list_add_subject(list, pool, 0, models);
    for (unsigned i = 0; i < snapshot->group_count && r == 0; i++) {
        r = add_own(list, pool, list_group(snapshot, i)->id, 0);
        if (r == 0)
            r = add_models(list, pool, list_group(snapshot, i)->id, models);
    }
    for (unsigned i = 0; i < snapshot->count && r == 0; i++) {
        r = add_own(list, pool, list_key(snapshot, i)->id, 0);
        if (r == 0)
            r = add_models(list, pool, list_key(snapshot, i)->id, models);
    }
    return r;
}

/* ---- as lines ---- */

/* "--group org-a", unless a file cannot have that name: then its id, as of a key. */
static void print_subject(keyshm_pool *pool, keyshm_id id_or_0)
{
    char name[KEYSHM_NAME_MAX + 1], quoted[SHELL_QUOTED_SIZE(sizeof(name))];
    if (id_or_0 == 0) {
        fputs("all", stdout);
    } else if (keyshm_group_name(pool, id_or_0, name, sizeof(name)) > 0 && name_is_allowed(name)) {
        shell_quote(name, quoted);
        printf("%s %s", ctl_options[OPTION_GROUP_NAME].name, quoted);
    } else {
        printf("%" PRIu64, id_or_0);
    }
}

static void print_model(keyshm_pool *pool, unsigned model)
{
    char name[KEYSHM_NAME_MAX + 1], printable[TEXT_PRINTABLE_SIZE(sizeof(name))];
    char quoted[SHELL_QUOTED_SIZE(sizeof(printable))];
    if (model == 0 || keyshm_model_name(pool, model, name, sizeof(name)) <= 0)
        return;
    text_printable(name, printable, sizeof(printable));
    shell_quote(printable, quoted);
    printf(" %s %s", ctl_options[OPTION_MODEL_KNOWN].name, quoted);
}

static void print_limits(const struct limit_line *line)
{
    char text[LIMIT_SETTING_SIZE];
    bool has_any = false;
    for (int i = 0; i < LIMIT_SETTINGS; i++)
        if (limit_setting_format((enum limit_setting_id)i, &line->limits, text)) {
            printf(" %s %s", ctl_options[OPTION_OF_LIMIT(i)].name, text);
            has_any = true;
        }
    if (has_any)
        return;
    if (line->is_removal)
        printf(" %s", ctl_options[OPTION_NONE].name);
    else /* its own, so that it is free of those of the pool */
        printf(" %s none", ctl_options[OPTION_REQUESTS].name);
}

void limit_list_print(const struct limit_list *list, keyshm_pool *pool)
{
    for (size_t i = 0; i < list->count; i++) {
        print_subject(pool, list->lines[i].id);
        print_model(pool, list->lines[i].model);
        print_limits(&list->lines[i]);
        putchar('\n');
    }
}

/* ---- as JSON ---- */

static json_t *line_json(const struct limit_line *line, keyshm_pool *pool)
{
    char group[KEYSHM_NAME_MAX + 1], model[KEYSHM_NAME_MAX + 1];
    bool has_group = line->id != 0 && keyshm_group_name(pool, line->id, group, sizeof(group)) > 0;
    bool has_model = line->model != 0 && keyshm_model_name(pool, line->model, model, sizeof(model)) > 0;
    json_t *object = json_pack("{s:I, s:o, s:o}", "id", (json_int_t)line->id, "group",
                               has_group ? text_to_json(group, sizeof(group)) : json_null(), "model",
                               has_model ? text_to_json(model, sizeof(model)) : json_null());
    json_t *limits = limits_json(&line->limits);
    int r = json_object_update(object, limits);
    json_decref(limits);
    return whole_or_nothing(object, r == 0);
}

json_t *limit_list_json(const struct limit_list *list, keyshm_pool *pool)
{
    json_t *array = json_array();
    int r = 0;
    for (size_t i = 0; i < list->count; i++)
        r |= json_array_append_new(array, line_json(&list->lines[i], pool));
    return whole_or_nothing(array, r == 0);
}
