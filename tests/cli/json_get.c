/* SPDX-License-Identifier: MIT */

/* json-get [MEMBER|INDEX]...: parse one JSON text from standard input, strictly, and print the value at that path: a
 * string or number as it is, true, false, null, the length of an array, or the names of an object's members. Fails if
 * there is no such value. */

#include <jansson.h>
#include <stdlib.h>

static int print(json_t *value)
{
    if (json_is_string(value))
        return printf("%s\n", json_string_value(value));
    if (json_is_integer(value))
        return printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    if (json_is_boolean(value))
        return printf("%s\n", json_is_true(value) ? "true" : "false");
    if (json_is_null(value))
        return printf("null\n");
    if (json_is_array(value))
        return printf("%zu\n", json_array_size(value));
    if (!json_is_object(value))
        return -1;
    for (void *at = json_object_iter(value); at != NULL; at = json_object_iter_next(value, at))
        printf("%s ", json_object_iter_key(at));
    return printf("\n");
}

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *root = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
    json_t *value = root;
    if (root == NULL) {
        fprintf(stderr, "json-get: line %d: %s\n", error.line, error.text);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        value =
            json_is_array(value) ? json_array_get(value, strtoul(argv[i], NULL, 10)) : json_object_get(value, argv[i]);
    int r = print(value);
    json_decref(root);
    return r < 0 ? 1 : 0;
}
