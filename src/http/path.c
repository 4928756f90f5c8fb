/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <string.h>

enum { ELEMENTS_MAX = 64 };

static const char *read_step(struct path *path, const char *begin, size_t length, struct arena *arena)
{
    bool is_of_each = length > 2 && memcmp(begin + length - 2, "[]", 2) == 0;
    length -= is_of_each ? 2 : 0;
    if (length == 0 || memchr(begin, '[', length) != NULL)
        return "is no path: names of members with dots between them, with [] after that of a list";
    if (path->step_count == PATH_STEPS_MAX)
        return "has more than 8 steps";
    char *member = arena_alloc(arena, length + 1);
    if (member != NULL)
        memcpy(member, begin, length);
    path->steps[path->step_count].member = member;
    path->steps[path->step_count++].is_of_each = is_of_each;
    return NULL;
}

const char *path_read(struct path *ret_path, const char *text, struct arena *arena)
{
    struct path path = {.step_count = 0};
    for (;;) {
        size_t length = strcspn(text, ".");
        const char *wrong = read_step(&path, text, length, arena);
        if (wrong != NULL)
            return wrong;
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    *ret_path = path;
    return NULL;
}

/* The recursion is as deep as the path has steps. */
static bool visit_from(const struct path *path, unsigned step, json_t *value, path_visit_fn *visit, void *user)
{
    if (step == path->step_count)
        return visit(value, user);
    json_t *member = json_object_get(value, path->steps[step].member);
    if (member == NULL)
        return true;
    if (!path->steps[step].is_of_each)
        return visit_from(path, step + 1, member, visit, user);
    for (size_t i = 0; i < json_array_size(member) && i < ELEMENTS_MAX; i++) {
        if (!visit_from(path, step + 1, json_array_get(member, i), visit, user))
            return false;
    }
    return true;
}

void path_visit(const struct path *path, json_t *body, path_visit_fn *visit, void *user)
{
    visit_from(path, 0, body, visit, user);
}
