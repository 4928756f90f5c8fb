/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

int batch_begin(struct batch *batch, keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    *batch = (struct batch){.pool = pool};
    int r = keyshm_snapshot(pool, &snapshot);
    if (r < 0)
        return r;
    batch->key_max = snapshot->key_max;
    batch->capacity = snapshot->capacity;
    batch->room = snapshot->capacity - snapshot->count;
    keyshm_snapshot_free(snapshot);
    return 0;
}

static void leave_to_its_owner(void *key)
{
    (void)key;
}

static void forget(char *key)
{
    explicit_bzero(key, strlen(key));
    free(key);
}

void batch_end(struct batch *batch)
{
    tdestroy(batch->tree, leave_to_its_owner);
    for (size_t i = 0; i < batch->count; i++)
        forget(batch->keys[i]);
    free(batch->keys);
    *batch = (struct batch){.pool = NULL};
}

const char *batch_check(struct batch *batch, const char *key, size_t length)
{
    if (length > batch->key_max) {
        snprintf(batch->refusal, sizeof(batch->refusal), "longer than the %zu bytes that this pool allows a key",
                 batch->key_max);
        return batch->refusal;
    }
    if (memchr(key, '\0', length) != NULL)
        return "it has a NUL byte in it";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)key[i] < ' ' || key[i] == 0x7f)
            return "it has a control character, such as a tab, in it";
    if (key[0] == ' ' || key[length - 1] == ' ')
        return "it has a space at its beginning or end";
    if (length >= strlen(BYTE_ORDER_MARK) && memcmp(key, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        return "it begins with a byte order mark; save the file without one";
    return NULL;
}

static const char *check_room(struct batch *batch, const char *key)
{
    keyshm_id id;
    unsigned room = batch->replaces ? batch->capacity - (unsigned)batch->count : batch->room;
    if (!batch->replaces && keyshm_find(batch->pool, key, &id) == 0)
        return NULL;
    if (room == 0) {
        snprintf(batch->refusal, sizeof(batch->refusal), "the pool has no room for it: it was made for %u keys",
                 batch->capacity);
        return batch->refusal;
    }
    batch->room -= !batch->replaces;
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Takes over `key`, also when it fails. */
static int append(struct batch *batch, char *key)
{
    char **keys = reallocarray(batch->keys, batch->count + 1, sizeof(*keys));
    if (keys != NULL)
        batch->keys = keys;
    if (keys == NULL || tsearch(key, &batch->tree, compare) == NULL) {
        forget(key);
        return -ENOMEM;
    }
    keys[batch->count++] = key;
    return 0;
}

bool batch_has(const struct batch *batch, const char *key)
{
    return tfind(key, &batch->tree, compare) != NULL;
}

const char *batch_take(struct batch *batch, const char *key, size_t length)
{
    const char *refusal = batch_check(batch, key, length);
    if (refusal != NULL)
        return refusal;
    char *copy = strndup(key, length);
    if (copy == NULL)
        return keyshm_strerror(ENOMEM);
    if (batch_has(batch, copy)) {
        forget(copy);
        return NULL;
    }
    refusal = check_room(batch, copy);
    if (refusal != NULL)
        forget(copy);
    else if (append(batch, copy) < 0)
        refusal = keyshm_strerror(ENOMEM);
    return refusal;
}
