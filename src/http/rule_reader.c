/* SPDX-License-Identifier: MIT */
#include "rule_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* As many elements of a list are a file's mistake. */
enum { LIST_MAX = 1024 };

struct reader {
    struct rule_set *set;
    struct arena *arena;
    struct reader_problem *problem;
    struct reader_step steps[READER_DEPTH_MAX];
    unsigned depth;
};

/* ---- problems ---- */

static bool has_problem(const struct reader *reader)
{
    return reader->problem->text[0] != '\0' || reader->arena->has_failed;
}

/* The first problem of a file is told. */
__attribute__((format(printf, 2, 3))) static void fail(struct reader *reader, const char *format, ...)
{
    if (has_problem(reader))
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->problem->text, sizeof(reader->problem->text), format, arguments);
    va_end(arguments);
    reader->problem->depth = reader->depth;
    memcpy(reader->problem->steps, reader->steps, sizeof(reader->steps));
}

static void enter(struct reader *reader, const char *member, size_t element)
{
    if (reader->depth < READER_DEPTH_MAX)
        reader->steps[reader->depth++] = (struct reader_step){member, element};
}

static void leave(struct reader *reader)
{
    reader->depth--;
}

/* ---- members ---- */

static void check_members(struct reader *reader, json_t *object, const char *const *known)
{
    const char *member;
    json_t *value;
    if (!json_is_object(object)) {
        fail(reader, "must be an object");
        return;
    }
    json_object_foreach(object, member, value)
    {
        bool is_known = member[0] == '_' || strcmp(member, "origin") == 0 || strcmp(member, "origins") == 0;
        for (const char *const *name = known; *name != NULL && !is_known; name++)
            is_known = strcmp(*name, member) == 0;
        if (!is_known) {
            enter(reader, member, 0);
            fail(reader, "no such member: '%.40s'", member);
            leave(reader);
        }
    }
}

static const char *read_string(struct reader *reader, json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (value == NULL || (json_is_string(value) && json_string_length(value) > 0))
        return json_string_value(value);
    enter(reader, member, 0);
    fail(reader, "must be a string that is not empty");
    leave(reader);
    return NULL;
}

static bool read_flag(struct reader *reader, json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (value != NULL && !json_is_boolean(value)) {
        enter(reader, member, 0);
        fail(reader, "must be true or false");
        leave(reader);
    }
    return json_is_true(value);
}

static int64_t read_number(struct reader *reader, json_t *object, const char *member, int64_t least, int64_t most)
{
    json_t *value = json_object_get(object, member);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > most) {
        enter(reader, member, 0);
        fail(reader, "must be a whole number from %lld to %lld", (long long)least, (long long)most);
        leave(reader);
        return 0;
    }
    return json_integer_value(value);
}

/* A member that is one of some words; `fallback` if it is not there. */
static int read_word(struct reader *reader, json_t *object, const char *member, const struct word *words, int fallback)
{
    const char *text = read_string(reader, object, member);
    if (text == NULL)
        return fallback;
    for (const struct word *word = words; word->text != NULL; word++) {
        if (strcmp(word->text, text) == 0)
            return word->value;
    }
    char known[READER_PROBLEM_SIZE / 2];
    words_join(words, known, sizeof(known));
    enter(reader, member, 0);
    fail(reader, "'%.40s' is none of %s", text, known);
    leave(reader);
    return fallback;
}

/* ---- lists: a provider that has none of its own shares the general one ---- */

/* Reads one element into `ret_element`. */
typedef void read_element_fn(struct reader *reader, json_t *element, void *ret_element);

