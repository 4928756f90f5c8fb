/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_FINGERPRINT_H
#define KEYSHM_CTL_STATE_FINGERPRINT_H

/*
 * A fingerprint identifies a key without revealing it: a slow salted hash (crypt(5), sha256crypt). The whole file has one
 * salt, so that each key of a pool is hashed only once to find those of the file.
 *
 * Keys of fewer than FINGERPRINT_KEY_MIN bytes have none: they could be guessed.
 */

#include <stdbool.h>
#include <stddef.h>

#define FINGERPRINT_KEY_MIN 20
#define FINGERPRINT_LENGTH 43
#define FINGERPRINT_SIZE (FINGERPRINT_LENGTH + 1)
#define FINGERPRINT_SETTING_SIZE 48

/* The method, the rounds and a new salt for `key_count` keys. 0, or the negative errno of getrandom(2). */
int fingerprint_new_setting(size_t key_count, char ret_setting[FINGERPRINT_SETTING_SIZE]);

/* Could the function above have made it? More rounds than that could take for ever. */
bool fingerprint_setting_is_valid(const char *setting);

/* Does it have the form of a fingerprint? */
bool fingerprint_is_valid(const char *fingerprint);

/* -ENODATA: the key is too short; -ENOTSUP: crypt_rn(3) cannot do it here. */
int fingerprint_make(const char *setting, const char *key, size_t length, char ret_fingerprint[FINGERPRINT_SIZE]);

#endif
