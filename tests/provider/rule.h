/* SPDX-License-Identifier: MIT */
#ifndef RULE_H
#define RULE_H

/* How a provider counts the requests of a key: pure functions, without memory or a clock of their own. */

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)

enum rule_kind {
    RULE_CONTINUOUS, /* what was used comes back evenly, as OpenAI has it */
    RULE_WINDOWS,    /* so many in a window, which begins with the first request after the one before */
};

struct rule {
    enum rule_kind kind;
    unsigned amount; /* in per_ms; also what is let through at once */
    int64_t per_ms;
    bool is_silent; /* its answers do not say what is left */
};

/* What it knows of a key. All zero: nothing was used. */
struct rule_account {
    int64_t until_ns; /* continuous: when all that was used will have come back; windows: the end of this one */
    unsigned used;    /* windows: in this one */
};

struct rule_answer {
    bool is_refused;
    unsigned left;
    int64_t reset_ms; /* until all of it is there again; rounded up */
    int64_t retry_ms; /* refused: until the next request is answered; rounded up */
};

/* A request at this time. */
struct rule_answer rule_ask(const struct rule *rule, struct rule_account *account, int64_t now_ns);

/* How many requests of one key it answers at most in such a time, which begins with the first one. */
unsigned rule_most(const struct rule *rule, int64_t elapsed_ns);

#endif