/* The elements of a list, with room for `more` behind them. Not a list: a list of one, if a member of one is allowed. */
static void *read_list(struct reader *reader, json_t *object, const char *member, read_element_fn *read, size_t size,
                       size_t more, size_t *ret_count)
{
    json_t *list = json_object_get(object, member);
    *ret_count = 0;
    enter(reader, member, 0);
    if (list != NULL && (!json_is_array(list) || json_array_size(list) > LIST_MAX))
        fail(reader, "must be a list of at most %d elements", LIST_MAX);
    size_t count = has_problem(reader) ? 0 : json_array_size(list);
    char *elements = count > 0 ? arena_array(reader->arena, count + more, size) : NULL;
    for (size_t i = 0; i < count && !has_problem(reader); i++) {
        enter(reader, NULL, i);
        read(reader, json_array_get(list, i), elements + i * size);
        leave(reader);
    }
    leave(reader);
    *ret_count = has_problem(reader) ? 0 : count;
    return elements;
}

/* The elements of a list, and behind them those of another; that itself, if the list has none. */
static void *read_list_before(struct reader *reader, json_t *object, const char *member, read_element_fn *read,
                              size_t size, void *behind, size_t behind_count, size_t *ret_count)
{
    size_t count;
    char *elements = read_list(reader, object, member, read, size, behind_count, &count);
    *ret_count = count + behind_count;
    if (count == 0)
        return behind;
    if (behind_count > 0)
        memcpy(elements + count * size, behind, behind_count * size);
    return elements;
}

/* The text of an element that must be a string. */
static const char *element_text(struct reader *reader, json_t *element)
{
    if (json_is_string(element) && json_string_length(element) > 0)
        return json_string_value(element);
    fail(reader, "must be a string that is not empty");
    return NULL;
}

static void read_path(struct reader *reader, const char *text, struct path *ret_path)
{
    const char *wrong = path_read(ret_path, text, reader->arena);
    if (wrong != NULL)
        fail(reader, "'%.40s' %s", text, wrong);
}

static void read_pattern(struct reader *reader, const char *text, struct pattern *ret_pattern)
{
    const char *wrong = pattern_read(ret_pattern, text, reader->arena);
    if (wrong != NULL)
        fail(reader, "'%.40s' %s", text, wrong);
}

static unsigned header_of(struct reader *reader, const char *name)
{
    unsigned number = header_names_number(&reader->set->names, name, reader->arena);
    if (number == HEADER_NONE)
        fail(reader, "there are too many headers");
    return number;
}

static void read_place(struct reader *reader, const char *text, struct place *ret_place)
{
    static const char prefix[] = "header:";
    *ret_place = (struct place){.is_header = strncmp(text, prefix, strlen(prefix)) == 0};
    if (ret_place->is_header)
        ret_place->header = header_of(reader, text + strlen(prefix));
    else
        read_path(reader, text, &ret_place->path);
}

static void read_path_element(struct reader *reader, json_t *element, void *ret_element)
{
    const char *text = element_text(reader, element);
    if (text != NULL)
        read_path(reader, text, ret_element);
}

static void read_place_element(struct reader *reader, json_t *element, void *ret_element)
{
    const char *text = element_text(reader, element);
    if (text != NULL)
        read_place(reader, text, ret_element);
}

static void read_pattern_element(struct reader *reader, json_t *element, void *ret_element)
{
    const char *text = element_text(reader, element);
    if (text != NULL)
        read_pattern(reader, text, ret_element);
}

static void read_word_element(struct reader *reader, json_t *element, void *ret_element)
{
    const char **word = ret_element;
    *word = element_text(reader, element);
}

static struct word_list hashed(struct reader *reader, const char **words, size_t count)
{
    struct word_list list = {.count = count, .words = words};
    list.hashes = arena_array(reader->arena, count, sizeof(list.hashes[0]));
    for (size_t i = 0; list.hashes != NULL && i < count; i++)
        list.hashes[i] = word_hash(words[i], strlen(words[i]));
    return list;
}

static struct word_list read_words(struct reader *reader, json_t *object, const char *member)
{
    size_t count;
    const char **words = read_list(reader, object, member, read_word_element, sizeof(words[0]), 0, &count);
    return hashed(reader, words, count);
}

static struct pattern_list read_patterns(struct reader *reader, json_t *object, const char *member,
                                         struct pattern_list behind)
{
    struct pattern_list list;
    list.patterns = read_list_before(reader, object, member, read_pattern_element, sizeof(list.patterns[0]),
                                     behind.patterns, behind.count, &list.count);
    return list;
}

