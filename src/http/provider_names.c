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
        if (place->provider == NULL || (strncasecmp(place->name, name, length) == 0 && place->name[length] == '\0'))
            return place;
    }
}

void provider_names_add(struct rule_set *set, const char *name, const struct provider *provider)
{
    size_t length = strlen(name);
    if (length > KEYSHM_PROVIDER_MAX) /* no pool can have it */
        return;
    struct provider_name *place = place_of(set, name, length);
    if (place->provider != NULL)
        return;
    place->provider = provider;
    memcpy(place->name, name, length + 1);
}

const struct provider_name *provider_names_find(const struct rule_set *set, const char *name, size_t length)
{
    const struct provider_name *place = place_of(set, name, length);
    return place->provider != NULL ? place : NULL;
}
