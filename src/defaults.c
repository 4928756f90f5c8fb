/* SPDX-License-Identifier: MIT */

/* The structs that a caller passes, filled with their defaults: the _INIT macros, for programs that cannot use a macro. */

#include <string.h>

#include "keyshm.h"

/* A caller of another version has a struct of another size: what the library does not know of it becomes zero. */
static void fill(void *to, size_t size, const void *defaults, size_t known_size)
{
    memset(to, 0, size);
    memcpy(to, defaults, size < known_size ? size : known_size);
    if (size >= sizeof(size))
        memcpy(to, &size, sizeof(size));
}

void keyshm_options_init(struct keyshm_options *options, size_t size)
{
    static const struct keyshm_options defaults = KEYSHM_OPTIONS_INIT;
    fill(options, size, &defaults, sizeof(defaults));
}

void keyshm_request_init(struct keyshm_request *request, size_t size)
{
    static const struct keyshm_request defaults = KEYSHM_REQUEST_INIT;
    fill(request, size, &defaults, sizeof(defaults));
}

void keyshm_mark_init(struct keyshm_mark *mark, size_t size)
{
    static const struct keyshm_mark defaults = KEYSHM_MARK_INIT;
    fill(mark, size, &defaults, sizeof(defaults));
}

void keyshm_policy_init(struct keyshm_policy *policy, size_t size)
{
    static const struct keyshm_policy defaults = KEYSHM_POLICY_INIT;
    fill(policy, size, &defaults, sizeof(defaults));
}

void keyshm_replaced_init(struct keyshm_replaced *replaced, size_t size)
{
    static const struct keyshm_replaced defaults = KEYSHM_REPLACED_INIT;
    fill(replaced, size, &defaults, sizeof(defaults));
}

void keyshm_streak_init(struct keyshm_streak *streak, size_t size)
{
    static const struct keyshm_streak defaults = KEYSHM_STREAK_INIT;
    fill(streak, size, &defaults, sizeof(defaults));
}

void keyshm_limits_init(struct keyshm_limits *limits, size_t size)
{
    static const struct keyshm_limits defaults = KEYSHM_LIMITS_INIT;
    fill(limits, size, &defaults, sizeof(defaults));
}

void keyshm_observation_init(struct keyshm_observation *observation, size_t size)
{
    static const struct keyshm_observation defaults = KEYSHM_OBSERVATION_INIT;
    fill(observation, size, &defaults, sizeof(defaults));
}
