/* SPDX-License-Identifier: MIT */
#include "fixture.h"

Test(status, has_the_names_of_the_contract)
{
    cr_assert_str_eq(keyshm_status_name(KEYSHM_AVAILABLE), "available");
    cr_assert_str_eq(keyshm_status_name(KEYSHM_RATE_LIMITED), "rate_limited");
    cr_assert_str_eq(keyshm_status_name(KEYSHM_QUOTA_EXCEEDED), "quota_exceeded");
    cr_assert_str_eq(keyshm_status_name(KEYSHM_INVALID), "invalid");
}

Test(status, names_are_unique)
{
    for (int a = 0; a < KEYSHM_STATUS_COUNT; a++)
        for (int b = 0; b < a; b++)
            cr_assert_str_neq(keyshm_status_name((enum keyshm_status)a), keyshm_status_name((enum keyshm_status)b));
}

Test(status, round_trips_by_name)
{
    for (int i = 0; i < KEYSHM_STATUS_COUNT; i++) {
        enum keyshm_status status = KEYSHM_STATUS_COUNT;
        cr_assert_eq(keyshm_status_from_name(keyshm_status_name((enum keyshm_status)i), &status), 0);
        cr_assert_eq((int)status, i);
    }
}

Test(status, has_no_other_names)
{
    static const char *const bad[] = {"", "AVAILABLE", "availabl", "available ", "rate-limited", "expired"};
    enum keyshm_status status = KEYSHM_INVALID;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(keyshm_status_from_name(bad[i], &status), -EINVAL, "'%s'", bad[i]);
    cr_assert_eq(keyshm_status_from_name(NULL, &status), -EINVAL);
    cr_assert_eq(keyshm_status_from_name("available", NULL), -EINVAL);
    cr_assert_eq(status, KEYSHM_INVALID, "written although it failed");
    cr_assert_null(keyshm_status_name((enum keyshm_status)KEYSHM_STATUS_COUNT));
    cr_assert_null(keyshm_status_name((enum keyshm_status) - 1));
}

Test(status, every_documented_error_has_words_of_its_own)
{
    static const int errors[] = {EACCES, EAGAIN, EBADMSG, EBUSY,  EDEADLK, EEXIST, EINVAL,    ENOENT, ENOKEY,
                                 ENOSPC, EPROTO, EROFS,   ESTALE, EXDEV,   E2BIG,  ETIMEDOUT, ENOMEM, ENOTRECOVERABLE};
    for (size_t a = 0; a < sizeof(errors) / sizeof(errors[0]); a++) {
        cr_assert_str_eq(keyshm_strerror(-errors[a]), keyshm_strerror(errors[a]));
        cr_assert_str_neq(keyshm_strerror(-errors[a]), "unknown error");
        for (size_t b = 0; b < a; b++)
            cr_assert_str_neq(keyshm_strerror(-errors[a]), keyshm_strerror(-errors[b]));
    }
    cr_assert_str_eq(keyshm_strerror(-99999), "unknown error");
    cr_assert_str_eq(keyshm_strerror(INT32_MIN), "unknown error");
    cr_assert_str_eq(keyshm_strerror(INT32_MAX), "unknown error");
}

Test(status, reasons_have_the_names_of_the_contract)
{
    static const char *const names[KEYSHM_REASON_COUNT] = {"none",         "peer",       "budget",         "timeout",
                                                           "server_error", "overloaded", "rate_limit",     "quota",
                                                           "billing",      "permission", "authentication", "operator"};
    enum keyshm_reason reason = KEYSHM_REASON_OPERATOR;
    for (int i = 0; i < KEYSHM_REASON_COUNT; i++) {
        cr_assert_str_eq(keyshm_reason_name((enum keyshm_reason)i), names[i]);
        cr_assert_eq(keyshm_reason_from_name(names[i], &reason), 0);
        cr_assert_eq((int)reason, i);
    }
    cr_assert_null(keyshm_reason_name((enum keyshm_reason)KEYSHM_REASON_COUNT));
    cr_assert_null(keyshm_reason_name((enum keyshm_reason) - 1));
    static const char *const bad[] = {"", "NONE", "rate-limit", "quota ", "rate_limited"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(keyshm_reason_from_name(bad[i], &reason), -EINVAL);
    cr_assert_eq(keyshm_reason_from_name(NULL, &reason), -EINVAL);
    cr_assert_eq(keyshm_reason_from_name("none", NULL), -EINVAL);
    cr_assert_eq(reason, KEYSHM_REASON_OPERATOR, "written although it failed");
}

Test(status, errors_have_names)
{
    cr_assert_str_eq(keyshm_error_name(-ENOKEY), "ENOKEY");
    cr_assert_str_eq(keyshm_error_name(ENOKEY), "ENOKEY");
    cr_assert_str_eq(keyshm_error_name(-EAGAIN), "EAGAIN");
    cr_assert_str_eq(keyshm_error_name(-ENOTRECOVERABLE), "ENOTRECOVERABLE");
    cr_assert_str_eq(keyshm_error_name(-EUSERS), "EUSERS");
    static const int none[] = {0, 4095, -4095, 99999, -99999, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        cr_assert_null(keyshm_error_name(none[i]), "%d", none[i]);
}

Test(status, the_version_and_the_layout_have_names)
{
    const char *layout = keyshm_layout_name();
    cr_assert_eq(keyshm_version(), KEYSHM_VERSION);
    cr_assert(strlen(layout) >= 1 && strlen(layout) <= KEYSHM_LAYOUT_NAME_MAX);
    cr_assert_null(strchr(layout, '.'), "a dot ends it in the name of a segment");
    cr_assert_null(strchr(layout, '/'));
    cr_assert_eq(strncmp(layout, "v9-", 3), 0);
}