static struct path_list read_paths(struct reader *reader, json_t *object, const char *member, struct path_list behind)
{
    struct path_list list;
    list.paths = read_list_before(reader, object, member, read_path_element, sizeof(list.paths[0]), behind.paths,
                                  behind.count, &list.count);
    return list;
}

static struct place_list read_places(struct reader *reader, json_t *object, const char *member, struct place_list behind)
{
    struct place_list list;
    list.places = read_list_before(reader, object, member, read_place_element, sizeof(list.places[0]), behind.places,
                                   behind.count, &list.count);
    return list;
}

/* ---- conditions ---- */

static void read_status_element(struct reader *reader, json_t *element, void *ret_element)
{
    struct status_range *range = ret_element;
    const char *text = json_string_value(element);
    if (text != NULL && strlen(text) == 3 && text[0] >= '1' && text[0] <= '9' && strcmp(text + 1, "xx") == 0) {
        range->first = (text[0] - '0') * 100;
        range->last = range->first + 99;
        return;
    }
    if (!json_is_integer(element) || json_integer_value(element) < 100 || json_integer_value(element) > 999)
        fail(reader, "must be a status from 100 to 999, or a class of them as \"5xx\"");
    range->first = range->last = (int)json_integer_value(element);
}

/* The members of an object, each a place and the values that may stand there; behind those that are in the list. */
static void read_value_conditions(struct reader *reader, json_t *when, const char *member, const char *prefix,
                                  struct condition *condition)
{
    json_t *object = json_object_get(when, member), *values;
    const char *name;
    if (object == NULL)
        return;
    enter(reader, member, 0);
    if (!json_is_object(object))
        fail(reader, "must be an object");
    json_object_foreach(object, name, values)
    {
        struct value_condition *value = &condition->values[condition->value_count];
        char place[160];
        enter(reader, name, 0);
        if (snprintf(place, sizeof(place), "%s%s", prefix, name) >= (int)sizeof(place))
            fail(reader, "a name is too long");
        else
            read_place(reader, place, &value->place);
        leave(reader);
        value->values = read_words(reader, object, name);
        condition->value_count++;
    }
    leave(reader);
}

static unsigned read_bodies(struct reader *reader, json_t *when)
{
    static const struct word words[] = {
        {"none", BODY_BIT_NONE}, {"json", BODY_BIT_JSON}, {"html", BODY_BIT_HTML}, {"text", BODY_BIT_TEXT}, {NULL, 0}};
    struct word_list list = read_words(reader, when, "body");
    unsigned bodies = 0;
    for (size_t i = 0; i < list.count && !has_problem(reader); i++) {
        const struct word *word = words;
        while (word->text != NULL && strcmp(word->text, list.words[i]) != 0)
            word++;
        enter(reader, "body", 0);
        enter(reader, NULL, i);
        if (word->text == NULL)
            fail(reader, "'%.40s' is none of \"none\", \"json\", \"html\" and \"text\"", list.words[i]);
        leave(reader);
        leave(reader);
        bodies |= (unsigned)word->value;
    }
    return bodies;
}

static void read_condition(struct reader *reader, json_t *rule, const char *member, struct condition *ret_condition)
{
    static const char *const known[] = {"status", "code", "phrase", "html", "header", "field", "body", "time", NULL};
    struct condition condition = {.has_time = -1};
    json_t *when = json_object_get(rule, member);
    enter(reader, member, 0);
    if (when != NULL)
        check_members(reader, when, known);
    if (when != NULL && !has_problem(reader)) {
        size_t values =
            json_object_size(json_object_get(when, "header")) + json_object_size(json_object_get(when, "field"));
        condition.values = arena_array(reader->arena, values, sizeof(condition.values[0]));
        condition.statuses = read_list(reader, when, "status", read_status_element, sizeof(condition.statuses[0]), 0,
                                       &condition.status_count);
        condition.codes = read_words(reader, when, "code");
        condition.phrases = read_patterns(reader, when, "phrase", (struct pattern_list){0, NULL});
        condition.html = read_patterns(reader, when, "html", (struct pattern_list){0, NULL});
        if (!has_problem(reader)) {
            read_value_conditions(reader, when, "header", "header:", &condition);
            read_value_conditions(reader, when, "field", "", &condition);
        }
        condition.bodies = read_bodies(reader, when);
        if (json_object_get(when, "time") != NULL)
            condition.has_time = read_flag(reader, when, "time");
    }
    leave(reader);
    *ret_condition = condition;
}

