/* SPDX-License-Identifier: MIT */
#ifndef PICKS_H
#define PICKS_H

/* Picks by a survivor for a model, each held against the model of the world. */

#include "world.h"

/* The number of the picked key; -1: none, which is a problem. */
int picks_one(unsigned model);

/* As many picks as keys are available for the model. */
void picks_round(unsigned model, bool ret_was_picked[KEYS]);

#endif
