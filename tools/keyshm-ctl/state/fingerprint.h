/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_FINGERPRINT_H
#define KEYSHM_CTL_STATE_FINGERPRINT_H

/*
 * By what a key is known again, without being told: a salted slow hash (crypt(5), sha256crypt). One salt for a whole
 * file, so that a pool's keys need to be hashed once to find all those of a file.
 *
 * Keys below FINGERPRINT_KEY_MIN bytes have none: they might be guessed.
 */

#include <stdbool.h>
#include <stddef.h>

#define FINGERPRINT_KEY_MIN 20
#define FINGERPRINT_LENGTH 43
#define FINGERPRINT_SIZE (FINGERPRINT_LENGTH + 1)
#define FINGERPRINT_SETTING_SIZE 48

/* Method, rounds and a new salt, to hash so many keys with. 0, or the negative errno of getrandom(2). */
int fingerprint_new_setting(size_t key_count, char ret_setting[FINGERPRINT_SETTING_SIZE]);

/* Is it as the function above makes them? More rounds would be work without end. */
bool fingerprint_setting_is_valid(const char *setting);

/* Can it be one? */
bool fingerprint_is_valid(const char *fingerprint);

/* -ENODATA: the key is too short; -ENOTSUP: crypt_rn(3) cannot do it here. */
int fingerprint_make(const char *setting, const char *key, size_t length, char ret_fingerprint[FINGERPRINT_SIZE]);

#endif