/* ---- rules ---- */

static void read_end_source(struct reader *reader, json_t *element, void *ret_element)
{
    struct end_source *source = ret_element;
    const char *text = element_text(reader, element);
    struct place place = {.is_header = false};
    if (text == NULL)
        return;
    if (strncmp(text, "header:", 7) == 0)
        read_place(reader, text, &place);
    else if (strcmp(text, "hints") != 0 && strcmp(text, "resets") != 0)
        fail(reader, "'%.40s' is none of \"hints\", \"resets\" and \"header:NAME\"", text);
    source->kind = place.is_header ? END_BY_HEADER : text[0] == 'h' ? END_BY_HINTS : END_BY_RESETS;
    source->header = place.header;
}

static enum keyshm_reason read_reason(struct reader *reader, json_t *object, enum keyshm_reason fallback)
{
    const char *name = read_string(reader, object, "reason");
    enum keyshm_reason reason = fallback;
    enter(reader, "reason", 0);
    if (name != NULL && keyshm_reason_from_name(name, &reason) != 0)
        fail(reader, "'%.40s' is no reason", name);
    leave(reader);
    return reason;
}

static const char *full_name(struct reader *reader, const char *provider, const char *rule)
{
    size_t size = strlen(provider) + 1 + strlen(rule) + 1;
    char *name = arena_alloc(reader->arena, size);
    if (name != NULL)
        snprintf(name, size, "%s/%s", provider, rule);
    return name;
}

static void read_rule(struct reader *reader, json_t *object, void *ret_element)
{
    static const char *const known[] = {"rule",   "when",  "unless", "means",  "scope",    "retry",
                                        "window", "until", "time",   "reason", "succeeds", NULL};
    struct rule *rule = ret_element;
    check_members(reader, object, known);
    if (has_problem(reader))
        return;
    rule->name = read_string(reader, object, "rule");
    rule->means = read_word(reader, object, "means", words_of_meanings, MEANINGS);
    if (rule->name == NULL || json_object_get(object, "means") == NULL) {
        fail(reader, "needs \"rule\", its name, and \"means\"");
        return;
    }
    read_condition(reader, object, "when", &rule->when);
    read_condition(reader, object, "unless", &rule->unless);
    if (has_problem(reader) || rule->means == MEANINGS)
        return;
    const struct meaning_defaults *defaults = &meaning_defaults[rule->means];
    rule->scope = read_word(reader, object, "scope", words_of_scopes, defaults->scope);
    rule->retry = read_word(reader, object, "retry", words_of_retries, (int)defaults->retry);
    rule->window = read_word(reader, object, "window", words_of_windows, WINDOW_NONE);
    rule->until = read_word(reader, object, "until", words_of_untils, UNTIL_DEFAULT);
    rule->ends = read_list(reader, object, "time", read_end_source, sizeof(rule->ends[0]), 0, &rule->end_count);
    rule->reason = read_reason(reader, object, defaults->reason);
    rule->succeeds = read_flag(reader, object, "succeeds");
}

static bool has_more_than_status(const struct rule *rule)
{
    const struct condition *when = &rule->when;
    return when->codes.count > 0 || when->phrases.count > 0 || when->html.count > 0 || when->value_count > 0 ||
           when->bodies != 0 || when->has_time >= 0;
}

