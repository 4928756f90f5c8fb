/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <errno.h>
#include <string.h>

#include "keyshm.h"

#define DIGITS "0123456789"

static int parse_digits(const char *digits, size_t count, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return -ERANGE;
        value = 10 * value + digit;
    }
    *ret_value = value;
    return 0;
}

int number_parse(const char *text, uint64_t max, uint64_t *ret_value)
{
    size_t count = strspn(text, DIGITS);
    return count > 0 && text[count] == '\0' ? parse_digits(text, count, max, ret_value) : -EINVAL;
}

/* The milliseconds of a fraction, upwards. */
static uint64_t fraction_ms(const char *digits, size_t count)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < 3; i++)
        ms = 10 * ms + (i < count ? (uint64_t)(digits[i] - '0') : 0);
    return count > 3 && strspn(digits + 3, "0") < count - 3 ? ms + 1 : ms;
}

int number_parse_seconds(const char *text, int64_t *ret_ms)
{
    uint64_t seconds, ms = 0;
    size_t count = strspn(text, DIGITS);
    const char *fraction = text + count;
    if (count == 0)
        return -EINVAL;
    if (*fraction == '.') {
        size_t fraction_count = strspn(++fraction, DIGITS);
        if (fraction_count == 0)
            return -EINVAL;
        ms = fraction_ms(fraction, fraction_count);
        fraction += fraction_count;
    }
    if (*fraction != '\0')
        return -EINVAL;
    int r = parse_digits(text, count, KEYSHM_DURATION_MAX_MS / 1000, &seconds);
    if (r < 0 || 1000 * seconds + ms > KEYSHM_DURATION_MAX_MS)
        return -ERANGE;
    *ret_ms = (int64_t)(1000 * seconds + ms);
    return 0;
}
