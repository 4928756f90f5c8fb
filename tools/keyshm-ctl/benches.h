/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_BENCHES_H
#define KEYSHM_CTL_BENCHES_H

/* What keeps a key, or the keys of a group, from being picked, in words. */

#include <stdbool.h>

#include "keyshm.h"

struct benches {
    const char *provider;
    keyshm_pool *pool;
    keyshm_id id;    /* of a key or a group */
    unsigned model;  /* as a pick for it sees them; 0: whatever the model */
    bool all_models; /* those for every other model, too */
    bool limits;     /* and that a budget is used up or a cap reached: for who wants it available */
    unsigned known;  /* bits KEYSHM_BY_...: those of that model that need no mention */
};

/* Say each on standard error, with what lifts it. */
void benches_tell(const struct benches *benches);

#define BENCHES_SUBJECT_SIZE 64

/* "the key with id 5", or "the group with id 6". */
void benches_name(keyshm_pool *pool, keyshm_id id, char ret_text[BENCHES_SUBJECT_SIZE]);

#define BENCHES_MODEL_SIZE 576

/* " for the model gpt-4o"; "" for model 0. */
void benches_name_model(keyshm_pool *pool, unsigned model, char ret_text[BENCHES_MODEL_SIZE]);

#define BENCHES_OPTION_SIZE (4 * KEYSHM_NAME_MAX + 16)

/* " --model 'gpt-4o'", as a shell reads it; "" for model 0. */
void benches_model_option(keyshm_pool *pool, unsigned model, char ret_text[BENCHES_OPTION_SIZE]);

#define BENCHES_TIME_SIZE 48

/* ", for 59.2s"; "" for a time without an end. */
void benches_name_time(const struct keyshm_word_snapshot *word, char ret_text[BENCHES_TIME_SIZE]);

/* Is it a group? */
bool benches_is_group(keyshm_pool *pool, keyshm_id id);

/* Is the key in a group that is paused? */
bool benches_is_group_paused(keyshm_pool *pool, const struct keyshm_key_snapshot *key);

#endif
