/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_NAMES_H
#define KEYSHM_NAMES_H

/* What errors are called. The names of statuses and events, and what keyshm's own errors mean: keyshm.h. */

/* The system's description of a positive errno value, in English; NULL when there is none. A static string. */
const char *errno_description(int error);

#endif
