/* SPDX-License-Identifier: MIT */
#ifndef OPERATIONS_H
#define OPERATIONS_H

/* What is done in a world: each call of the library, in each way that it can go. */

#include <stddef.h>

#include "world.h"

extern const struct operation operations[];
extern const size_t operation_count;

/* What the first victim dies of when there are two, and what the second does, which has to recover first. */
extern const struct operation membership_operations[];
extern const size_t membership_operation_count;
extern const struct operation recovering_operation;

/* Those in which a key becomes available, or will shortly. */
extern const struct operation ready_operations[];
extern const size_t ready_operation_count;

#endif
