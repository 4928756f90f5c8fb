/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "header_names.h"

static struct arena arena;
static struct header_names names;

static void make(void)
{
    cr_assert(header_names_init(&names, 1000, &arena));
}

static void free_arena(void)
{
    arena_free(&arena);
}

TestSuite(header_names, .init = make, .fini = free_arena);

static void name_of(int number, char name[64])
{
    snprintf(name, 64, number % 3 == 0 ? "x-%d" : number % 3 == 1 ? "x-ratelimit-%d-tokens" : "%dz", number);
}

Test(header_names, are_found_in_any_case)
{
    char name[64];
    for (int i = 0; i < 1000; i++) {
        name_of(i, name);
        struct header_name *place = header_names_add(&names, name, strlen(name), &arena);
        cr_assert_not_null(place);
        place->number = (unsigned)i + 1;
    }
    for (int i = 0; i < 1000; i++) {
        name_of(i, name);
        for (char *c = name; *c != '\0'; c += 2)
            *c = (char)toupper((unsigned char)*c);
        const struct header_name *found = header_names_find(&names, name, strlen(name));
        cr_assert(found != NULL && found->number == (unsigned)i + 1, "%s", name);
        cr_assert_eq(header_names_add(&names, name, strlen(name), &arena), found, "it is there already");
        cr_assert_eq(found->lower[0], tolower((unsigned char)name[0]));
    }
    cr_assert_eq(names.count, 1000);
    for (int i = 1000; i < 2000; i++) {
        name_of(i, name);
        cr_assert_null(header_names_find(&names, name, strlen(name)));
    }
}

Test(header_names, are_whole)
{
    header_names_add(&names, "retry-after", 11, &arena);
    cr_assert_not_null(header_names_find(&names, "Retry-After-Ms", 11), "so long as it is said to be");
    cr_assert_null(header_names_find(&names, "retry-afte", 10));
    cr_assert_null(header_names_find(&names, "retry-after-ms", 14));
    cr_assert_null(header_names_find(&names, "", 0));
    cr_assert_null(header_names_find(&names,
                                     "retry\xdf"
                                     "after",
                                     11),
                   "the eighth bit is no case");
    cr_assert_null(header_names_find(&names,
                                     "retry\r"
                                     "after",
                                     11),
                   "nor is the sixth of what is no letter");
    cr_assert_null(header_names_find(&(struct header_names){.mask = 0}, "retry-after", 11), "an empty table");
}

/* In a small table many of them are looked for where another is. */
Test(header_names, a_beginning_is_another_name)
{
    static const char name[] = "x-ratelimit-remaining-requests-in-this-window";
    struct header_names small;
    cr_assert(header_names_init(&small, 1, &arena));
    header_names_add(&small, name, 21, &arena);
    for (size_t length = 0; length < sizeof(name); length++)
        cr_assert_eq(header_names_find(&small, name, length) != NULL, length == 21, "%zu", length);
}

Test(header_names, that_differ_in_one_place_differ)
{
    char name[64] = "x-ratelimit-remaining-requests-in-this-window-of-the-model";
    size_t length = strlen(name);
    header_names_add(&names, name, length, &arena);
    for (size_t i = 0; i < length; i++) {
        char before = name[i];
        name[i] = before == 'q' ? 'p' : 'q';
        cr_assert_null(header_names_find(&names, name, length), "%s", name);
        name[i] = before;
    }
    cr_assert_not_null(header_names_find(&names, name, length));
}

Test(header_names, have_numbers_as_far_as_there_are_some)
{
    char name[64];
    unsigned first = header_names_number(&names, "a-first", &arena);
    cr_assert_eq(first, HEADERS_OF_ENGINE, "behind those of the engine");
    cr_assert_eq(header_names_number(&names, "A-First", &arena), first);
    for (int i = (int)first + 1; i < HEADER_NUMBERS_MAX; i++) {
        name_of(i, name);
        cr_assert_eq(header_names_number(&names, name, &arena), (unsigned)i);
    }
    cr_assert_eq(header_names_number(&names, "one-too-many", &arena), HEADER_NONE);
    cr_assert_eq(header_names_number(&names, "a-first", &arena), first);
}

