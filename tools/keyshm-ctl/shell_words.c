/* SPDX-License-Identifier: MIT */
#include "shell_words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t"

void shell_quote(const char *word, char *ret_text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:@%+=,";
    if (*word != '\0' && strspn(word, plain) == strlen(word)) {
        stpcpy(ret_text, word);
        return;
    }
    *ret_text++ = '\'';
    for (; *word != '\0'; word++)
        if (*word == '\'')
            ret_text = stpcpy(ret_text, "'\\''");
        else
            *ret_text++ = *word;
    stpcpy(ret_text, "'");
}

/* Within double quotes a backslash stands for itself, unless one of these follows. */
static bool is_escape(const char *text, char quote)
{
    return text[0] == '\\' && text[1] != '\0' && (quote == '\0' || (quote == '"' && strchr("\"\\$`", text[1]) != NULL));
}

/* Take the word at *line out of its quotes, and move *line behind it. *ret_end is the end of the word, which need not be
 * that of what was read. -EINVAL. */
static int take_word(char **line, char **ret_end)
{
    char *from = *line, *to = *line, quote = '\0';
    for (; *from != '\0' && (quote != '\0' || strchr(BLANKS, *from) == NULL); from++) {
        if (quote != '\'' && is_escape(from, quote))
            *to++ = *++from;
        else if (quote == '\0' && (*from == '\'' || *from == '"'))
            quote = *from;
        else if (*from == quote)
            quote = '\0';
        else
            *to++ = *from;
    }
    *line = from;
    *ret_end = to;
    return quote == '\0' ? 0 : -EINVAL;
}

int shell_split(char *line, const char *words[], int max)
{
    int count = 0;
    for (;;) {
        char *end;
        line += strspn(line, BLANKS);
        if (*line == '\0' || *line == '#')
            return count;
        if (count == max)
            return -E2BIG;
        words[count++] = line;
        int r = take_word(&line, &end);
        if (r < 0)
            return r;
        line += *line != '\0';
        *end = '\0';
    }
}
