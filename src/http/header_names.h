/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_HEADER_NAMES_H
#define KEYSHM_HTTP_HEADER_NAMES_H

/* The names of headers that mean something. Every header of every answer is looked up, so this is fast. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "window.h"

enum budget_unit { BUDGET_REQUESTS, BUDGET_TOKENS, BUDGET_INPUT_TOKENS, BUDGET_OUTPUT_TOKENS, BUDGET_UNITS };
enum budget_part { BUDGET_NO_PART, BUDGET_LIMIT, BUDGET_REMAINING, BUDGET_RESET };

/* Those that the engine itself reads have fixed numbers, the others get theirs from rules. 0: only a budget. */
enum header_number {
    HEADER_NONE,
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_ENCODING,
    HEADER_DATE,
    HEADER_AGE,
    HEADER_RATELIMIT,
    HEADER_RATELIMIT_POLICY,
    HEADERS_OF_ENGINE,
    HEADER_NUMBERS_MAX = 512
};

struct header_name {
    const char *lower; /* NULL: a free place of the table */
    size_t length;
    unsigned number;
    /* What it says of a budget. */
    enum budget_part part;
    enum budget_unit unit;
    enum window window;
    bool names_unit;
};

struct header_names {
    size_t mask; /* places - 1; NULL: none */
    size_t count;
    unsigned number_count;
    struct header_name *places;
};

/* Names that may say something of a budget, by their length and their first and last letters: no other does. Most headers of most
 * answers are not among them. */
enum { NAME_FILTER_SHIFT = 22, NAME_FILTER_WORDS = (1 << (32 - NAME_FILTER_SHIFT)) / 64 };

struct name_filter {
    uint64_t words[NAME_FILTER_WORDS];
};

/* Of a name that is not empty, in any case. */
static inline uint32_t name_filter_bit(const char *name, size_t length)
{
    uint32_t first = (unsigned char)name[0] | 0x20u, last = (unsigned char)name[length - 1] | 0x20u;
    return ((uint32_t)length << 16 ^ first << 8 ^ last) * 0x9e3779b1u >> NAME_FILTER_SHIFT;
}

static inline bool name_filter_has(const struct name_filter *filter, const char *name, size_t length)
{
    uint32_t bit = name_filter_bit(name, length);
    return (filter->words[bit / 64] >> bit % 64 & 1) != 0;
}

/* Room for `count` names. */
bool header_names_init(struct header_names *names, size_t count, struct arena *arena);

/* Finds or adds; NULL when there is no memory or no room. */
struct header_name *header_names_add(struct header_names *names, const char *name, size_t length, struct arena *arena);

/* Its number, for a header that a rule reads; HEADER_NONE when there are too many. */
unsigned header_names_number(struct header_names *names, const char *name, struct arena *arena);

/* NULL if it means nothing. Any case. */
const struct header_name *header_names_find(const struct header_names *names, const char *name, size_t length);

/* Those that say something of a budget, the RateLimit field among them. */
void header_names_filter(const struct header_names *names, struct name_filter *filter);

/* The names that a template stands for ("x-ratelimit-{part}-{unit}"), each called for. NULL, or what is wrong with it. */
typedef void header_template_fn(const char *name, size_t length, const struct header_name *meaning, void *user);
const char *header_template_expand(const char *text, header_template_fn *fn, void *user);

#endif
