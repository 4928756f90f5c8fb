/* SPDX-License-Identifier: MIT */
#include "fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"
#include "masked.h"
#include "value.h"

const char *field_label(const struct keyshm_key_snapshot *key)
{
    for (size_t i = 0; i < key->metadata_count; i++)
        if (strcmp(key->metadata[i].name, "label") == 0)
            return key->metadata[i].value;
    return "";
}

/* ---- as text ---- */

static void count_text(uint64_t count, char ret_text[FIELD_TEXT_SIZE])
{
    snprintf(ret_text, FIELD_TEXT_SIZE, "%" PRIu64, count);
}

static void slot_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    count_text(row->key->slot, ret_text);
}

static void key_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    masked_for_locale(row->key->masked_key, ret_text);
}

static void label_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    snprintf(ret_text, FIELD_TEXT_SIZE, "%s", field_label(row->key));
}

static void status_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    snprintf(ret_text, FIELD_TEXT_SIZE, "%s", keyshm_status_name(row->key->status));
}

static void left_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    int64_t left_ms = row->key->cooldown_left_ms;
    if (left_ms == 0)
        snprintf(ret_text, FIELD_TEXT_SIZE, "-");
    else if (left_ms < 0)
        snprintf(ret_text, FIELD_TEXT_SIZE, "until marked");
    else
        duration_text(left_ms + 99, ret_text); /* upwards: never "0.0s" while it lasts */
}

static void rate_or_dash(const struct key_row *row, double per_s, char ret_text[FIELD_TEXT_SIZE])
{
    if (row->model->has_rates)
        rate_text(per_s, ret_text);
    else
        snprintf(ret_text, FIELD_TEXT_SIZE, "-");
}

static void picks_rate_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    rate_or_dash(row, row->known->picks_per_s, ret_text);
}

static void errors_rate_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    rate_or_dash(row, row->known->errors_per_s, ret_text);
}

static void picks_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    count_text(row->known->picks, ret_text);
}

static void errors_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    count_text(row->known->errors, ret_text);
}

static void last_used_text(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE])
{
    char ago[DURATION_SIZE];
    duration_text(row->key->last_used_ago_ms, ago);
    if (row->key->last_used_ago_ms < 0)
        snprintf(ret_text, FIELD_TEXT_SIZE, "never");
    else
        snprintf(ret_text, FIELD_TEXT_SIZE, "%s ago", ago);
}

/* ---- in order ---- */

static int compare_slots(const struct key_row *a, const struct key_row *b)
{
    return a->key->slot < b->key->slot ? -1 : a->key->slot > b->key->slot;
}

static int compare_keys(const struct key_row *a, const struct key_row *b)
{
    return strcmp(a->key->masked_key, b->key->masked_key);
}

static int compare_labels(const struct key_row *a, const struct key_row *b)
{
    return strcmp(field_label(a->key), field_label(b->key));
}

/* The worst first. */
static int compare_statuses(const struct key_row *a, const struct key_row *b)
{
    return (int)b->key->status - (int)a->key->status;
}

/* What ends by itself first comes first, and then what only a mark ends; what is available comes last. */
static int compare_left(const struct key_row *a, const struct key_row *b)
{
    uint64_t left[] = {(uint64_t)a->key->cooldown_left_ms, (uint64_t)b->key->cooldown_left_ms};
    for (int i = 0; i < 2; i++)
        left[i] = left[i] == 0 ? UINT64_MAX : left[i] == UINT64_MAX ? UINT64_MAX - 1 : left[i];
    return left[0] < left[1] ? -1 : left[0] > left[1];
}

static int compare_picks_rates(const struct key_row *a, const struct key_row *b)
{
    return (a->known->picks_per_s < b->known->picks_per_s) - (a->known->picks_per_s > b->known->picks_per_s);
}

static int compare_errors_rates(const struct key_row *a, const struct key_row *b)
{
    return (a->known->errors_per_s < b->known->errors_per_s) - (a->known->errors_per_s > b->known->errors_per_s);
}

static int compare_picks(const struct key_row *a, const struct key_row *b)
{
    return (a->known->picks < b->known->picks) - (a->known->picks > b->known->picks);
}

static int compare_errors(const struct key_row *a, const struct key_row *b)
{
    return (a->known->errors < b->known->errors) - (a->known->errors > b->known->errors);
}

/* The one used last comes first, and what never was comes last. */
static int compare_last_used(const struct key_row *a, const struct key_row *b)
{
    uint64_t ago[] = {(uint64_t)a->key->last_used_ago_ms, (uint64_t)b->key->last_used_ago_ms};
    return ago[0] < ago[1] ? -1 : ago[0] > ago[1];
}

const struct field fields[FIELD_COUNT] = {
    {"SLOT", "its place in the pool", FIELD_NUMBER, 1, 4, slot_text, compare_slots, false},
    {"KEY", "masked: its prefix and its end", FIELD_TEXT, 12, 8, key_text, compare_keys, false},
    {"LABEL", "its metadata \"label\"", FIELD_TEXT, 8, 0, label_text, compare_labels, false},
    {"STATUS", "as a pick would find it", FIELD_STATUS, 11, 9, status_text, compare_statuses, false},
    {"COOLDOWN", "how much is left of the longest that was seen of it", FIELD_BAR, 7, 8, NULL, NULL, false},
    {"LEFT", "how long until it is available by itself", FIELD_NUMBER, 10, 6, left_text, compare_left, false},
    {"PICKS/S", "picks a second, since the frame before", FIELD_NUMBER, 9, 7, picks_rate_text, compare_picks_rates, true},
    {"ERRS/S", "marks rate_limited, quota_exceeded and invalid a second", FIELD_NUMBER, 6, 6, errors_rate_text,
     compare_errors_rates, true},
    {"PICKS", "how often it was picked, since it was added or since c", FIELD_NUMBER, 4, 6, picks_text, compare_picks,
     true},
    {"ERRS", "how often it was marked like that", FIELD_NUMBER, 3, 4, errors_text, compare_errors, true},
    {"LAST USED", "how long ago it was last picked", FIELD_NUMBER, 2, 9, last_used_text, compare_last_used, false},
    {"LAST MINUTE", "picks a second; all rows have the same scale", FIELD_HISTORY, 5, 12, NULL, NULL, false},
};
