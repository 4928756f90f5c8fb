/* SPDX-License-Identifier: MIT */
#include "key_json.h"

#include "lists.h"
#include "text.h"

json_t *whole_or_nothing(json_t *object, bool is_whole)
{
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

json_t *by_status_json(const uint64_t counts[KEYSHM_STATUS_COUNT])
{
    json_t *object = json_object();
    int r = 0;
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        r |= json_object_set_new(object, keyshm_status_name((enum keyshm_status)status),
                                 json_integer((json_int_t)counts[status]));
    return whole_or_nothing(object, r == 0);
}

json_t *metadata_json(const struct keyshm_key_snapshot *key)
{
    json_t *metadata = json_object();
    int r = 0;
    for (size_t i = 0; i < key->metadata_count; i++)
        r |= json_object_set_new(metadata, list_note(key, i)->name,
                                 text_to_json(list_note(key, i)->value, KEYSHM_METADATA_VALUE_MAX + 1));
    return whole_or_nothing(metadata, r == 0);
}