/* Smaller: tried before. Where the status is all that is known, the provider's own word counts, whatever it means. */
static uint64_t position_of(const struct rule *rule)
{
    bool is_of_status = !has_more_than_status(rule);
    return (uint64_t)is_of_status << 49 | (uint64_t)(is_of_status && rule->is_general) << 48 |
           (uint64_t)rule->means << 40 | (uint64_t)rule->is_general << 33 |
           (uint64_t)(rule->when.codes.count == 0) << 32 | rule->order;
}

static int compare_positions(const void *left, const void *right)
{
    const struct rule *const *first = left, *const *second = right;
    uint64_t a = position_of(*first), b = position_of(*second);
    return (a > b) - (a < b);
}

static bool is_in_file(json_t *file, const char *name)
{
    json_t *rule;
    size_t i;
    json_array_foreach(json_object_get(file, "rules"), i, rule)
    {
        if (strcmp(json_string_value(json_object_get(rule, "rule")), name) == 0)
            return true;
    }
    return false;
}

static void check_names(struct reader *reader, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count && !has_problem(reader); i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(rules[i].name, rules[j].name) == 0) {
                enter(reader, "rules", 0);
                enter(reader, NULL, i);
                fail(reader, "there are two rules of the name '%.40s'", rules[i].name);
                leave(reader);
                leave(reader);
            }
        }
    }
}

/* A general rule is replaced by one of the same name. */
static void read_rules(struct reader *reader, json_t *file, const struct provider *general, struct provider *provider)
{
    size_t more = general != NULL ? general->rule_count : 0, count, kept = 0;
    struct rule *own = read_list(reader, file, "rules", read_rule, sizeof(own[0]), 0, &count);
    check_names(reader, own, count);
    const struct rule **rules =
        arena_array(reader->arena, count + more, sizeof(rules[0])); /* NOLINT(bugprone-sizeof-expression): pointers */
    if (has_problem(reader) || rules == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        own[i].order = (unsigned)i;
        own[i].name = full_name(reader, provider->name, own[i].name);
        own[i].is_general = general == NULL;
        /* One that means "nothing" was there to take a general one away. */
        if (own[i].means != MEANINGS)
            rules[kept++] = &own[i];
    }
    for (size_t i = 0; i < more; i++) {
        if (!is_in_file(file, strchr(general->rules[i]->name, '/') + 1))
            rules[kept++] = general->rules[i];
    }
    if (kept > 0)
        qsort(rules, kept, sizeof(rules[0]), compare_positions); /* NOLINT(bugprone-sizeof-expression): pointers */
    provider->rules = rules;
    provider->rule_count = kept;
}

/* ---- hints, models, budgets ---- */

static void read_hint(struct reader *reader, json_t *object, void *ret_element)
{
    static const char *const known[] = {"header", "field", "phrase", "unit", NULL};
    static const struct word units[] = {{"s", TIME_UNIT_S}, {"ms", TIME_UNIT_MS}, {NULL, 0}};
    struct hint *hint = ret_element;
    check_members(reader, object, known);
    const char *header = read_string(reader, object, "header"), *field = read_string(reader, object, "field");
    const char *phrase = read_string(reader, object, "phrase");
    if ((header != NULL) + (field != NULL) + (phrase != NULL) != 1) {
        fail(reader, "needs one of \"header\", \"field\" and \"phrase\"");
        return;
    }
    hint->unit = read_word(reader, object, "unit", units, TIME_UNIT_S);
    hint->kind = header != NULL ? HINT_HEADER : field != NULL ? HINT_FIELD : HINT_PHRASE;
    if (header != NULL)
        hint->header = header_of(reader, header);
    else if (field != NULL)
        read_path(reader, field, &hint->path);
    else
        read_pattern(reader, phrase, &hint->pattern);
    if (phrase != NULL && !has_problem(reader) && hint->pattern.pieces[hint->pattern.piece_count - 1].kind != PIECE_TIME)
        fail(reader, "the phrase needs {time} at its end");
}

