/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_EXIT_RULES_H
#define KEYSHM_CTL_EXIT_RULES_H

/* How a program's exit status marks the key that it was run with. */

#include <stddef.h>
#include <stdint.h>

#include "keyshm.h"

#define EXIT_RULES_MAX 64

struct exit_rule {
    unsigned first, last; /* exit statuses, 0 to 255 */
    enum keyshm_status status;
    int64_t after_ms; /* KEYSHM_NO_RETRY_AFTER: none given */
};

struct exit_rules {
    size_t count;
    struct exit_rule rules[EXIT_RULES_MAX];
};

/* Append the rules in `text`: "75=rate_limited:30,64-70=invalid,*=available". -EINVAL: malformed; -E2BIG: too many. */
int exit_rules_parse(const char *text, struct exit_rules *rules);

/* The first rule that matches this exit status, or NULL. */
const struct exit_rule *exit_rules_find(const struct exit_rules *rules, unsigned exit_status);

#endif
