/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_FIT_H
#define KEYSHM_HTTP_FIT_H

/* Whether a rule fits an answer. */

#include "answer.h"

/* What the phrases of the rule captured, if it certainly fits. */
enum certainty fit_rule(struct answer *answer, const struct rule *rule, struct captures *ret_captures);

#endif