/* The general ones first: what a provider adds is what counts where the usual headers are missing. */
static void read_hints(struct reader *reader, json_t *file, const struct provider *general, struct provider *provider)
{
    size_t before = general != NULL ? general->hint_count : 0, count;
    struct hint *own = read_list(reader, file, "hints", read_hint, sizeof(own[0]), 0, &count);
    if (count == 0 && before > 0) {
        provider->hints = general->hints;
        provider->hint_count = before;
        return;
    }
    provider->hints = arena_array(reader->arena, before + count, sizeof(provider->hints[0]));
    if (provider->hints == NULL)
        return;
    provider->hint_count = before + count;
    for (size_t i = 0; i < before; i++)
        provider->hints[i] = general->hints[i];
    for (size_t i = 0; i < count; i++)
        provider->hints[before + i] = own[i];
}

static void read_model_source(struct reader *reader, json_t *object, void *ret_element)
{
    static const char *const known[] = {"header", "field", "phrase", "except", NULL};
    struct model_source *source = ret_element;
    check_members(reader, object, known);
    const char *header = read_string(reader, object, "header"), *field = read_string(reader, object, "field");
    const char *phrase = read_string(reader, object, "phrase");
    if ((header != NULL) + (field != NULL) + (phrase != NULL) != 1) {
        fail(reader, "needs one of \"header\", \"field\" and \"phrase\"");
        return;
    }
    source->except = read_words(reader, object, "except");
    source->is_phrase = phrase != NULL;
    source->place.is_header = header != NULL;
    if (header != NULL)
        source->place.header = header_of(reader, header);
    else if (field != NULL)
        read_path(reader, field, &source->place.path);
    else
        read_pattern(reader, phrase, &source->pattern);
}

static void read_models(struct reader *reader, json_t *file, const struct provider *general, struct provider *provider)
{
    provider->models = read_list_before(reader, file, "models", read_model_source, sizeof(provider->models[0]),
                                        general != NULL ? general->models : NULL,
                                        general != NULL ? general->model_count : 0, &provider->model_count);
}

struct budget_reading {
    struct header_names *names; /* NULL: they are counted */
    struct arena *arena;
    size_t count;
};

static void add_budget_name(const char *name, size_t length, const struct header_name *meaning, void *user)
{
    struct budget_reading *reading = user;
    reading->count++;
    struct header_name *place =
        reading->names != NULL ? header_names_add(reading->names, name, length, reading->arena) : NULL;
    if (place == NULL || place->part != BUDGET_NO_PART)
        return;
    place->part = meaning->part;
    place->unit = meaning->unit;
    place->window = meaning->window;
    place->names_unit = meaning->names_unit;
}

/* The fields of the IETF's first drafts are always known. */
static struct word_list with_ietf(struct reader *reader, struct word_list templates)
{
    const char **words = arena_array(reader->arena, templates.count + 1, sizeof(words[0]));
    if (words == NULL)
        return (struct word_list){.count = 0};
    for (size_t i = 0; i < templates.count; i++)
        words[i] = templates.words[i];
    words[templates.count] = "ratelimit-{part}";
    return (struct word_list){.count = templates.count + 1, .words = words};
}

/* Those of the general rules are among all names, those of a provider in a table of its own. */
static void read_budgets(struct reader *reader, json_t *file, const struct provider *general, struct provider *provider)
{
    struct word_list templates = read_words(reader, file, "budgets");
    if (general == NULL)
        templates = with_ietf(reader, templates);
    struct budget_reading reading = {.arena = reader->arena};
    for (size_t pass = 0; pass < 2 && templates.count > 0; pass++) {
        for (size_t i = 0; i < templates.count; i++) {
            const char *wrong = header_template_expand(templates.words[i], add_budget_name, &reading);
            if (wrong != NULL) {
                enter(reader, "budgets", 0);
                enter(reader, NULL, i);
                fail(reader, "'%.60s' %s", templates.words[i], wrong);
                leave(reader);
                leave(reader);
                return;
            }
        }
        reading.names = general == NULL ? &reader->set->names : &provider->budget_names;
        if (pass == 0 && general != NULL && !header_names_init(&provider->budget_names, reading.count, reader->arena))
            return;
    }
}