Test(header_names, a_full_table_takes_no_more)
{
    struct header_names small;
    char name[64];
    cr_assert(header_names_init(&small, 1, &arena));
    int added = 0;
    for (int i = 0; i < 100; i++) {
        name_of(i, name);
        added += header_names_add(&small, name, strlen(name), &arena) != NULL;
    }
    cr_assert(added >= 1 && (size_t)added <= small.mask, "%d", added);
    cr_assert_null(header_names_find(&small, "not-there", 9), "the search ends");
}

/* ---- templates ---- */

static char expanded[8192];
static unsigned expanded_count;

static void note(const char *name, size_t length, const struct header_name *meaning, void *user)
{
    cr_assert_eq(user, &expanded);
    size_t used = strlen(expanded);
    snprintf(expanded + used, sizeof(expanded) - used, "%.*s=%d,%d,%d%s ", (int)length, name, meaning->part,
             meaning->unit, meaning->window, meaning->names_unit ? "u" : "");
    expanded_count++;
}

static const char *expand(const char *text)
{
    expanded[0] = '\0';
    expanded_count = 0;
    return header_template_expand(text, note, &expanded);
}

Test(header_names, templates)
{
    cr_assert_null(expand("ratelimit-{part}"));
    cr_assert_str_eq(expanded, "ratelimit-limit=1,0,0 ratelimit-remaining=2,0,0 ratelimit-reset=3,0,0 ");
    cr_assert_null(expand("{unit}-{part}-x"));
    cr_assert_eq(expanded_count, 3 * 7);
    cr_assert_not_null(strstr(expanded, "output-tokens-remaining-x=2,3,0u "));
    cr_assert_null(expand("x-{part}-{unit}-{window}"));
    cr_assert_eq(expanded_count, 3 * 7 * 10);
    cr_assert_not_null(strstr(expanded, "x-reset-req-1d=3,0,4u "));
    cr_assert_not_null(strstr(expanded, "x-limit-tokens-month=1,1,6u "));
}

Test(header_names, templates_that_are_none)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "x-{unit}",
                                        "x-{part}-{part}",
                                        "{part}{unit}{unit}",
                                        "{part}{window}{window}",
                                        "{part}{unit}{window}{part}",
                                        "{parts}",
                                        "{part",
                                        "{part}{",
                                        "{}",
                                        "{part}-{Unit}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_expect_not_null(expand(texts[i]), "%s", texts[i]);
        cr_expect_eq(expanded_count, 0);
    }
    char long_name[200];
    memset(long_name, 'x', sizeof(long_name));
    snprintf(long_name + 100, sizeof(long_name) - 100, "{part}");
    cr_assert_null(expand(long_name));
    cr_assert_eq(expanded_count, 0, "names that are too long are none");
}

static void add_with_part(const char *name, enum budget_part part)
{
    struct header_name *place = header_names_add(&names, name, strlen(name), &arena);
    cr_assert_not_null(place);
    place->part = part;
}

static bool is_filtered(const char *name)
{
    struct name_filter filter = {{0}};
    header_names_filter(&names, &filter);
    return name_filter_has(&filter, name, strlen(name));
}

Test(header_names, of_budgets_are_in_the_filter)
{
    add_with_part("x-limit", BUDGET_LIMIT);
    add_with_part("remaining-x", BUDGET_REMAINING);
    add_with_part("x", BUDGET_RESET);
    add_with_part("no-budget", BUDGET_NO_PART);
    header_names_add(&names, "ratelimit", 9, &arena)->number = HEADER_RATELIMIT;
    const char *const wanted[] = {"x-limit", "X-LIMIT", "x-limiT", "Remaining-x", "remaining-X", "x", "X", "RateLimit"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        cr_expect(is_filtered(wanted[i]), "%s", wanted[i]);
    cr_expect_not(is_filtered("no-budget"));
    cr_expect_not(is_filtered("date"));
}

Test(header_names, a_filter_adds_to_what_is_in_it)
{
    struct name_filter filter = {{0}};
    struct header_names none = {.mask = 0};
    add_with_part("x-limit", BUDGET_LIMIT);
    header_names_filter(&names, &filter);
    header_names_filter(&none, &filter);
    cr_expect(name_filter_has(&filter, "x-limit", 7));
}
