/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_RULE_SET_H
#define KEYSHM_HTTP_RULE_SET_H

/* The rules of all providers, as the judge reads them. They do not change once they are made; keyshm-providers(5) says what the
 * members mean. */

#include <jansson.h>
#include <keyshm-http.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "header_names.h"
#include "path.h"
#include "pattern.h"
#include "time_value.h"
#include "window.h"

/* In the order in which they are tried. */
enum meaning {
    MEANS_SUCCESS,
    MEANS_EDGE,
    MEANS_UPSTREAM,
    MEANS_KEY_MISSING,
    MEANS_CLOCK,
    MEANS_BUSY,
    MEANS_REQUEST,
    MEANS_REGION,
    MEANS_TOO_LARGE,
    MEANS_UNAFFORDABLE,
    MEANS_BILLING,
    MEANS_QUOTA,
    MEANS_DEAD,
    MEANS_PERMISSION,
    MEANS_CAPACITY,
    MEANS_LIMIT,
    MEANS_SERVER,
    MEANINGS
};

/* As in the interface, and "limits": as the provider's limits say. */
enum { SCOPE_OF_LIMITS = KEYSHM_HTTP_SCOPE_PROVIDER + 1 };

/* What a meaning is, where a rule does not say otherwise. */
struct meaning_defaults {
    const char *word;
    enum keyshm_status mark; /* available: none */
    int scope;
    enum keyshm_http_retry retry;
    enum keyshm_reason reason;
};
extern const struct meaning_defaults meaning_defaults[MEANINGS];

/* Where something stands in an answer. */
struct place {
    bool is_header;
    unsigned header; /* its number (header_names.h) */
    struct path path;
};

struct place_list {
    size_t count;
    struct place *places;
};

struct path_list {
    size_t count;
    struct path *paths;
};

struct pattern_list {
    size_t count;
    struct pattern *patterns;
};

struct word_list {
    size_t count;
    const char **words;
    uint32_t *hashes;
};

/* One of the values stands at the place. */
struct value_condition {
    struct place place;
    struct word_list values;
};

struct status_range {
    int first, last;
};

enum body_bit { BODY_BIT_NONE = 1, BODY_BIT_JSON = 2, BODY_BIT_HTML = 4, BODY_BIT_TEXT = 8 };

struct condition {
    size_t status_count;
    struct status_range *statuses;
    struct word_list codes;
    struct pattern_list phrases;
    struct pattern_list html; /* in a page */
    size_t value_count;
    struct value_condition *values;
    unsigned bodies; /* bits; 0: whatever it is */
    int has_time;    /* -1: whether or not */
};

enum until { UNTIL_DEFAULT, UNTIL_MARKED, UNTIL_MIDNIGHT, UNTIL_MONTH };

enum end_kind { END_BY_HINTS, END_BY_RESETS, END_BY_HEADER };

struct end_source {
    enum end_kind kind;
    unsigned header;
};

struct rule {
    const char *name; /* "openai/insufficient-quota" */
    bool is_general;
    unsigned order; /* in its file */
    enum meaning means;
    struct condition when, unless;
    int scope;
    enum keyshm_http_retry retry;
    enum window window;
    enum until until;
    size_t end_count; /* what says when its quota ends */
    struct end_source *ends;
    enum keyshm_reason reason;
    bool succeeds;
};

enum hint_kind { HINT_HEADER, HINT_FIELD, HINT_PHRASE };

struct hint {
    enum hint_kind kind;
    unsigned header;
    struct path path;
    struct pattern pattern;
    enum time_unit unit;
};

struct model_source {
    bool is_phrase;
    struct place place;
    struct pattern pattern;
    struct word_list except;
};

struct stream_status {
    const char *code;
    int status;
};

struct limits_of_provider {
    enum keyshm_http_scope scope;
    bool is_per_model;
    bool reset_covers_tokens;
    enum window windows[BUDGET_UNITS];
    int utc_offset_minutes;
    bool has_us_daylight_saving;
    bool month_is_utc;
    int64_t day_delay_min_ms;
};

struct provider {
    const char *name;
    struct limits_of_provider limits;
    bool success_is_judged;
    /* The provider's first, then the general ones. */
    struct place_list codes, messages;
    struct path_list statuses, embedded_headers, window_fields;
    struct pattern_list ends;
    size_t hint_count, model_count, stream_status_count, rule_count;
    struct hint *hints;
    struct model_source *models;
    struct stream_status *stream_statuses;
    const struct rule **rules; /* in the order in which they are tried; the general ones are shared by all */
    struct header_names budget_names;
    struct name_filter budget_filter; /* of these and the general ones */
    json_t *json;                     /* what it was made of */
};

/* Names, and other names, of providers: in lower case, in a table by their hash. */
struct provider_name {
    const struct provider *provider; /* NULL: a free place */
    char name[KEYSHM_PROVIDER_MAX + 1];
};

struct rule_set {
    struct arena arena;
    json_t *files; /* the files that it was made of: an object of providers */
    struct header_names names;
    struct provider *general;
    size_t provider_count, name_mask; /* places of names - 1 */
    struct provider *providers;
    struct provider_name *provider_names;
};

#endif
