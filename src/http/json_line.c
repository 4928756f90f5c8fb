/* SPDX-License-Identifier: MIT */
#include "json_line.h"

#include <string.h>

struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && strchr(" \t\r\n,:", *cursor->at) != NULL && *cursor->at != '\0')
        cursor->at++;
}

static void skip_string(struct cursor *cursor)
{
    for (cursor->at++; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++)
        cursor->at += *cursor->at == '\\';
    cursor->at += cursor->at < cursor->end;
}

/* A string, number or word, or a list or object with all that is in it. */
static void skip_value(struct cursor *cursor)
{
    size_t depth = 0;
    do {
        skip_blanks(cursor);
        if (cursor->at >= cursor->end)
            return;
        if (*cursor->at == '"') {
            skip_string(cursor);
        } else if (*cursor->at == '{' || *cursor->at == '[') {
            depth++;
            cursor->at++;
        } else if (*cursor->at == '}' || *cursor->at == ']') {
            depth -= depth > 0;
            cursor->at++;
        } else {
            cursor->at += strcspn(cursor->at, " \t\r\n,:{}[]\"");
        }
    } while (depth > 0);
}

/* At the value of the member. Names in these files have no escapes. */
static bool enter_member(struct cursor *cursor, const char *member)
{
    for (skip_blanks(cursor); cursor->at < cursor->end && *cursor->at == '"'; skip_blanks(cursor)) {
        const char *name = cursor->at + 1;
        skip_string(cursor);
        bool is_it = (size_t)(cursor->at - 1 - name) == strlen(member) && memcmp(name, member, strlen(member)) == 0;
        skip_blanks(cursor);
        if (is_it)
            return true;
        skip_value(cursor);
    }
    return false;
}

static bool enter_element(struct cursor *cursor, size_t element)
{
    for (skip_blanks(cursor); element > 0 && cursor->at < cursor->end && *cursor->at != ']'; element--) {
        skip_value(cursor);
        skip_blanks(cursor);
    }
    return element == 0 && cursor->at < cursor->end && *cursor->at != ']';
}

unsigned json_line(const char *text, size_t length, const struct reader_step *steps, unsigned depth)
{
    struct cursor cursor = {text, text + length};
    skip_blanks(&cursor);
    const char *found = cursor.at;
    for (unsigned i = 0; i < depth && cursor.at < cursor.end; i++) {
        char open = steps[i].member != NULL ? '{' : '[';
        if (*cursor.at != open)
            break;
        cursor.at++;
        if (!(steps[i].member != NULL ? enter_member(&cursor, steps[i].member)
                                      : enter_element(&cursor, steps[i].element)))
            break;
        found = cursor.at;
    }
    unsigned line = 1;
    for (const char *at = text; at < found; at++)
        line += *at == '\n';
    return line;
}
