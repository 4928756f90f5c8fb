/* SPDX-License-Identifier: MIT */
#include "header_names.h"

#include <string.h>
#include <strings.h>

#include "pattern.h"

enum { NAME_MAX_BYTES = 96 };

/* Eight bytes, in lower case where they are letters. */
static uint64_t eight_at(const char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof(bytes));
    return bytes | UINT64_C(0x2020202020202020);
}

/* Names differ at the beginning, in the middle or at the end. The same for either case, on any machine of one process. */
static uint64_t hash_name(const char *name, size_t length)
{
    uint64_t hash = length;
    if (length >= 8) {
        hash = (hash ^ eight_at(name)) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ hash >> 29 ^ eight_at(name + (length - 8) / 2)) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = (hash ^ hash >> 29 ^ eight_at(name + length - 8)) * UINT64_C(0x94d049bb133111eb);
    } else {
        for (size_t i = 0; i < length; i++)
            hash = (hash ^ (unsigned char)(name[i] | 0x20)) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return hash ^ hash >> 32;
}

bool header_names_init(struct header_names *names, size_t count, struct arena *arena)
{
    size_t size = 4;
    while (size < count * 2)
        size *= 2;
    *names = (struct header_names){.mask = size - 1, .number_count = HEADERS_OF_ENGINE};
    names->places = arena_array(arena, size, sizeof(names->places[0]));
    return names->places != NULL;
}

/* The name's place, or the free one where it would be. */
static struct header_name *place_of(const struct header_names *names, const char *name, size_t length)
{
    for (size_t i = hash_name(name, length);; i++) {
        struct header_name *place = &names->places[i & names->mask];
        if (place->lower == NULL || (place->length == length && strncasecmp(place->lower, name, length) == 0))
            return place;
    }
}

const struct header_name *header_names_find(const struct header_names *names, const char *name, size_t length)
{
    if (names->places == NULL)
        return NULL;
    const struct header_name *place = place_of(names, name, length);
    return place->lower != NULL ? place : NULL;
}

struct header_name *header_names_add(struct header_names *names, const char *name, size_t length, struct arena *arena)
{
    if (names->places == NULL || names->count + 1 > names->mask)
        return NULL;
    struct header_name *place = place_of(names, name, length);
    if (place->lower != NULL)
        return place;
    char *lower = arena_alloc(arena, length + 1);
    if (lower == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++)
        lower[i] = to_lower(name[i]);
    place->lower = lower;
    place->length = length;
    names->count++;
    return place;
}

unsigned header_names_number(struct header_names *names, const char *name, struct arena *arena)
{
    struct header_name *place = header_names_add(names, name, strlen(name), arena);
    if (place == NULL)
        return HEADER_NONE;
    if (place->number == HEADER_NONE && names->number_count < HEADER_NUMBERS_MAX)
        place->number = names->number_count++;
    return place->number;
}

void header_names_filter(const struct header_names *names, struct name_filter *filter)
{
    for (size_t i = 0; names->places != NULL && i <= names->mask; i++) {
        const struct header_name *name = &names->places[i];
        bool is_of_budget = name->part != BUDGET_NO_PART || name->number == HEADER_RATELIMIT;
        if (name->lower == NULL || name->length == 0 || !is_of_budget)
            continue;
        uint32_t bit = name_filter_bit(name->lower, name->length);
        filter->words[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

/* ---- templates ---- */

struct template_word {
    const char *word;
    int meaning;
};

static const struct template_word parts[] = {
    {"limit", BUDGET_LIMIT}, {"remaining", BUDGET_REMAINING}, {"reset", BUDGET_RESET}, {NULL, 0}};
static const struct template_word units[] = {{"requests", BUDGET_REQUESTS},
                                             {"request", BUDGET_REQUESTS},
                                             {"req", BUDGET_REQUESTS},
                                             {"tokens", BUDGET_TOKENS},
                                             {"token", BUDGET_TOKENS},
                                             {"input-tokens", BUDGET_INPUT_TOKENS},
                                             {"output-tokens", BUDGET_OUTPUT_TOKENS},
                                             {NULL, 0}};
static const struct template_word windows[] = {{"second", WINDOW_SECOND},
                                               {"1s", WINDOW_SECOND},
                                               {"minute", WINDOW_MINUTE},
                                               {"1m", WINDOW_MINUTE},
                                               {"hour", WINDOW_HOUR},
                                               {"1h", WINDOW_HOUR},
                                               {"day", WINDOW_DAY},
                                               {"1d", WINDOW_DAY},
                                               {"week", WINDOW_WEEK},
                                               {"month", WINDOW_MONTH},
                                               {NULL, 0}};

struct expansion {
    char name[NAME_MAX_BYTES];
    size_t length;
    struct header_name meaning;
    header_template_fn *fn;
    void *user;
};

static bool append(struct expansion *expansion, const char *text, size_t length)
{
    if (expansion->length + length > sizeof(expansion->name))
        return false;
    memcpy(expansion->name + expansion->length, text, length);
    expansion->length += length;
    return true;
}

static void set_meaning(struct header_name *meaning, const struct template_word *table, int word)
{
    if (table == parts)
        meaning->part = (enum budget_part)word;
    else if (table == units)
        meaning->unit = (enum budget_unit)word;
    else
        meaning->window = (enum window)word;
    meaning->names_unit = meaning->names_unit || table == units;
}

static const struct template_word *words_for(const char *text, size_t length)
{
    static const struct {
        const char *place;
        const struct template_word *words;
    } tables[] = {{"{part}", parts}, {"{unit}", units}, {"{window}", windows}};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (strlen(tables[i].place) == length && memcmp(tables[i].place, text, length) == 0)
            return tables[i].words;
    }
    return NULL;
}

/* The recursion is as deep as a template has places; header_template_expand() has seen that they are at most three. */
static void expand_from(const char *text, struct expansion expansion)
{
    size_t plain = strcspn(text, "{");
    if (!append(&expansion, text, plain))
        return;
    if (text[plain] == '\0') {
        expansion.fn(expansion.name, expansion.length, &expansion.meaning, expansion.user);
        return;
    }
    size_t length = strcspn(text + plain, "}") + 1;
    const struct template_word *table = words_for(text + plain, length);
    for (const struct template_word *word = table; word->word != NULL; word++) {
        struct expansion next = expansion;
        set_meaning(&next.meaning, table, word->meaning);
        if (append(&next, word->word, strlen(word->word)))
            expand_from(text + plain + length, next);
    }
}

const char *header_template_expand(const char *text, header_template_fn *fn, void *user)
{
    const struct template_word *tables[3];
    unsigned places = 0;
    bool has_part = false, is_twice = false;
    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
        const struct template_word *table = words_for(at, strcspn(at, "}") + 1);
        if (table == NULL)
            return "has a place that is none of {part}, {unit} and {window}";
        for (unsigned i = 0; i < places; i++)
            is_twice = is_twice || tables[i] == table;
        if (is_twice)
            break;
        tables[places++] = table;
        has_part = has_part || table == parts;
    }
    if (is_twice || !has_part)
        return "needs {part} once, and {unit} and {window} once at most";
    expand_from(text, (struct expansion){.fn = fn, .user = user});
    return NULL;
}
