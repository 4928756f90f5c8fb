/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_KEY_FORMS_H
#define KEYSHM_HTTP_KEY_FORMS_H

/* What keys look like: answers repeat them, and a verdict must not. */

#include <stdbool.h>
#include <stddef.h>

/* A key, or something with a key in it. What is taken for one wrongly is the name of a model that a verdict leaves out. */
bool key_forms_has_key(const char *text, size_t length);

#endif
