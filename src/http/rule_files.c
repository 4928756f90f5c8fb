/* SPDX-License-Identifier: MIT */
#include "rule_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_line.h"
#include "provider_names.h"

enum { FILE_MAX_BYTES = 1024 * 1024, FILES_MAX = 1024, PATH_SIZE = 4096, LIKE_DEPTH_MAX = 8, HEADERS_MAX = 4096 };

#define BUILT_IN "built in"

/* Of a load: who is told of problems, and whether there was one. */
struct load {
    keyshm_problem_fn *fn;
    void *user;
    json_t *providers;     /* an object of files by the names of providers */
    json_t *lines_of_like; /* where each of them says what it is like, as far as they say it */
    int error;
};

/* ---- problems ---- */

static void tell(struct load *load, const char *file, unsigned line, const char *reason)
{
    char text[PATH_SIZE + 512];
    load->error = load->error == 0 ? -EINVAL : load->error;
    if (line > 0)
        snprintf(text, sizeof(text), "%s:%u: %s", file, line, reason);
    else
        snprintf(text, sizeof(text), "%s: %s", file, reason);
    if (load->fn != NULL)
        load->fn(text, load->user);
}

/* Where the problem is: "rules[3].when.status". */
static void describe_place(const struct reader_problem *problem, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (unsigned i = 0; i < problem->depth && used < size; i++) {
        const struct reader_step *step = &problem->steps[i];
        int length = step->member != NULL
                         ? snprintf(buffer + used, size - used, "%s%.40s", i > 0 ? "." : "", step->member)
                         : snprintf(buffer + used, size - used, "[%zu]", step->element);
        used += length > 0 ? (size_t)length : 0;
    }
}

/* ---- one file ---- */

/* Read by itself, so that a problem can be told with its line. False: it is bad, or cannot be checked. */
static bool check_file(struct load *load, const char *path, json_t *file, const char *text, size_t length)
{
    struct rule_set set = {.general = NULL};
    struct provider provider;
    struct reader_problem problem = {.text = ""};
    if (header_names_init(&set.names, HEADERS_MAX, &set.arena))
        rule_reader_read(&set, file, NULL, &provider, &problem);
    bool is_good = !set.arena.has_failed && problem.text[0] == '\0';
    if (set.arena.has_failed) {
        load->error = -ENOMEM;
    } else if (!is_good) {
        char place[256], reason[sizeof(place) + READER_PROBLEM_SIZE + 4];
        describe_place(&problem, place, sizeof(place));
        snprintf(reason, sizeof(reason), "%s%s%s", place, place[0] != '\0' ? ": " : "", problem.text);
        tell(load, path, json_line(text, length, problem.steps, problem.depth), reason);
    }
    arena_free(&set.arena);
    return is_good;
}

static int set_origin(json_t *object, const char *member, const char *origin)
{
    return json_object_set_new(object, member, json_string(origin)) == 0 ? 0 : -ENOMEM;
}

/* Each rule, and each other member, says where it comes from. */
static int note_origins(json_t *file, const char *origin)
{
    json_t *rule, *value, *origins = json_object();
    const char *member;
    size_t i;
    int r = origins != NULL ? 0 : -ENOMEM;
    json_object_foreach(file, member, value)
    {
        if (r == 0 && strcmp(member, "rules") != 0)
            r = set_origin(origins, member, origin);
    }
    json_array_foreach(json_object_get(file, "rules"), i, rule)
    {
        if (r == 0)
            r = set_origin(rule, "origin", origin);
    }
    return r == 0 && json_object_set(file, "origins", origins) == 0 ? (json_decref(origins), 0)
                                                                    : (json_decref(origins), -ENOMEM);
}

static size_t find_rule(json_t *rules, const char *name)
{
    json_t *rule;
    size_t i;
    json_array_foreach(rules, i, rule)
    {
        if (strcmp(json_string_value(json_object_get(rule, "rule")), name) == 0)
            return i;
    }
    return SIZE_MAX;
}

