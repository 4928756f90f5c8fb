/* SPDX-License-Identifier: MIT */

/* Causes log messages without setting a callback, so that only KEYSHM_LOG makes it print them. For test_log.c. */

#include "keyshm.h"

int main(void)
{
    keyshm_pool *pool;
    keyshm_id id;
    if (keyshm_create_anonymous(&pool, "log-victim", NULL) != 0 ||
        keyshm_add(pool, "sk-test-abcdefghijklmnop-0001", &id) != 0 || keyshm_mark_invalid(pool, id) != 0 ||
        keyshm_mark_rate_limited(pool, id, 1000) != 0)
        return 1;
    keyshm_close(pool);
    return 0;
}
