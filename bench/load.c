/* SPDX-License-Identifier: MIT */
#include "contender.h"

bool load_is_cooling(const struct load *load, unsigned key)
{
    return (uint64_t)key * load->available % load->keys >= load->available;
}

void load_key(unsigned key, char ret_text[LOAD_KEY_LENGTH + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t random = key + 1;
    memcpy(ret_text, "sk-", 3);
    for (int i = 3; i < LOAD_KEY_LENGTH; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ret_text[i] = digits[(random >> 33) % (sizeof(digits) - 1)];
    }
    ret_text[LOAD_KEY_LENGTH] = '\0';
}
