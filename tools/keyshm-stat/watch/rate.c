/* SPDX-License-Identifier: MIT */
#include "rate.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#define TENTHS_OF_A_MILLION 10000000

void rate_text(double per_s, char ret_text[RATE_SIZE])
{
    /* No floating point in the text: its decimal point is the locale's. The 1e-6 is for what was a whole number once. */
    uint64_t tenths = (uint64_t)(per_s * 10 + 1e-6);
    if (per_s > 0 && tenths == 0)
        snprintf(ret_text, RATE_SIZE, "<0.1");
    else if (tenths == 0)
        snprintf(ret_text, RATE_SIZE, "0");
    else if (tenths < 1000)
        snprintf(ret_text, RATE_SIZE, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
    else if (tenths < TENTHS_OF_A_MILLION)
        snprintf(ret_text, RATE_SIZE, "%" PRIu64, tenths / 10);
    else
        snprintf(ret_text, RATE_SIZE, "%" PRIu64 ".%" PRIu64 "M", tenths / TENTHS_OF_A_MILLION,
                 tenths % TENTHS_OF_A_MILLION / (TENTHS_OF_A_MILLION / 10));
}
