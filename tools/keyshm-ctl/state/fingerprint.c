/* SPDX-License-Identifier: MIT */
#include "state/fingerprint.h"

#include <crypt.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "keyshm.h"
#include "number.h"
#include "secret.h"

#define METHOD "$5$rounds="
#define ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SALT_LENGTH 16

/* About a second of work for up to a thousand keys, and a minute for 65,536. Even the minimum is enough for a random key
 * of 20 bytes: it is not a password that a person has thought of. */
#define ROUNDS_MIN 1000
#define ROUNDS_MAX 5000
#define ROUNDS_OF_ALL 500000

/* crypt_rn(3) takes 511 bytes at most. A longer key is hashed in pieces, each after the hash of the pieces before it. */
#define PIECE_MAX 400

static size_t rounds_for(size_t key_count)
{
    size_t rounds = ROUNDS_OF_ALL / (key_count > 0 ? key_count : 1);
    if (rounds > ROUNDS_MAX)
        return ROUNDS_MAX;
    return rounds < ROUNDS_MIN ? ROUNDS_MIN : rounds;
}

int fingerprint_new_setting(size_t key_count, char ret_setting[FINGERPRINT_SETTING_SIZE])
{
    unsigned char random[SALT_LENGTH];
    char salt[SALT_LENGTH + 1] = "";
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -errno;
    for (size_t i = 0; i < SALT_LENGTH; i++)
        salt[i] = ALPHABET[random[i] % strlen(ALPHABET)];
    snprintf(ret_setting, FINGERPRINT_SETTING_SIZE, METHOD "%zu$%s", rounds_for(key_count), salt);
    return 0;
}

bool fingerprint_setting_is_valid(const char *setting)
{
    char rounds_text[8];
    uint64_t rounds;
    if (strncmp(setting, METHOD, strlen(METHOD)) != 0)
        return false;
    setting += strlen(METHOD);
    size_t length = strcspn(setting, "$");
    if (length >= sizeof(rounds_text) || setting[length] != '$')
        return false;
    memcpy(rounds_text, setting, length);
    rounds_text[length] = '\0';
    const char *salt = setting + length + 1;
    return rounds_text[0] != '0' && number_parse(rounds_text, ROUNDS_MAX, &rounds) == 0 && rounds >= ROUNDS_MIN &&
           strlen(salt) == SALT_LENGTH && strspn(salt, ALPHABET) == SALT_LENGTH;
}

bool fingerprint_is_valid(const char *fingerprint)
{
    return strlen(fingerprint) == FINGERPRINT_LENGTH && strspn(fingerprint, ALPHABET) == FINGERPRINT_LENGTH;
}

/* The result of crypt_rn(3) without the setting; NULL: it has failed. */
static const char *hash(const char *setting, const char *text, struct crypt_data *data)
{
    const char *hashed = crypt_rn(text, setting, data, (int)sizeof(*data));
    size_t setting_length = strlen(setting);
    if (hashed == NULL || strncmp(hashed, setting, setting_length) != 0 || hashed[setting_length] != '$' ||
        !fingerprint_is_valid(hashed + setting_length + 1))
        return NULL;
    return hashed + setting_length + 1;
}

static int hash_pieces(const char *setting, const char *key, size_t length, struct crypt_data *data,
                       char ret_fingerprint[FINGERPRINT_SIZE])
{
    char piece[FINGERPRINT_SIZE + PIECE_MAX], before[FINGERPRINT_SIZE] = "";
    for (size_t at = 0; at < length; at += PIECE_MAX) {
        size_t count = length - at < PIECE_MAX ? length - at : PIECE_MAX;
        snprintf(piece, sizeof(piece), "%s%.*s", before, (int)count, key + at);
        const char *hashed = hash(setting, piece, data);
        explicit_bzero(piece, sizeof(piece));
        if (hashed == NULL)
            return -ENOTSUP;
        memcpy(before, hashed, sizeof(before));
    }
    memcpy(ret_fingerprint, before, sizeof(before));
    return 0;
}

int fingerprint_make(const char *setting, const char *key, size_t length, char ret_fingerprint[FINGERPRINT_SIZE])
{
    if (length < FINGERPRINT_KEY_MIN)
        return -ENODATA;
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (data == NULL)
        return -ENOMEM;
    int r = hash_pieces(setting, key, length, data, ret_fingerprint);
    secret_free(data);
    return r;
}
