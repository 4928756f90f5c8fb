/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_ANSWER_H
#define KEYSHM_HTTP_ANSWER_H

/* What an answer consists of, found once for all rules. */

#include "body.h"
#include "rule_set.h"

enum {
    ANSWER_HEADERS_MAX = 512, /* more than servers and clients accept */
    ANSWER_HEADER_BYTES_MAX = 16384,
    ANSWER_CODES_MAX = 16,
    ANSWER_MESSAGES_MAX = 8,
    ANSWER_MESSAGE_BYTES_MAX = 8192,
    ANSWER_BUDGETS_MAX = 16,
    ANSWER_BUDGET_HEADERS_MAX = 64
};

/* A header that says something of a budget. */
struct answer_budget_header {
    const struct header_name *name;
    const char *value;
    size_t length;
};

/* The headers of one budget: of a unit in a window. */
struct answer_budget {
    enum budget_unit unit;
    enum window window;
    bool names_unit;
    enum window policy_window;          /* that the value names: "100;w=60" */
    int64_t limit, remaining, reset_ms; /* -1: not said */
};

struct answer_code {
    const char *text;
    size_t length;
    uint32_t hash;
};

/* What every answer has comes first, so that an answer that says nothing touches little of this. */
struct answer {
    const struct rule_set *set;
    const struct provider *provider;
    const struct keyshm_http_response *response;
    int status;             /* as the rules see it */
    int64_t server_unix_ms; /* 0: not yet asked for */
    int64_t hint_ms;        /* how long to wait; -1: not said; 0: not yet looked for */

    struct body body;
    json_t *document; /* the object in the body; NULL: there is none */
    uint64_t names;   /* of the members in it (path_names_in()) */
    bool is_cut;      /* more may stand in the document */
    bool has_whole_code, has_whole_message;
    unsigned code_count, message_count;
    unsigned budget_header_count, budget_count;
    uint64_t code_bits; /* of the hashes of the codes */
    size_t lower_used;

    /* Headers by their numbers: the first of each, and the next of the same; 1 more than their place, 0: none. */
    uint16_t first[HEADER_NUMBERS_MAX];
    uint16_t next[ANSWER_HEADERS_MAX];
    struct answer_budget_header budget_headers[ANSWER_BUDGET_HEADERS_MAX];
    struct answer_budget budgets[ANSWER_BUDGETS_MAX]; /* not found here, but by budgets.h */

    struct answer_code codes[ANSWER_CODES_MAX];
    struct message messages[ANSWER_MESSAGES_MAX];
    char numbers[ANSWER_CODES_MAX][24]; /* codes that are numbers, as text */
    char lower[2 * ANSWER_MESSAGE_BYTES_MAX];
    uint64_t seen[ANSWER_MESSAGES_MAX][SEEN_WORDS];
};

/* The headers are read. */
void answer_init(struct answer *answer, const struct rule_set *set, const struct provider *provider,
                 const struct keyshm_http_response *response);

/* The body is read, as a whole or as a stream of events. -ENOMEM. Free it with answer_free(). */
int answer_read_body(struct answer *answer, bool is_stream);
void answer_free(struct answer *answer);

/* Something of what the body says is there. */
bool answer_is_readable(const struct answer *answer);

/* What a header's name says of a budget: for the provider, or by its general meaning; NULL: nothing. */
const struct header_name *answer_budget_name(const struct provider *provider, const struct header_name *general_or_null,
                                             const char *name, size_t length);

/* The clock of the server when it answered. */
int64_t answer_server_ms(struct answer *answer);

bool answer_is_success(int status);

/* A stream of events: by its type, or by how it begins. */
bool answer_is_stream(const struct answer *answer);

/* No pointer that is needed is NULL. */
static inline bool answer_is_header(const struct keyshm_http_header *header)
{
    return (header->name != NULL || header->name_length == 0) && (header->value != NULL || header->value_length == 0);
}

/* Whether nothing of an answer needs to be looked at, if it succeeded: it is no stream, says nothing of a budget, and all of its
 * headers are some. Decided without an answer_init(), as most answers are so. */
bool answer_says_nothing(const struct rule_set *set, const struct provider *provider,
                         const struct keyshm_http_response *response);

/* Nothing but digits. */
static inline bool answer_is_number(const char *text, size_t length)
{
    size_t digits = 0;
    while (digits < length && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    return digits == length;
}

/* Every header of the number, until the function returns false. */
typedef bool answer_header_fn(const char *value, size_t length, void *user);
void answer_visit_headers(const struct answer *answer, unsigned number, answer_header_fn *fn, void *user);

/* Every value at the path, as path_visit(). */
void answer_visit_path(const struct answer *answer, const struct path *path, path_visit_fn *visit, void *user);

/* Every string and whole number at the place, as text; the last argument says whether it was cut. */
typedef bool answer_text_fn(const char *text, size_t length, bool is_cut, void *user);
void answer_visit_texts(const struct answer *answer, const struct place *place, answer_text_fn *fn, void *user);

#endif
