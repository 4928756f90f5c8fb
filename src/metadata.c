/* SPDX-License-Identifier: MIT */
#include "metadata.h"

#include <errno.h>
#include <string.h>

#define READ_TRIES_MAX 100

bool metadata_name_is_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(name, KEYSHM_METADATA_NAME_MAX + 1);
    return length > 0 && length <= KEYSHM_METADATA_NAME_MAX && strspn(name, allowed) == length;
}

bool metadata_value_is_valid(const char *value)
{
    size_t length = strnlen(value, KEYSHM_METADATA_VALUE_MAX + 1);
    if (length > KEYSHM_METADATA_VALUE_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            return false;
    return true;
}

int metadata_read(const struct keyshm_pool *pool, uint32_t slot, union metadata_copy *ret_copy)
{
    const struct layout_slot *at = pool_slot(pool, slot);
    for (int i = 0; i < READ_TRIES_MAX; i++) {
        /* acquire: pairs with the release of the version in metadata_write(). The loads of the words (acquire) pair with
         * its stores of the words (release): a reader of a word of a later change also reads a later version below. */
        uint64_t version = atomic_load_explicit(&at->metadata_version, memory_order_acquire);
        for (uint32_t word = 0; word < LAYOUT_METADATA_WORDS; word++)
            ret_copy->words[word] = atomic_load_explicit(&at->metadata[version & 1][word], memory_order_acquire);
        if (atomic_load_explicit(&at->metadata_version, memory_order_relaxed) == version)
            return 0;
    }
    return -EAGAIN;
}

void metadata_write(const struct keyshm_pool *pool, uint32_t slot, const union metadata_copy *copy)
{
    struct layout_slot *at = pool_slot(pool, slot);
    uint64_t version = atomic_load_explicit(&at->metadata_version, memory_order_relaxed) + 1;
    for (uint32_t word = 0; word < LAYOUT_METADATA_WORDS; word++)
        atomic_store_explicit(&at->metadata[version & 1][word], copy->words[word], memory_order_release);
    atomic_store_explicit(&at->metadata_version, version, memory_order_release);
}

bool metadata_next(const union metadata_copy *copy, size_t *position, const char **ret_name, const char **ret_value)
{
    /* Bounded at every step: the bytes come from the segment. */
    const char *name = copy->bytes + *position;
    size_t left = sizeof(copy->bytes) - *position;
    size_t name_size = strnlen(name, left) + 1;
    if (name_size >= left || !metadata_name_is_valid(name))
        return false;
    const char *value = name + name_size;
    size_t value_size = strnlen(value, left - name_size) + 1;
    if (value_size > left - name_size || !metadata_value_is_valid(value))
        return false;
    *position += name_size + value_size;
    *ret_name = name;
    *ret_value = value;
    return true;
}

static int append(union metadata_copy *copy, size_t *position, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    if (name_size + value_size > sizeof(copy->bytes) - *position)
        return -ENOSPC;
    memcpy(copy->bytes + *position, name, name_size);
    memcpy(copy->bytes + *position + name_size, value, value_size);
    *position += name_size + value_size;
    return 0;
}

int metadata_edit(union metadata_copy *copy, const char *name, const char *value_or_null)
{
    union metadata_copy edited = {.words = {0}};
    const char *old_name, *old_value;
    size_t from = 0, to = 0;
    bool found = false, placed = value_or_null == NULL;
    int r = 0;

    while (r == 0 && metadata_next(copy, &from, &old_name, &old_value)) {
        int order = strcmp(old_name, name);
        found |= order == 0;
        if (!placed && order >= 0) {
            r = append(&edited, &to, name, value_or_null);
            placed = true;
        }
        if (r == 0 && order != 0)
            r = append(&edited, &to, old_name, old_value);
    }
    if (r == 0 && !placed)
        r = append(&edited, &to, name, value_or_null);
    if (r == 0 && value_or_null == NULL && !found)
        r = -ENOENT;
    if (r == 0)
        *copy = edited;
    return r;
}

static int find_value(const union metadata_copy *copy, const char *name, const char **ret_value)
{
    const char *found;
    size_t position = 0;
    while (metadata_next(copy, &position, &found, ret_value))
        if (strcmp(found, name) == 0)
            return 0;
    return -ENOENT;
}

int metadata_get(const struct keyshm_pool *pool, keyshm_id id, const char *name, char *buffer, size_t size)
{
    union metadata_copy copy;
    const char *value;
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    int r = metadata_read(pool, id_slot(id), &copy);
    /* Were they this key's to the end? */
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    r = r == 0 ? find_value(&copy, name, &value) : -EBUSY;
    if (r < 0)
        return r;
    size_t length = strlen(value);
    if (length >= size)
        return -ERANGE;
    memcpy(buffer, value, length + 1);
    return (int)length;
}
