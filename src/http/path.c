/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <string.h>

enum { ELEMENTS_MAX = 64 };

/* A path of PATH_STEPS_MAX steps, each of them a list. */
enum { DEPTH_MAX = 2 * PATH_STEPS_MAX };

/* FNV-1a; names that differ in the last letter only differ above all in the low bits, which are spread. */
static uint64_t bit_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return UINT64_C(1) << (hash * UINT32_C(0x9e3779b1) >> 26);
}

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
    path->names |= member != NULL ? bit_of(member) : 0;
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

/* The recursion is bounded by `depth`. */
static uint64_t names_in(json_t *json, unsigned depth)
{
    uint64_t names = 0;
    const char *name;
    json_t *value;
    if (json_is_object(json) && depth > 0) {
        json_object_foreach(json, name, value)
        {
            names |= bit_of(name) | names_in(value, depth - 1);
        }
    }
    for (size_t i = 0; depth > 0 && i < json_array_size(json) && i < ELEMENTS_MAX; i++)
        names |= names_in(json_array_get(json, i), depth - 1);
    return names;
}

uint64_t path_names_in(json_t *body)
{
    return names_in(body, DEPTH_MAX);
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
