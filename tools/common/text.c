/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_next_element(const char **list, char ret_element[TEXT_ELEMENT_SIZE])
{
    const char *element = *list;
    if (element == NULL)
        return false;
    size_t length = strcspn(element, ",");
    snprintf(ret_element, TEXT_ELEMENT_SIZE, "%.*s", (int)length, element);
    *list = element[length] == ',' ? element + length + 1 : NULL;
    return true;
}

/* ---- characters ---- */

#define CHARACTER_MAX 4

/* The length in bytes of the first character of `text`; 0: it is not valid UTF-8. Jansson decides, because it must accept
 * the string. */
static size_t character_length(const char *text, size_t size)
{
    for (size_t length = 1; length <= CHARACTER_MAX && length <= size; length++) {
        json_t *string = json_stringn(text, length);
        json_decref(string);
        if (string != NULL)
            return length;
    }
    return 0;
}

/* ---- for people ---- */

/* ASCII's control characters, and in two bytes those of ISO 6429 that terminals obey besides, U+0080 to U+009F. */
static bool is_control(const char *character, size_t length)
{
    unsigned char first = (unsigned char)character[0], second = length == 2 ? (unsigned char)character[1] : 0;
    return first < ' ' || first == 0x7f || (first == 0xc2 && second >= 0x80 && second <= 0x9f);
}

void text_printable(const char *text, char *ret_text, size_t size)
{
    char *end = ret_text;
    while (*text != '\0' && (size_t)(end - ret_text) + sizeof("\\xNN") <= size) {
        size_t length = character_length(text, strnlen(text, CHARACTER_MAX));
        bool is_plain = length > 0 && !is_control(text, length);
        end = is_plain ? mempcpy(end, text, length) : end + sprintf(end, "\\x%02x", (unsigned char)*text);
        text += is_plain ? length : 1;
    }
    *end = '\0';
}

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 in UTF-8: the only non-ASCII character in a masked key */
#define DOTS "..."

_Static_assert(sizeof(ELLIPSIS) == sizeof(DOTS), "one replaces the other in place");
_Static_assert(sizeof(DOTS) - 1 == TEXT_ELLIPSIS_BYTES, "the length of both");

const char *text_find_ellipsis(const char *text)
{
    const char *ellipsis = strstr(text, ELLIPSIS);
    return ellipsis != NULL ? ellipsis : strstr(text, DOTS);
}

void text_masked(const char *masked_key, char ret_text[KEYSHM_MASKED_SIZE])
{
    stpncpy(ret_text, masked_key, KEYSHM_MASKED_SIZE - 1)[0] = '\0';
    char *ellipsis = strstr(ret_text, ELLIPSIS);
    if (ellipsis != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        memcpy(ellipsis, DOTS, sizeof(DOTS) - 1);
}

const char *text_process_state(char state)
{
    static const struct {
        char state;
        const char *name;
    } names[] = {
        {'R', "running"}, {'S', "sleeping"}, {'D', "waiting for a device"},
        {'T', "stopped"}, {'t', "traced"},   {'I', "idle"},
        {'Z', "ended"},   {'X', "ended"},
    };
    if (state == '\0')
        return "";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].state == state)
            return names[i].name;
    return "in another state";
}

void text_duration(int64_t duration_ms, char ret_text[TEXT_DURATION_SIZE])
{
    int64_t tenths = duration_ms > 0 ? duration_ms / 100 : 0;
    int64_t seconds = tenths / 10, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    /* No floating point: its decimal point depends on the locale. */
    if (minutes == 0)
        snprintf(ret_text, TEXT_DURATION_SIZE, "%" PRId64 ".%" PRId64 "s", seconds, tenths % 10);
    else if (hours == 0)
        snprintf(ret_text, TEXT_DURATION_SIZE, "%" PRId64 "m %02" PRId64 "s", minutes, seconds % 60);
    else if (days == 0)
        snprintf(ret_text, TEXT_DURATION_SIZE, "%" PRId64 "h %02" PRId64 "m", hours, minutes % 60);
    else
        snprintf(ret_text, TEXT_DURATION_SIZE, "%" PRId64 "d %02" PRId64 "h", days, hours % 24);
}

bool text_mutex_holder(const struct keyshm_snapshot *snapshot, char ret_text[TEXT_MUTEX_HOLDER_SIZE])
{
    char process[96], held[TEXT_DURATION_SIZE];
    char name[TEXT_PRINTABLE_SIZE(sizeof(snapshot->mutex_holder_name))];
    const char *state = text_process_state(snapshot->mutex_holder_state);
    bool is_timed = snapshot->mutex_held_ms >= 0;
    text_printable(snapshot->mutex_holder_name, name, sizeof(name));
    text_duration(snapshot->mutex_held_ms, held);
    if (snapshot->mutex_holder_pid < 0)
        snprintf(process, sizeof(process), "a process in another PID namespace");
    else if (name[0] == '\0')
        snprintf(process, sizeof(process), "pid %d", (int)snapshot->mutex_holder_pid);
    else
        snprintf(process, sizeof(process), "pid %d (%s)", (int)snapshot->mutex_holder_pid, name);
    snprintf(ret_text, TEXT_MUTEX_HOLDER_SIZE, "%s%s%s%s%s", process, state[0] != '\0' ? ", " : "", state,
             is_timed ? ", for " : "", is_timed ? held : "");
    return snapshot->mutex_holder_pid != 0;
}

/* ---- as JSON ---- */

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

static json_t *replace_invalid(const char *text, size_t size)
{
    char *replaced = calloc(size, sizeof(REPLACEMENT) - 1), *end = replaced;
    if (replaced == NULL)
        return NULL;
    while (size > 0) {
        size_t length = character_length(text, size);
        end = length > 0 ? mempcpy(end, text, length) : mempcpy(end, REPLACEMENT, sizeof(REPLACEMENT) - 1);
        text += length > 0 ? length : 1;
        size -= length > 0 ? length : 1;
    }
    json_t *string = json_stringn(replaced, (size_t)(end - replaced));
    free(replaced);
    return string;
}

json_t *text_to_json(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    json_t *string = json_stringn(text, length);
    return string != NULL || length == 0 ? string : replace_invalid(text, length);
}
