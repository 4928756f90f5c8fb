/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include "rule_set.h"

#define NO_MARK KEYSHM_AVAILABLE

const struct meaning_defaults meaning_defaults[MEANINGS] = {
    [MEANS_SUCCESS] = {"success", NO_MARK, KEYSHM_HTTP_SCOPE_NONE, KEYSHM_HTTP_RETRY_NONE, KEYSHM_REASON_NONE},
    [MEANS_EDGE] = {"edge", NO_MARK, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_LATER, KEYSHM_REASON_NONE},
    [MEANS_UPSTREAM] = {"upstream", NO_MARK, KEYSHM_HTTP_SCOPE_MODEL, KEYSHM_HTTP_RETRY_LATER, KEYSHM_REASON_NONE},
    [MEANS_KEY_MISSING] = {"key_missing", NO_MARK, KEYSHM_HTTP_SCOPE_NONE, KEYSHM_HTTP_RETRY_NEVER, KEYSHM_REASON_NONE},
    [MEANS_CLOCK] = {"clock", NO_MARK, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_NEVER, KEYSHM_REASON_NONE},
    [MEANS_BUSY] = {"busy", NO_MARK, KEYSHM_HTTP_SCOPE_NONE, KEYSHM_HTTP_RETRY_LATER, KEYSHM_REASON_NONE},
    [MEANS_REQUEST] = {"request", NO_MARK, KEYSHM_HTTP_SCOPE_NONE, KEYSHM_HTTP_RETRY_NEVER, KEYSHM_REASON_NONE},
    [MEANS_REGION] = {"region", NO_MARK, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_NEVER, KEYSHM_REASON_NONE},
    [MEANS_TOO_LARGE] = {"too_large", NO_MARK, KEYSHM_HTTP_SCOPE_MODEL, KEYSHM_HTTP_RETRY_OTHER_KEY, KEYSHM_REASON_NONE},
    [MEANS_UNAFFORDABLE] = {"unaffordable", NO_MARK, KEYSHM_HTTP_SCOPE_GROUP, KEYSHM_HTTP_RETRY_OTHER_KEY,
                            KEYSHM_REASON_NONE},
    [MEANS_BILLING] = {"billing", KEYSHM_QUOTA_EXCEEDED, SCOPE_OF_LIMITS, KEYSHM_HTTP_RETRY_OTHER_KEY,
                       KEYSHM_REASON_BILLING},
    [MEANS_QUOTA] = {"quota", KEYSHM_QUOTA_EXCEEDED, SCOPE_OF_LIMITS, KEYSHM_HTTP_RETRY_OTHER_KEY, KEYSHM_REASON_QUOTA},
    [MEANS_DEAD] = {"dead", KEYSHM_INVALID, KEYSHM_HTTP_SCOPE_KEY, KEYSHM_HTTP_RETRY_OTHER_KEY,
                    KEYSHM_REASON_AUTHENTICATION},
    [MEANS_PERMISSION] = {"permission", NO_MARK, KEYSHM_HTTP_SCOPE_KEY, KEYSHM_HTTP_RETRY_OTHER_KEY, KEYSHM_REASON_NONE},
    [MEANS_CAPACITY] = {"capacity", NO_MARK, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_LATER, KEYSHM_REASON_NONE},
    [MEANS_LIMIT] = {"limit", KEYSHM_RATE_LIMITED, SCOPE_OF_LIMITS, KEYSHM_HTTP_RETRY_OTHER_KEY,
                     KEYSHM_REASON_RATE_LIMIT},
    [MEANS_SERVER] = {"server", NO_MARK, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_LATER, KEYSHM_REASON_NONE},
};

const struct word words_of_meanings[] = {{"success", MEANS_SUCCESS},
                                         {"edge", MEANS_EDGE},
                                         {"upstream", MEANS_UPSTREAM},
                                         {"key_missing", MEANS_KEY_MISSING},
                                         {"clock", MEANS_CLOCK},
                                         {"busy", MEANS_BUSY},
                                         {"request", MEANS_REQUEST},
                                         {"region", MEANS_REGION},
                                         {"too_large", MEANS_TOO_LARGE},
                                         {"unaffordable", MEANS_UNAFFORDABLE},
                                         {"billing", MEANS_BILLING},
                                         {"quota", MEANS_QUOTA},
                                         {"dead", MEANS_DEAD},
                                         {"permission", MEANS_PERMISSION},
                                         {"capacity", MEANS_CAPACITY},
                                         {"limit", MEANS_LIMIT},
                                         {"server", MEANS_SERVER},
                                         {"nothing", MEANINGS},
                                         {NULL, 0}};

const struct word words_of_scopes[] = {{"none", KEYSHM_HTTP_SCOPE_NONE},
                                       {"key", KEYSHM_HTTP_SCOPE_KEY},
                                       {"group", KEYSHM_HTTP_SCOPE_GROUP},
                                       {"model", KEYSHM_HTTP_SCOPE_MODEL},
                                       {"provider", KEYSHM_HTTP_SCOPE_PROVIDER},
                                       {"limits", SCOPE_OF_LIMITS},
                                       {NULL, 0}};

const struct word words_of_retries[] = {{"none", KEYSHM_HTTP_RETRY_NONE},
                                        {"other_key", KEYSHM_HTTP_RETRY_OTHER_KEY},
                                        {"later", KEYSHM_HTTP_RETRY_LATER},
                                        {"never", KEYSHM_HTTP_RETRY_NEVER},
                                        {NULL, 0}};

const struct word words_of_windows[] = {{"second", WINDOW_SECOND},
                                        {"minute", WINDOW_MINUTE},
                                        {"hour", WINDOW_HOUR},
                                        {"day", WINDOW_DAY},
                                        {"week", WINDOW_WEEK},
                                        {"month", WINDOW_MONTH},
                                        {NULL, 0}};

const struct word words_of_untils[] = {
    {"marked", UNTIL_MARKED}, {"midnight", UNTIL_MIDNIGHT}, {"month", UNTIL_MONTH}, {NULL, 0}};

void words_join(const struct word *words, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (const struct word *word = words; word->text != NULL && used < size; word++) {
        const char *before = word == words ? "" : word[1].text == NULL ? " and " : ", ";
        int length = snprintf(buffer + used, size - used, "%s\"%s\"", before, word->text);
        used += length > 0 ? (size_t)length : 0;
    }
}

/* FNV-1a. */
uint32_t word_hash(const char *text, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)to_lower(text[i])) * 16777619u;
    return hash;
}
