/* SPDX-License-Identifier: MIT */
#ifndef ROUNDS_H
#define ROUNDS_H

#include <stdbool.h>

/* Of fifteen rounds, from 1 on, those in which a key of the weight has a turn: of the weight's bits, each has as many as it is
 * worth. Written out, so that it can be held against what the library computes. */
static inline bool has_turn_in_round(unsigned weight, unsigned round)
{
    return (round % 2 == 1 && weight & 8) || (round % 4 == 2 && weight & 4) || (round % 8 == 4 && weight & 2) ||
           (round == 8 && weight & 1);
}

#endif
