/* SPDX-License-Identifier: MIT */
#include "key_forms.h"

#include <string.h>
#include <strings.h>

/* No name of a model has so many letters and digits, both of them, in a row. */
enum { RUN_MIN = 24 };

/* Of an access key of AWS, all in upper case. */
enum { AWS_ID_LENGTH = 20 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* As keys begin of which the provider wants that they are recognised. */
static bool begins_like_key(const char *text, size_t length)
{
    static const char *const beginnings[] = {"sk-",         "sk_",    "pk_", "rk_",   "aiza",   "gsk_",
                                             "xai-",        "hf_",    "r8_", "ghp_",  "gho_",   "ghs_",
                                             "github_pat_", "bearer", "fw_", "pplx-", "nvapi-", "eyj"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        size_t size = strlen(beginnings[i]);
        if (length >= size && strncasecmp(text, beginnings[i], size) == 0)
            return true;
    }
    bool is_aws = length >= AWS_ID_LENGTH && (memcmp(text, "AKIA", 4) == 0 || memcmp(text, "ASIA", 4) == 0);
    for (size_t i = 0; is_aws && i < AWS_ID_LENGTH; i++)
        is_aws = is_digit(text[i]) || (text[i] >= 'A' && text[i] <= 'Z');
    return is_aws;
}

/* Where a word may begin. A '/' stands in the names of models. */
static bool is_before_word(char c)
{
    return c != '\0' && strchr(" =:\"'`,;", c) != NULL;
}

bool key_forms_has_key(const char *text, size_t length)
{
    size_t letters = 0, digits = 0;
    for (size_t i = 0; i < length; i++) {
        if ((i == 0 || is_before_word(text[i - 1])) && begins_like_key(text + i, length - i))
            return true;
        bool is_in_run = is_letter(text[i]) || is_digit(text[i]);
        letters = is_in_run ? letters + is_letter(text[i]) : 0;
        digits = is_in_run ? digits + is_digit(text[i]) : 0;
        if (letters > 0 && digits > 0 && letters + digits >= RUN_MIN)
            return true;
    }
    return false;
}
