/* SPDX-License-Identifier: MIT */
#include "exit_rules.h"

#include <errno.h>
#include <string.h>

#include "mark_rules.h"
#include "number.h"

#define EXIT_STATUS_MAX 255
#define RULE_SIZE 64 /* longer than any rule that makes sense */

static int parse_exit_status(const char *text, unsigned *ret_exit_status)
{
    uint64_t number;
    int r = number_parse(text, EXIT_STATUS_MAX, &number);
    if (r == 0)
        *ret_exit_status = (unsigned)number;
    return r;
}

/* "*", "75" or "64-70". Writes into `text`. */
static int parse_range(char *text, struct exit_rule *rule)
{
    if (strcmp(text, "*") == 0) {
        rule->first = 0;
        rule->last = EXIT_STATUS_MAX;
        return 0;
    }
    char *dash = strchr(text, '-');
    if (dash != NULL)
        *dash = '\0';
    int r = parse_exit_status(text, &rule->first);
    if (r == 0)
        r = parse_exit_status(dash != NULL ? dash + 1 : text, &rule->last);
    return r == 0 && rule->first > rule->last ? -EINVAL : r;
}

/* "invalid" or "rate_limited:30". Writes into `text`. */
static int parse_mark(char *text, struct exit_rule *rule)
{
    char *colon = strchr(text, ':');
    if (colon != NULL)
        *colon = '\0';
    rule->after_ms = KEYSHM_NO_RETRY_AFTER;
    int r = keyshm_status_from_name(text, &rule->status);
    if (r < 0 || colon == NULL)
        return r;
    if (!mark_takes_duration(rule->status))
        return -EINVAL;
    return number_parse_seconds(colon + 1, &rule->after_ms);
}

static int parse_rule(const char *text, size_t length, struct exit_rule *ret_rule)
{
    char copy[RULE_SIZE];
    if (length >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *equals = strchr(copy, '=');
    if (equals == NULL)
        return -EINVAL;
    *equals = '\0';
    int r = parse_range(copy, ret_rule);
    return r < 0 ? r : parse_mark(equals + 1, ret_rule);
}

int exit_rules_parse(const char *text, struct exit_rules *rules)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        if (rules->count == EXIT_RULES_MAX)
            return -E2BIG;
        int r = parse_rule(text, length, &rules->rules[rules->count]);
        if (r < 0)
            return r;
        rules->count++;
        if (text[length] == '\0')
            return 0;
        text += length + 1;
    }
}

const struct exit_rule *exit_rules_find(const struct exit_rules *rules, unsigned exit_status)
{
    for (const struct exit_rule *rule = rules->rules; rule < rules->rules + rules->count; rule++)
        if (exit_status >= rule->first && exit_status <= rule->last)
            return rule;
    return NULL;
}
