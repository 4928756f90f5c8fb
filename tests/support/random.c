/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <stdlib.h>
#include <sys/random.h>

#include "expect.h"

/* Not by the time of day, which a test may have replaced. */
uint64_t random_seed(const char *argument_or_null)
{
    uint32_t seed;
    EXPECT_EQ(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
    return argument_or_null != NULL ? strtoull(argument_or_null, NULL, 10) : seed;
}
