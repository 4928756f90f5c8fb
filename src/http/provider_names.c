/* SPDX-License-Identifier: MIT */
#include "provider_names.h"

#include <string.h>
#include <strings.h>

#include "words.h"

bool provider_names_init(struct rule_set *set, size_t count)
{
    size_t size = 4;
    while (size < count * 2)
        size *= 2;
    set->name_mask = size - 1;
    set->provider_names = arena_array(&set->arena, size, sizeof(set->provider_names[0]));
    return set->provider_names != NULL;
}

/* The name's place, or the free one where it would be. */
static struct provider_name *place_of(const struct rule_set *set, const char *name, size_t length)
{
    for (size_t i = word_hash(name, length);; i++) {
        struct provider_name *place = &set->provider_names[i & set->name_mask];
        if (place->name == NULL || (place->length == length && strncasecmp(place->name, name, length) == 0))
            return place;
    }
}

void provider_names_add(struct rule_set *set, const char *name, const struct provider *provider)
{
    size_t length = strlen(name);
    struct provider_name *place = place_of(set, name, length);
    if (place->name == NULL)
        *place = (struct provider_name){name, length, provider};
}

const struct provider_name *provider_names_find(const struct rule_set *set, const char *name, size_t length)
{
    const struct provider_name *place = place_of(set, name, length);
    return place->name != NULL ? place : NULL;
}
