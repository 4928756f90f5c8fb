/* SPDX-License-Identifier: MIT */
#include "process_state.h"

#include <stddef.h>

const char *process_state_name(char state)
{
    static const struct {
        char state;
        const char *name;
    } names[] = {
        {'R', "running"}, {'S', "sleeping"}, {'D', "waiting for a device"},
        {'T', "stopped"}, {'t', "traced"},   {'I', "idle"},
        {'Z', "ended"},   {'X', "ended"},
    };
    if (state == '\0')
        return "";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].state == state)
            return names[i].name;
    return "in another state";
}
