/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_REPEAT_H
#define KEYSHM_STAT_REPEAT_H

#include "request.h"

/* --watch of what is for programs: a document, and after the interval another one, as often as asked for. A signal ends
 * it between two of them. */
enum exit_status repeat_documents(const struct request *request);

#endif
