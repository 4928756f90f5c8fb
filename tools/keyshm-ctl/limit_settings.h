/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_LIMIT_SETTINGS_H
#define KEYSHM_CTL_LIMIT_SETTINGS_H

/* The settings of limits: what each is called in JSON and in keyshm.h, what it may be, and how it is written. As options they
 * have the names that options.c gives them, in this order. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "keyshm.h"

enum limit_setting_id {
    LIMIT_REQUESTS,
    LIMIT_REQUESTS_BURST,
    LIMIT_TOKENS,
    LIMIT_TOKENS_BURST,
    LIMIT_TOKENS_CHARGE,
    LIMIT_REQUESTS_LONG,
    LIMIT_REQUESTS_LONG_BURST,
    LIMIT_TOKENS_LONG,
    LIMIT_TOKENS_LONG_BURST,
    LIMIT_TOKENS_LONG_CHARGE,
    LIMIT_IN_FLIGHT,
    LIMIT_SETTINGS,
};

enum limit_kind {
    LIMIT_RATE,   /* "90k/min" */
    LIMIT_BURST,  /* "15k": of the rate */
    LIMIT_CHARGE, /* "pick": of the rate */
    LIMIT_CAP,    /* "4" */
};

struct limit_setting {
    enum limit_kind kind;
    size_t offset;         /* in struct keyshm_limits: of the rate, or of the cap */
    const char *json_name; /* as in struct keyshm_limits; NULL: it is in the object of its rate */
};

extern const struct limit_setting limit_settings[LIMIT_SETTINGS];

#define LIMIT_RATE_RULE "an amount and a time, such as 60/min, 90k/min, 1000/day or 8/600ms, or none"
#define LIMIT_BURST_RULE "a number from 1 on, such as 10, 15k or 2M"
#define LIMIT_CHARGE_RULE "pick or release"
#define LIMIT_CAP_RULE "a number from 1 to 1024, or none"

/* Settings that were given, as words. */
struct limit_changes {
    bool is_given[LIMIT_SETTINGS];
    struct keyshm_limits limits;
};

/* "90k". JSON has no larger integers than INT64_MAX. -EINVAL, -ERANGE. */
int limit_amount_parse(const char *text, uint64_t *ret_amount);

/* -EINVAL, -ERANGE. */
int limit_changes_parse(enum limit_setting_id id, const char *text, struct limit_changes *changes);
bool limit_changes_are_given(const struct limit_changes *changes);

/* A rate that is given has the burst that is given with it, or the default one. */
void limit_changes_apply(const struct limit_changes *changes, struct keyshm_limits *limits);

/* One that was given, and is of a rate that these do not have; LIMIT_SETTINGS: none. */
enum limit_setting_id limit_changes_find_useless(const struct limit_changes *changes, const struct keyshm_limits *limits);

bool limits_are_equal(const struct keyshm_limits *a, const struct keyshm_limits *b);

/* "90k/min", as it is given. False: there is none, or it is the default. */
#define LIMIT_SETTING_SIZE 48
bool limit_setting_format(enum limit_setting_id id, const struct keyshm_limits *limits,
                          char ret_text[LIMIT_SETTING_SIZE]);

/* By json_name. NULL: out of memory. */
json_t *limits_json(const struct keyshm_limits *limits);

/* False: that is no such object. A rate that it does not have is none. */
bool limits_from_json(const json_t *object, struct keyshm_limits *ret_limits);

#endif
