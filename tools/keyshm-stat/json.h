/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_JSON_H
#define KEYSHM_STAT_JSON_H

/* For programs. */

#include "document.h"

extern const struct view json_view;

#endif
