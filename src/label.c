/* SPDX-License-Identifier: MIT */
#include "label.h"

#include <errno.h>
#include <string.h>

/* ASCII's, and in UTF-8 those of ISO 6429, U+0080 to U+009F: terminals obey these too. */
static bool is_control(const char *name, size_t i)
{
    unsigned char byte = (unsigned char)name[i];
    bool is_second = i > 0 && (unsigned char)name[i - 1] == 0xc2;
    return byte < ' ' || byte == 0x7f || (is_second && byte >= 0x80 && byte <= 0x9f);
}

static bool is_valid(const char *name, size_t length)
{
    if (length == 0 || length > KEYSHM_NAME_MAX || name[0] == ' ' || name[length - 1] == ' ')
        return false;
    for (size_t i = 0; i < length; i++)
        if (is_control(name, i))
            return false;
    return true;
}

int label_make(struct label *ret_label, const char *name)
{
    size_t length = strnlen(name, KEYSHM_NAME_MAX + 1);
    if (!is_valid(name, length))
        return -EINVAL;
    *ret_label = (struct label){.length = length};
    memcpy(ret_label->words, name, length);
    return 0;
}

/* release: pairs with the acquire in label_load(): a reader that sees a later name also sees that what had the earlier
 * one is gone. */
void label_store(_Atomic uint64_t *length, _Atomic uint64_t *words, const struct label *label)
{
    atomic_store_explicit(length, label->length, memory_order_release);
    for (uint32_t i = 0; i < LAYOUT_NAME_WORDS; i++)
        atomic_store_explicit(&words[i], label->words[i], memory_order_release);
}

void label_wipe(_Atomic uint64_t *length, _Atomic uint64_t *words)
{
    for (uint32_t i = 0; i < LAYOUT_NAME_WORDS; i++)
        atomic_store_explicit(&words[i], 0, memory_order_release);
    atomic_store_explicit(length, 0, memory_order_release);
}

void label_load(const _Atomic uint64_t *length, const _Atomic uint64_t *words, struct label *ret_label)
{
    uint64_t known = atomic_load_explicit(length, memory_order_acquire);
    ret_label->length = known <= KEYSHM_NAME_MAX ? known : KEYSHM_NAME_MAX;
    for (uint32_t i = 0; i < LAYOUT_NAME_WORDS; i++)
        ret_label->words[i] = atomic_load_explicit(&words[i], memory_order_acquire);
}

bool label_is_valid(const struct label *label)
{
    return is_valid((const char *)label->words, label->length);
}

bool label_is_equal(const struct label *a, const struct label *b)
{
    return a->length == b->length && memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

int label_copy(const struct label *label, char *buffer, size_t size)
{
    if (label->length >= size)
        return -ERANGE;
    memcpy(buffer, label->words, label->length);
    buffer[label->length] = '\0';
    for (size_t i = label->length; i-- > 0;)
        if (is_control(buffer, i))
            buffer[i] = '?';
    return (int)label->length;
}
