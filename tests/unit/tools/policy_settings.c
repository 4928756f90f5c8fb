/* SPDX-License-Identifier: MIT */
#include "policy_settings.h"

#include <stdio.h>
#include <string.h>

#include "expect.h"

/* What keyshm-ctl lets a setting be is what the library takes: at the ends of its range, and beside them. */

static keyshm_pool *pool;

static void put(struct keyshm_policy *policy, const struct policy_setting *setting, int64_t value)
{
    const unsigned number = (unsigned)value;
    memcpy((char *)policy + setting->offset, setting->is_unsigned ? (const void *)&number : (const void *)&value,
           setting->is_unsigned ? sizeof(number) : sizeof(value));
}

static bool is_allowed(const struct policy_setting *setting, int64_t value)
{
    return (value >= setting->least && value <= setting->most) ||
           (setting->special != NULL && value == setting->special_value);
}

static void compare(const struct policy_setting *setting, int64_t value)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    put(&policy, setting, value);
    int r = keyshm_set_policy(pool, &policy);
    if (r != (is_allowed(setting, value) ? 0 : -EINVAL)) {
        fprintf(stderr, "%s=%lld: keyshm_set_policy: %s\n", setting->name, (long long)value, keyshm_strerror(r));
        EXPECT(!"the same range");
    }
}

int main(void)
{
    EXPECT_EQ(keyshm_create_anonymous(&pool, "test", NULL), 0);
    for (size_t i = 0; i < POLICY_SETTINGS; i++) {
        const struct policy_setting *setting = &policy_settings[i];
        const int64_t values[] = {setting->least - 1, setting->least, setting->most, setting->most + 1, 0, 1, -1,
                                  KEYSHM_UNTIL_MARKED};
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++)
            compare(setting, values[j]);
    }
    keyshm_close(pool);
    return 0;
}
