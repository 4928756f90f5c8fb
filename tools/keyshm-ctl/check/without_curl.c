/* SPDX-License-Identifier: MIT */

/* In place of check, where there is no libcurl, or no keyshm-http. */

#include "cmd.h"
#include "program.h"

enum exit_status cmd_check(const struct arguments *arguments)
{
    (void)arguments;
    return refuse("check: this keyshm-ctl was built without libcurl or keyshm-http");
}
