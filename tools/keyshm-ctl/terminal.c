/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

int terminal_ask(bool *ret_has_agreed, const char *format, ...)
{
    char answer[16] = "";
    va_list arguments;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL)
        return -errno;
    va_start(arguments, format);
    vfprintf(terminal, format, arguments);
    va_end(arguments);
    fflush(terminal);
    bool has_answer = fgets(answer, sizeof(answer), terminal) != NULL;
    fclose(terminal);
    *ret_has_agreed = has_answer && (strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0);
    return 0;
}
