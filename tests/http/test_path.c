/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "path.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct arena arena;

static void free_arena(void)
{
    arena_free(&arena);
}

TestSuite(path, .fini = free_arena);

static int visits_left;

/* Strings only, with commas. */
static bool note(json_t *value, void *user)
{
    char *text = user;
    char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    size_t used = strlen(text);
    snprintf(text + used, 4096 - used, "%s%s", used > 0 ? " " : "", dump);
    free(dump);
    return --visits_left > 0;
}

static const char *values_at(const char *text, const char *body)
{
    static char found[4096];
    struct path path;
    cr_assert_null(path_read(&path, text, &arena), "%s", text);
    json_t *json = json_loads(body, 0, NULL);
    cr_assert_not_null(json, "%s", body);
    found[0] = '\0';
    path_visit(&path, json, note, found);
    cr_assert(found[0] == '\0' || (path.names & ~path_names_in(json)) == 0, "%s in %s: its names are there", text, body);
    json_decref(json);
    return found;
}

Test(path, leads_to_values)
{
    static const struct {
        const char *path, *body, *values;
    } cases[] = {
        {"a", "{\"a\": 1}", "1"},
        {"a.b", "{\"a\": {\"b\": \"x\"}}", "\"x\""},
        {"a.b", "{\"a\": 1}", ""},
        {"a.b", "{\"b\": 1}", ""},
        {"a", "[1]", ""},
        {"a", "{\"A\": 1}", ""},
        {"a", "{\"a\": null}", "null"},
        {"a", "{\"a\": {\"b\": 1}}", "{\"b\":1}"},
        {"a[]", "{\"a\": [1, 2, \"x\"]}", "1 2 \"x\""},
        {"a[]", "{\"a\": 1}", ""},
        {"a[]", "{\"a\": []}", ""},
        {"a", "{\"a\": [1]}", "[1]"},
        {"a[].b", "{\"a\": [{\"b\": 1}, {\"c\": 2}, 3, {\"b\": 4}]}", "1 4"},
        {"a[].b[].c", "{\"a\": [{\"b\": [{\"c\": 1}, {\"c\": 2}]}, {\"b\": [{\"c\": 3}]}]}", "1 2 3"},
        {"@type", "{\"@type\": 1}", "1"},
        {"a b-c", "{\"a b-c\": 1}", "1"},
        {"1[].2[].3[].4[].5[].6[].7[].8[]",
         "{\"1\":[{\"2\":[{\"3\":[{\"4\":[{\"5\":[{\"6\":[{\"7\":[{\"8\":[9]}]}]}]}]}]}]}]}", "9"},
        {"1.2.3.4.5.6.7.8", "{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":9}}}}}}}}", "9"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        visits_left = 100;
        const char *values = values_at(cases[i].path, cases[i].body);
        cr_expect_str_eq(values, cases[i].values, "%s in %s: %s", cases[i].path, cases[i].body, values);
    }
}

Test(path, that_leads_nowhere_is_seen_by_its_names)
{
    struct path path;
    json_t *json = json_loads("{\"a\": {\"b\": 1}}", 0, NULL);
    cr_assert_null(path_read(&path, "a.c", &arena));
    cr_assert_neq(path.names & ~path_names_in(json), 0);
    cr_assert_eq(path_names_in(NULL), 0);
    json_decref(json);
}

Test(path, ends_when_it_is_told_to)
{
    visits_left = 2;
    cr_assert_str_eq(values_at("a[].b[]", "{\"a\": [{\"b\": [1, 2, 3]}, {\"b\": [4]}]}"), "1 2");
}

Test(path, looks_at_so_many_elements)
{
    char body[1024] = "{\"a\": [0";
    for (int i = 1; i < 80; i++)
        snprintf(body + strlen(body), sizeof(body) - strlen(body), ",%d", i);
    snprintf(body + strlen(body), sizeof(body) - strlen(body), "]}");
    visits_left = 100;
    cr_assert_str_eq(strrchr(values_at("a[]", body), ' '), " 63");
}

Test(path, that_is_none)
{
    static const char *const texts[] = {"", ".", "a.", ".a", "a..b", "[]", "a.[]", "a[0]", "a[][]", "a[", "[]a"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct path path;
        const char *wrong = path_read(&path, texts[i], &arena);
        cr_expect(wrong != NULL && strncmp(wrong, "is no path", 10) == 0, "%s: %s", texts[i], wrong);
    }
    struct path path;
    cr_assert_str_eq(path_read(&path, "1.2.3.4.5.6.7.8.9", &arena), "has more than 8 steps");
}
