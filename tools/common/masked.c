/* SPDX-License-Identifier: MIT */
#include "masked.h"

#include <langinfo.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 in UTF-8: the only character of a masked key that is not ASCII */
#define DOTS "..."

_Static_assert(sizeof(ELLIPSIS) == sizeof(DOTS), "one replaces the other in place");

void masked_for_locale(const char *masked_key, char ret_text[KEYSHM_MASKED_SIZE])
{
    stpncpy(ret_text, masked_key, KEYSHM_MASKED_SIZE - 1)[0] = '\0';
    char *ellipsis = strstr(ret_text, ELLIPSIS);
    if (ellipsis != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        memcpy(ellipsis, DOTS, sizeof(DOTS) - 1);
}
