/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_OPENMETRICS_H
#define KEYSHM_STAT_OPENMETRICS_H

/* For Prometheus: https://openmetrics.io. */

#include "document.h"

extern const struct view openmetrics_view;

#endif