static void read_stream_statuses(struct reader *reader, json_t *file, const struct provider *general,
                                 struct provider *provider)
{
    json_t *object = json_object_get(file, "stream_statuses"), *status;
    size_t more = general != NULL ? general->stream_status_count : 0;
    const char *code;
    provider->stream_statuses =
        arena_array(reader->arena, json_object_size(object) + more, sizeof(provider->stream_statuses[0]));
    enter(reader, "stream_statuses", 0);
    if (object != NULL && !json_is_object(object))
        fail(reader, "must be an object");
    json_object_foreach(object, code, status)
    {
        int64_t number = read_number(reader, object, code, 400, 599);
        if (provider->stream_statuses != NULL)
            provider->stream_statuses[provider->stream_status_count++] = (struct stream_status){code, (int)number};
    }
    leave(reader);
    for (size_t i = 0; i < more && provider->stream_statuses != NULL; i++)
        provider->stream_statuses[provider->stream_status_count++] = general->stream_statuses[i];
}

/* ---- limits ---- */

static void read_windows(struct reader *reader, json_t *limits, struct limits_of_provider *ret)
{
    static const char *const units[] = {"requests", "tokens", "input_tokens", "output_tokens", NULL};
    json_t *windows = json_object_get(limits, "windows");
    enter(reader, "windows", 0);
    if (windows != NULL)
        check_members(reader, windows, units);
    for (int i = 0; i < BUDGET_UNITS && windows != NULL && !has_problem(reader); i++)
        ret->windows[i] = read_word(reader, windows, units[i], words_of_windows, WINDOW_NONE);
    leave(reader);
}

static void read_day(struct reader *reader, json_t *limits, struct limits_of_provider *ret)
{
    static const char *const known[] = {"utc_offset_minutes", "daylight_saving", NULL};
    static const struct word savings[] = {{"us", 1}, {NULL, 0}};
    json_t *day = json_object_get(limits, "day");
    enter(reader, "day", 0);
    if (day != NULL)
        check_members(reader, day, known);
    if (day != NULL && !has_problem(reader)) {
        ret->utc_offset_minutes = (int)read_number(reader, day, "utc_offset_minutes", -14 * 60, 14 * 60);
        ret->has_us_daylight_saving = read_word(reader, day, "daylight_saving", savings, 0) == 1;
    }
    leave(reader);
}

static void read_limits(struct reader *reader, json_t *file, struct limits_of_provider *ret)
{
    static const char *const known[] = {"scope", "per_model", "tokens",           "windows", "reset_covers_tokens",
                                        "day",   "month",     "day_delay_min_ms", NULL};
    static const struct word scopes[] = {{"key", KEYSHM_HTTP_SCOPE_KEY}, {"group", KEYSHM_HTTP_SCOPE_GROUP}, {NULL, 0}};
    static const struct word charges[] = {{"at_pick", 0}, {"at_release", 1}, {NULL, 0}};
    static const struct word months[] = {{"utc", 1}, {NULL, 0}};
    json_t *limits = json_object_get(file, "limits");
    ret->scope = KEYSHM_HTTP_SCOPE_KEY;
    if (limits == NULL)
        return;
    enter(reader, "limits", 0);
    check_members(reader, limits, known);
    if (!has_problem(reader)) {
        ret->scope = read_word(reader, limits, "scope", scopes, KEYSHM_HTTP_SCOPE_KEY);
        ret->is_per_model = read_flag(reader, limits, "per_model");
        ret->reset_covers_tokens = read_flag(reader, limits, "reset_covers_tokens");
        ret->month_is_utc = read_word(reader, limits, "month", months, 0) == 1;
        ret->day_delay_min_ms = read_number(reader, limits, "day_delay_min_ms", 0, INT64_C(86400000));
        read_word(reader, limits, "tokens", charges, 0);
        read_windows(reader, limits, ret);
        read_day(reader, limits, ret);
    }
    leave(reader);
}

/* ---- a file ---- */

static bool is_name(const char *name)
{
    static const char *const characters = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= KEYSHM_PROVIDER_MAX && name[0] != '.' && strspn(name, characters) == length;
}

