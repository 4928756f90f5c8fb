/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "mask.h"

#define DOTS "\xe2\x80\xa6"

static const char *masked(const char *key)
{
    static char text[KEYSHM_MASKED_SIZE];
    mask_key(key, strlen(key), text);
    return text;
}

Test(mask, shows_prefix_and_last_four)
{
    cr_assert_str_eq(masked("sk-abcdefghijklmnopqrstuvwXyz"), "sk-" DOTS "wXyz");
    cr_assert_str_eq(masked("sk-proj-abcdefghijklmnopqrstuvwXyz"), "sk-" DOTS "wXyz");
}

Test(mask, shows_nothing_of_a_short_key)
{
    cr_assert_str_eq(masked("sk-abcdefghijklmnop"), DOTS, "19 characters");
    cr_assert_str_eq(masked("sk-abcdefghijklmnopq"), "sk-" DOTS "nopq", "20 characters");
    cr_assert_str_eq(masked("x"), DOTS);
}

Test(mask, shows_no_prefix_where_there_is_none)
{
    cr_assert_str_eq(masked("AIzaSyABCDEFGHIJKLMNOPQ"), DOTS "NOPQ");
}

Test(mask, a_dash_far_inside_is_no_prefix)
{
    cr_assert_str_eq(masked("AbCdEfGhIjKlMnOpQrSt-vwXyz"), DOTS "wXyz");
    cr_assert_str_eq(masked("abcdefgh-jklmnopqrst"), DOTS "qrst", "more than a third of the key");
}

Test(mask, what_cannot_be_printed_is_not)
{
    cr_assert_str_eq(masked("s\xc3\xa9-defghijklmnopqrst\xff\xc3\xa9x"), "s?\?-" DOTS "?\?\?x");
}

Test(mask, always_fits)
{
    char key[KEYSHM_KEY_MAX + 1];
    memset(key, 'a', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    for (size_t dash = 0; dash < 64; dash++) {
        key[dash] = '-';
        cr_assert_lt(strlen(masked(key)), KEYSHM_MASKED_SIZE);
        key[dash] = 'a';
    }
}
