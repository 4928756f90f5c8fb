/* SPDX-License-Identifier: MIT */
#include "no_key.h"

#include <inttypes.h>

#include "program.h"

enum exit_status report_no_key(const char *provider, keyshm_pool *pool)
{
    int64_t available_in_ms = keyshm_next_available_ms(pool);
    if (available_in_ms >= 0)
        complain("pool %s: no key is available now; the next will be in %" PRId64 ".%03" PRId64 " seconds", provider,
                 available_in_ms / 1000, available_in_ms % 1000);
    else
        complain("pool %s: no key is available before one is marked so; see them with: keyshm-stat %s", provider,
                 provider);
    return EXIT_NO_KEY;
}
