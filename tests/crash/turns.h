/* SPDX-License-Identifier: MIT */
#ifndef TURNS_H
#define TURNS_H

/*
 * The turns of a world. In each round of the cursor every available key has one, whichever process takes it, and
 * however many of them are killed: those that are left in a round stand behind the cursor, and in the ranges that
 * processes have claimed (rotation.h).
 */

#include "operations.h"

/* How many turns each key is owed until the round ends; of a key that is not available, 0. */
void turns_count_owed(int ret_owed[KEYS]);

/* For a victim that makes up to `picks` picks in a burst: it has used so many turns at most, and nothing else has
 * changed. */
enum outcome turns_settle(int picks);

/* The survivors give every turn that is owed, once. They pick in a burst, so that they take over what was left behind. */
void turns_look(void);

#endif