static void check_strings(struct reader *reader, json_t *file)
{
    const char *name = read_string(reader, file, "provider"), *like = read_string(reader, file, "like");
    if (json_object_get(file, "provider") == NULL)
        fail(reader, "needs \"provider\", its name");
    enter(reader, "provider", 0);
    if (name != NULL && !is_name(name))
        fail(reader, "a name is 1 to %d of a-z 0-9 . _ - and does not begin with a dot", KEYSHM_PROVIDER_MAX);
    leave(reader);
    enter(reader, "like", 0);
    if (like != NULL && !is_name(like))
        fail(reader, "a name is 1 to %d of a-z 0-9 . _ - and does not begin with a dot", KEYSHM_PROVIDER_MAX);
    leave(reader);
    read_string(reader, file, "title");
    read_words(reader, file, "sources");
    struct word_list also = read_words(reader, file, "also");
    for (size_t i = 0; i < also.count && !has_problem(reader); i++) {
        enter(reader, "also", 0);
        enter(reader, NULL, i);
        if (!is_name(also.words[i]))
            fail(reader, "a name is 1 to %d of a-z 0-9 . _ - and does not begin with a dot", KEYSHM_PROVIDER_MAX);
        leave(reader);
        leave(reader);
    }
}

static void check_request(struct reader *reader, json_t *file)
{
    static const char *const known[] = {"method", "url", "headers", NULL};
    json_t *check = json_object_get(file, "check");
    if (check == NULL)
        return;
    enter(reader, "check", 0);
    check_members(reader, check, known);
    if (!has_problem(reader)) {
        read_string(reader, check, "method");
        if (read_string(reader, check, "url") == NULL)
            fail(reader, "needs \"url\"");
        read_words(reader, check, "headers");
    }
    leave(reader);
}

void rule_reader_read(struct rule_set *set, json_t *file, const struct provider *general_or_null,
                      struct provider *ret_provider, struct reader_problem *ret_problem)
{
    static const char *const known[] = {"provider",
                                        "title",
                                        "also",
                                        "like",
                                        "sources",
                                        "limits",
                                        "codes",
                                        "messages",
                                        "models",
                                        "hints",
                                        "ends",
                                        "budgets",
                                        "embedded_headers",
                                        "success_is_judged",
                                        "status",
                                        "check",
                                        "rules",
                                        "window_fields",
                                        "stream_statuses",
                                        NULL};
    static const struct provider nothing;
    const struct provider *behind = general_or_null != NULL ? general_or_null : &nothing;
    struct reader reader = {.set = set, .arena = &set->arena, .problem = ret_problem};
    *ret_provider = (struct provider){.json = file};
    ret_problem->text[0] = '\0';
    check_members(&reader, file, known);
    if (!has_problem(&reader))
        check_strings(&reader, file);
    if (has_problem(&reader))
        return;
    ret_provider->name = json_string_value(json_object_get(file, "provider"));
    check_request(&reader, file);
    read_limits(&reader, file, &ret_provider->limits);
    ret_provider->success_is_judged = read_flag(&reader, file, "success_is_judged");
    ret_provider->codes = read_places(&reader, file, "codes", behind->codes);
    ret_provider->messages = read_places(&reader, file, "messages", behind->messages);
    ret_provider->statuses = read_paths(&reader, file, "status", behind->statuses);
    ret_provider->embedded_headers = read_paths(&reader, file, "embedded_headers", behind->embedded_headers);
    ret_provider->window_fields = read_paths(&reader, file, "window_fields", behind->window_fields);
    ret_provider->ends = read_patterns(&reader, file, "ends", behind->ends);
    read_hints(&reader, file, general_or_null, ret_provider);
    read_models(&reader, file, general_or_null, ret_provider);
    read_stream_statuses(&reader, file, general_or_null, ret_provider);
    read_budgets(&reader, file, general_or_null, ret_provider);
    read_rules(&reader, file, general_or_null, ret_provider);
}
