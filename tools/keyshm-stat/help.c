/* SPDX-License-Identifier: MIT */
#include "help.h"

#include <stdio.h>

#include "listing.h"
#include "options.h"
#include "pool_columns.h"

static const char *const group_titles[OPTION_GROUP_COUNT] = {
    [OPTION_SUBJECT] = "What is shown, instead of the keys of this user's pools:",
    [OPTION_FORMAT] = "Output format, instead of a table:",
    [OPTION_COLUMNS] = "Columns (their names are below; in any case, with - or _ for a space):",
    [OPTION_FILTER] = "Which keys and groups, or events of these, are shown:",
    [OPTION_STYLE] = "Style:",
    [OPTION_REPEAT] = "Repeatedly:",
    [OPTION_OTHER] = "Other:",
};

#define OPTION_WIDTH 24

static void print_option(const struct stat_option *option)
{
    char words[64], letter[] = {'-', option->letter, ',', ' ', '\0'};
    bool may_lack = option->value == OPTION_MAY_HAVE_VALUE;
    snprintf(words, sizeof(words), "--%s%s%s%s", option->name,
             option->value_name == NULL ? ""
             : may_lack                 ? "[="
                                        : " ",
             option->value_name != NULL ? option->value_name : "", may_lack ? "]" : "");
    printf("  %s%-*s %s\n", option->letter != '\0' ? letter : "    ", OPTION_WIDTH, words, option->help);
}

static void print_options(void)
{
    for (int group = 0; group < OPTION_GROUP_COUNT; group++) {
        printf("\n%s\n", group_titles[group]);
        for (size_t i = 0; i < stat_option_count; i++)
            if (stat_options[i].group == (enum option_group)group)
                print_option(&stat_options[i]);
    }
}

static void print_note(const struct column *column)
{
    printf("%s%s%s%s\n", column->help, column->values != NULL ? " (" : "", column->values != NULL ? column->values : "",
           column->values != NULL ? ")" : "");
}

static void print_columns(const struct listing *listing)
{
    printf("\nColumns of the table of %s, and the members of their objects in the JSON. Without --output the table has\n"
           "those with a *, and the JSON those with a +:\n\n",
           listing->json_name);
    for (size_t i = 0; i < listing->column_count; i++) {
        const struct column *column = &listing->columns[i];
        printf("  %-14s %-21s %s%s ", column->name, column->json_name, column->flags & COLUMN_IN_TABLE ? "*" : " ",
               column->flags & COLUMN_IN_JSON ? "+" : " ");
        print_note(column);
    }
}

/* Of the object in which the rows are. */
static void print_pool_members(const struct listing *listing)
{
    bool is_in_table = listing->pool == &pool_listing;
    printf("\nThe members of a pool's object, with %s%s:\n\n", listing->json_name,
           is_in_table ? ", besides those of the table of pools" : "");
    for (size_t i = 0; i < listing->pool->column_count && !is_in_table; i++) {
        printf("  %-19s  ", listing->pool->columns[i].json_name);
        print_note(&listing->pool->columns[i]);
    }
    printf("  %-19s  its %s\n", listing->json_name, listing->json_name);
}

void print_help(void)
{
    const struct listing *listing;
    puts("Usage: keyshm-stat [OPTION]... [POOL]...\n"
         "Show the state of the named pools of API keys, or of every pool of this user.\n"
         "This never delays a worker: it maps a pool read-only and takes no lock. It never shows a key.");
    print_options();
    for (int subject = 0; (listing = listing_of((enum subject)subject)) != NULL; subject++)
        print_columns(listing);
    puts("\nThe JSON is {\"schema\":1,\"pools\":[POOL...]}; with --follow it is an event a line. _ms is milliseconds, "
         "_us\n"
         "microseconds.");
    for (int subject = 0; (listing = listing_of((enum subject)subject)) != NULL; subject++)
        if (listing->pool != NULL)
            print_pool_members(listing);
    puts("\nExit status: 0 fine, 1 wrong usage or another failure, 2 no such pool or model, or no permission, 3 a pool "
         "of another\n"
         "layout, a damaged one, or one that was truncated, written over, replaced or destroyed while it was read,\n"
         "4 --check found something broken. When several pools are named, all that can be are shown, and the status is "
         "the\n"
         "highest of theirs.");
}
