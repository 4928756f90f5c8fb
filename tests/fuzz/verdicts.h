/* SPDX-License-Identifier: MIT */
#ifndef VERDICTS_H
#define VERDICTS_H

/* What is true of every verdict, whatever the answer was and whatever the rules are. */

#include <keyshm-http.h>
#include <stddef.h>
#include <stdint.h>

/* Called by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Judges twice, which must be the same, and aborts when a verdict is none that may be. -EINVAL or 0. */
int verdicts_judge(const char *provider, const struct keyshm_http_response *response);

#endif
