/* SPDX-License-Identifier: MIT */
#include "provider_of.h"

const char *provider_of(const struct arguments *arguments, keyshm_pool *pool)
{
    (void)pool;
    return arguments->rules_of != NULL ? arguments->rules_of : arguments->pool;
}
