/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CHECK_QUESTION_H
#define KEYSHM_CTL_CHECK_QUESTION_H

/* What a provider is asked about one key, and what its answer changes. */

#include <stdbool.h>

#include "keyshm-http.h"

enum answer {
    ANSWER_NOT_ASKED, /* yet, or not at all */
    ANSWER_REMOVED,   /* the key, before it was asked about */
    ANSWER_NONE,      /* none came */
    ANSWER_UNCLEAR,   /* it says nothing about the key */
    ANSWER_BAD,
    ANSWER_GOOD,
};

struct question {
    keyshm_id id, group; /* group 0: none */
    char masked_key[KEYSHM_MASKED_SIZE];
    uint64_t stamp;                        /* from before the request */
    enum keyshm_status before, now;        /* as a pick whatever the model sees it */
    bool is_key_benched, is_group_benched; /* quota_exceeded or invalid, and not by an operator */
    bool is_over;                          /* nothing more will come of it */
    bool is_removed;                       /* while it was asked about */
    enum answer answer;
    int http_status; /* 0: none */
    enum keyshm_http_transport transport;
    const char *rule; /* that decided; NULL: none */
};

/* All keys of the pool that are quota_exceeded or invalid, themselves or by their group, but not for KEYSHM_REASON_OPERATOR, and
 * not paused; or with `all` all keys. -ENOMEM, -EBADMSG. Free the list. */
int question_list(keyshm_pool *pool, bool all, struct question **ret_list, size_t *ret_count);

/* Read the key, its stamp and its state, in this order. -ESTALE: it was removed; that is noted. */
int question_begin(keyshm_pool *pool, struct question *question, struct keyshm_pick *ret_pick);

/*
 * A good answer lifts quota_exceeded and invalid from the key, and from its group, which that is also about; unless either was
 * marked after the question's stamp. What is rate limited comes back by itself. A bad one is reported. One about the provider, or
 * none, changes nothing. A key that is no longer there is no error. -ENOMEM, -EBUSY.
 */
int question_answer(keyshm_pool *pool, const char *rules, struct question *question,
                    const struct keyshm_http_response *response);

#endif
