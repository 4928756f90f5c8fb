/* SPDX-License-Identifier: MIT */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

static char text[PROBLEM_SIZE];

void problem_forget(void)
{
    text[0] = '\0';
}

const char *problem_text(void)
{
    return text;
}

void problem_blame(const char *format, ...)
{
    va_list arguments;
    if (text[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
}

void problem_note(const char *problem, void *user)
{
    (void)user;
    problem_blame("verify: %s", problem);
}
