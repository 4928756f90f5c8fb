/* SPDX-License-Identifier: MIT */
#include "benched_by.h"

#include <stdio.h>

#include "key_json.h"

#define BY_PAUSE_OF_GROUP (1u << 31)

static const struct {
    unsigned bit;
    const char *name;
} names[] = {
    {KEYSHM_BY_KEY, "key"},       {KEYSHM_BY_KEY_MODEL, "key_model"},
    {KEYSHM_BY_GROUP, "group"},   {KEYSHM_BY_GROUP_MODEL, "group_model"},
    {KEYSHM_BY_PAUSE, "pause"},   {BY_PAUSE_OF_GROUP, "group_pause"},
    {KEYSHM_BY_BUDGET, "budget"}, {KEYSHM_BY_CAP, "cap"},
};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

unsigned benched_by(const struct keyshm_key_snapshot *state, bool is_group_paused)
{
    unsigned bits = state->benched_by & ~KEYSHM_BY_PAUSE;
    if (state->is_paused)
        bits |= KEYSHM_BY_PAUSE;
    return is_group_paused ? bits | BY_PAUSE_OF_GROUP : bits;
}

void benched_by_text(unsigned benched_by, char ret_text[BENCHED_BY_TEXT_SIZE])
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < NAME_COUNT; i++)
        if ((benched_by & names[i].bit) != 0)
            used += (size_t)snprintf(ret_text + used, BENCHED_BY_TEXT_SIZE - used, "%s%s", used > 0 ? "," : "",
                                     names[i].name);
}

json_t *benched_by_json(unsigned benched_by)
{
    json_t *array = json_array();
    int r = 0;
    for (size_t i = 0; i < NAME_COUNT; i++)
        if ((benched_by & names[i].bit) != 0)
            r |= json_array_append_new(array, json_string(names[i].name));
    return whole_or_nothing(array, r == 0);
}
