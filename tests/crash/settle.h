/* SPDX-License-Identifier: MIT */
#ifndef SETTLE_H
#define SETTLE_H

/*
 * How a survivor finds out from the pool what a victim's call has done, and updates the model: for the settle functions
 * of the operations. What is known of a key or a group is in its state words, whose numbers (subjects) world.h has.
 */

#include "streak.h"

#include "operations.h"

/* What a mark makes of a word. */
struct expected {
    enum keyshm_status status;
    enum keyshm_reason reason;
    uint64_t least_ms, most_ms; /* the deadline */
    enum streak_step step;      /* of AVAILABLE: it ends a streak, if there is one */
    enum word_probe probe;
};

/* The word is the old one, or says exactly what the mark says. */
enum outcome settle_word(unsigned model, uint32_t subject, const struct expected *expected);

/* Was it marked with the status once more? */
bool settle_count(uint32_t subject, enum keyshm_status status);

/* How often more, which may be so often at most. */
uint64_t settle_counts(uint32_t subject, enum keyshm_status status, uint64_t most);

/* Both: the mark is counted only if it was made. */
enum outcome settle_mark(unsigned model, uint32_t subject, const struct expected *expected);

/* A rate limit or a quota that was made by the victim, with the reason that goes with it. */
enum outcome settle_limit(unsigned model, uint32_t subject, enum keyshm_status status, uint64_t duration_ms);

/* A mark that something is available: without its count, and with it. */
enum outcome settle_released_word(unsigned model, uint32_t subject);
enum outcome settle_release(unsigned model, uint32_t subject);

/* All else that is known stays known. */
enum outcome settle_paused(uint32_t subject, bool is_paused);

/* Whether a key or a group is in the pool is for the pool to say, once. All else is held against this answer. */
enum outcome settle_added(int number, int group);
enum outcome settle_removed(int number);

/* The settle function of an operation without effect. */
enum outcome settle_as_before(void);

#endif