static int merge_rules(json_t *rules, json_t *changes)
{
    json_t *rule;
    size_t i;
    json_array_foreach(changes, i, rule)
    {
        size_t before = find_rule(rules, json_string_value(json_object_get(rule, "rule")));
        int r = before != SIZE_MAX ? json_array_set(rules, before, rule) : json_array_append(rules, rule);
        if (r != 0)
            return -ENOMEM;
    }
    return 0;
}

/* The file changes what is there of its provider. */
static int merge_file(json_t *providers, json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "provider")), *member;
    json_t *old = json_object_get(providers, name), *value;
    if (old == NULL)
        return json_object_set(providers, name, file) == 0 ? 0 : -ENOMEM;
    json_object_foreach(file, member, value)
    {
        json_t *there = json_object_get(old, member);
        int r;
        if (there != NULL && strcmp(member, "rules") == 0)
            r = merge_rules(there, value);
        else if (there != NULL && strcmp(member, "origins") == 0)
            r = json_object_update(there, value) == 0 ? 0 : -ENOMEM;
        else
            r = json_object_set(old, member, value) == 0 ? 0 : -ENOMEM;
        if (r != 0)
            return r;
    }
    return 0;
}

/* For a problem that is seen only when all files are read. */
static int note_line_of_like(struct load *load, json_t *file, const char *text, size_t length)
{
    const struct reader_step step = {.member = "like"};
    const char *name = json_string_value(json_object_get(file, "provider"));
    if (json_object_get(file, "like") == NULL)
        return 0;
    json_t *line = json_integer(json_line(text, length, &step, 1));
    return json_object_set_new(load->lines_of_like, name, line) == 0 ? 0 : -ENOMEM;
}

/*
 * Where memory is short jansson says so in many ways, some of them as of a mistake in the text; then a second parse says it in
 * another, or has none. NULL: what is wrong has been told.
 */
static json_t *parse(struct load *load, const char *origin, const char *text, size_t length)
{
    json_error_t errors[2] = {{0}, {0}};
    json_t *file = json_loadb(text, length, JSON_REJECT_DUPLICATES, &errors[0]);
    if (file != NULL)
        return file;
    file = json_loadb(text, length, JSON_REJECT_DUPLICATES, &errors[1]);
    bool is_the_texts = file == NULL && errors[0].line > 0 && json_error_code(&errors[0]) != json_error_out_of_memory &&
                        errors[0].position == errors[1].position && strcmp(errors[0].text, errors[1].text) == 0;
    json_decref(file);
    if (is_the_texts)
        tell(load, origin, (unsigned)errors[0].line, errors[0].text);
    else
        load->error = -ENOMEM;
    return NULL;
}

/* Takes the text of a file in. `origin` is the file's path, for people. */
static void add_file(struct load *load, const char *origin, const char *text, size_t length)
{
    json_t *file = parse(load, origin, text, length);
    if (file == NULL)
        return;
    if (check_file(load, origin, file, text, length)) {
        int r = note_origins(file, origin);
        r = r == 0 ? note_line_of_like(load, file, text, length) : r;
        r = r == 0 ? merge_file(load->providers, file) : r;
        load->error = r != 0 ? r : load->error;
    }
    json_decref(file);
}

/* ---- a directory ---- */

/* The file's text, which the caller frees. 0, or a negative errno. */
static int read_text(int directory, const char *name, char **ret_text, size_t *ret_length)
{
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (file < 0)
        return -errno;
    int r = fstat(file, &status) != 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(status.st_mode))
        r = -ENXIO;
    if (r == 0 && status.st_size > FILE_MAX_BYTES)
        r = -EFBIG;
    char *text = r == 0 ? malloc((size_t)status.st_size + 1) : NULL;
    r = r == 0 && text == NULL ? -ENOMEM : r;
    size_t length = 0;
    while (r == 0 && length < (size_t)status.st_size) {
        ssize_t got = read(file, text + length, (size_t)status.st_size - length);
        if (got < 0 && errno != EINTR)
            r = -errno;
        else if (got == 0)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    close(file);
    if (r != 0) {
        free(text);
        return r;
    }
    *ret_text = text;
    *ret_length = length;
    return 0;
}

