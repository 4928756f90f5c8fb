/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_TERMINAL_H
#define KEYSHM_CTL_TERMINAL_H

#include <stdbool.h>

/* Ask who sits at the terminal, wherever the standard streams lead. *ret_has_agreed: the answer was y or yes. -ENXIO or
 * another error of open(2): there is no terminal. */
__attribute__((format(printf, 2, 3))) int terminal_ask(bool *ret_has_agreed, const char *format, ...);

#endif
