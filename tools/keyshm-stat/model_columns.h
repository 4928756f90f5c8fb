/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_MODEL_COLUMNS_H
#define KEYSHM_STAT_MODEL_COLUMNS_H

/* The properties of a model, as columns. */

#include "column.h"

extern const struct listing model_listing;

#endif