static void add_file_of_directory(struct load *load, int directory, const char *directory_name, const char *name)
{
    char path[PATH_SIZE], *text = NULL;
    size_t length = 0;
    snprintf(path, sizeof(path), "%s/%s", directory_name, name);
    int r = read_text(directory, name, &text, &length);
    if (r == -ENOMEM) {
        load->error = r;
    } else if (r != 0) {
        tell(load, path, 0,
             r == -ENXIO   ? "is no regular file"
             : r == -EFBIG ? "is larger than 1 MiB"
                           : keyshm_strerror(r));
        load->error = r == -ENXIO || r == -EFBIG ? -EINVAL : r;
    } else {
        add_file(load, path, text, length);
        free(text);
    }
}

static int is_rule_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static int compare_names(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static void add_directory(struct load *load, const char *name)
{
    struct dirent **entries;
    int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = directory >= 0 ? scandirat(directory, ".", &entries, is_rule_file, compare_names) : -1;
    if (count < 0) {
        load->error = -errno;
        if (directory >= 0)
            close(directory);
        return;
    }
    if (count > FILES_MAX)
        tell(load, name, 0, "has more than 1024 files");
    for (int i = 0; i < count; i++) {
        if (count <= FILES_MAX && load->error != -ENOMEM)
            add_file_of_directory(load, directory, name, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    close(directory);
}

/* ---- "like" ---- */

static bool is_taken(const char *member)
{
    static const char *const own[] = {"provider", "title", "also", "like", "sources", "check", "origins"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strcmp(own[i], member) == 0)
            return false;
    }
    return member[0] != '_';
}

static int take_rules(json_t *rules, json_t *others)
{
    json_t *rule;
    size_t i;
    json_array_foreach(others, i, rule)
    {
        bool is_there = find_rule(rules, json_string_value(json_object_get(rule, "rule"))) != SIZE_MAX;
        if (!is_there && json_array_append(rules, rule) != 0)
            return -ENOMEM;
    }
    return 0;
}

static int take_members(json_t *file, json_t *other)
{
    const char *member;
    json_t *value;
    json_object_foreach(other, member, value)
    {
        json_t *there = json_object_get(file, member);
        int r = 0;
        if (there != NULL && strcmp(member, "rules") == 0)
            r = take_rules(there, value);
        else if (there == NULL && is_taken(member))
            r = json_object_set_new(file, member, json_deep_copy(value)) == 0 ? 0 : -ENOMEM;
        if (r != 0)
            return r;
    }
    return 0;
}

/* The recursion is bounded by `depth`. */
static json_t *resolve(struct load *load, const char *name, unsigned depth)
{
    json_t *file = json_deep_copy(json_object_get(load->providers, name));
    const char *like = json_string_value(json_object_get(file, "like"));
    if (file == NULL || like == NULL)
        return file;
    const char *origin = json_string_value(json_object_get(json_object_get(file, "origins"), "like"));
    if (json_object_get(load->providers, like) == NULL || depth == LIKE_DEPTH_MAX) {
        tell(load, origin, (unsigned)json_integer_value(json_object_get(load->lines_of_like, name)),
             depth == LIKE_DEPTH_MAX ? "like: a circle of providers" : "like: there is no such provider");
        return file;
    }
    json_t *other = resolve(load, like, depth + 1);
    if (other == NULL || take_members(file, other) != 0)
        load->error = -ENOMEM;
    json_decref(other);
    return file;
}

/* ---- the set ---- */

static void add_other_names(struct rule_set *set, const struct provider *provider)
{
    json_t *name;
    size_t i;
    json_array_foreach(json_object_get(provider->json, "also"), i, name)
    {
        provider_names_add(set, json_string_value(name), provider);
    }
}

/* Of the same name, a provider's own first. */
static void index_names(struct rule_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->provider_count; i++)
        count += 1 + json_array_size(json_object_get(set->providers[i].json, "also"));
    if (!provider_names_init(set, count))
        return;
    for (size_t i = 0; i < set->provider_count; i++)
        provider_names_add(set, set->providers[i].name, &set->providers[i]);
    for (size_t i = 0; i < set->provider_count; i++)
        add_other_names(set, &set->providers[i]);
}

static void make_filters(struct rule_set *set)
{
    for (size_t i = 0; i < set->provider_count; i++) {
        header_names_filter(&set->names, &set->providers[i].budget_filter);
        header_names_filter(&set->providers[i].budget_names, &set->providers[i].budget_filter);
    }
}

/* What each file by itself was, is right; what they are together may not be. */
static void read_provider(struct load *load, struct rule_set *set, const char *name,
                          const struct provider *general_or_null)
{
    struct reader_problem problem = {.text = ""};
    struct provider *provider = &set->providers[set->provider_count++];
    json_t *file = resolve(load, name, 0);
    if (file == NULL || json_object_set_new(set->files, name, file) != 0) {
        load->error = -ENOMEM;
        return;
    }
    if (load->error != 0)
        return;
    rule_reader_read(set, file, general_or_null, provider, &problem);
    if (problem.text[0] != '\0')
        tell(load, name, 0, problem.text);
}

static void fill_set(struct load *load, struct rule_set *set)
{
    const char *name;
    json_t *file;
    set->files = json_object();
    set->providers = arena_array(&set->arena, json_object_size(load->providers), sizeof(set->providers[0]));
    if (set->files == NULL || set->providers == NULL || !header_names_init(&set->names, HEADERS_MAX, &set->arena)) {
        load->error = -ENOMEM;
        return;
    }
    static const struct {
        const char *name;
        unsigned number;
    } of_engine[] = {{"content-type", HEADER_CONTENT_TYPE},
                     {"content-encoding", HEADER_CONTENT_ENCODING},
                     {"date", HEADER_DATE},
                     {"age", HEADER_AGE},
                     {"ratelimit", HEADER_RATELIMIT},
                     {"ratelimit-policy", HEADER_RATELIMIT_POLICY}};
    for (size_t i = 0; i < sizeof(of_engine) / sizeof(of_engine[0]); i++) {
        struct header_name *place =
            header_names_add(&set->names, of_engine[i].name, strlen(of_engine[i].name), &set->arena);
        if (place != NULL)
            place->number = of_engine[i].number;
    }
    read_provider(load, set, "general", NULL);
    set->general = set->providers;
    json_object_foreach(load->providers, name, file)
    {
        if (load->error == 0 && strcmp(name, "general") != 0)
            read_provider(load, set, name, set->general);
    }
    if (load->error == 0) {
        index_names(set);
        make_filters(set);
    }
    if (set->arena.has_failed)
        load->error = -ENOMEM;
}

void rule_set_free(struct rule_set *set)
{
    if (set == NULL)
        return;
    json_decref(set->files);
    arena_free(&set->arena);
    free(set);
}

int rule_files_make_set(const char *directory_or_null, keyshm_problem_fn *fn_or_null, void *user,
                        struct rule_set **ret_set)
{
    struct load load = {.fn = fn_or_null, .user = user, .providers = json_object(), .lines_of_like = json_object()};
    struct rule_set *set = calloc(1, sizeof(*set));
    load.error = load.providers == NULL || load.lines_of_like == NULL || set == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < built_in_file_count && load.error == 0; i++)
        add_file(&load, BUILT_IN, built_in_files[i].text, built_in_files[i].length);
    if (load.error == 0 && directory_or_null != NULL)
        add_directory(&load, directory_or_null);
    if (load.error == 0)
        fill_set(&load, set);
    json_decref(load.providers);
    json_decref(load.lines_of_like);
    if (load.error != 0) {
        rule_set_free(set);
        return load.error;
    }
    *ret_set = set;
    return 0;
}
