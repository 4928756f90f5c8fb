/* SPDX-License-Identifier: MIT */
#include "segment_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define NAME_FORMAT "/keyshm.%u.%s.%s"
#define PREFIX_FORMAT "keyshm.%u."

/* ---- whose it is ---- */

/* One line of /proc/self/uid_map: from the first number on, inside and in the parent namespace. */
static bool map_by(FILE *map, uid_t inside, uid_t *ret_outside)
{
    unsigned first_inside, first_outside, count;
    while (fscanf(map, "%u %u %u", &first_inside, &first_outside, &count) == 3) {
        if (inside >= first_inside && inside - first_inside < count) {
            *ret_outside = first_outside + (inside - first_inside);
            return true;
        }
    }
    return false;
}

/* As the parent user namespace has it; the same where that cannot be seen. */
static uid_t uid_outside(uid_t inside)
{
    uid_t outside = inside;
    FILE *map = fopen("/proc/self/uid_map", "re");
    if (map == NULL || !map_by(map, inside, &outside))
        outside = inside;
    if (map != NULL)
        fclose(map);
    return outside;
}

void segment_name_make(char name[SEGMENT_NAME_SIZE], uid_t owner, const char *provider)
{
    snprintf(name, SEGMENT_NAME_SIZE, NAME_FORMAT, uid_outside(owner), keyshm_layout_name(), provider);
}

bool segment_name_is_valid(const char *provider)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(provider, KEYSHM_PROVIDER_MAX + 1);
    return length > 0 && length <= KEYSHM_PROVIDER_MAX && provider[0] != '.' && strspn(provider, allowed) == length;
}

int segment_name_unlink(uid_t owner, const char *provider)
{
    char name[SEGMENT_NAME_SIZE];
    if (owner != geteuid() && geteuid() != 0)
        return -EACCES;
    segment_name_make(name, owner, provider);
    if (shm_unlink(name) != 0)
        return -errno;
    log_message(KEYSHM_LOG_INFO, "%s: unlinked", provider);
    return 0;
}

/* ---- the pools of a user ---- */

/* The name of a segment, taken apart. */
struct parsed_name {
    char layout[KEYSHM_LAYOUT_NAME_MAX + 1];
    const char *provider;
};

/* Names of layouts have no dot in them; providers may. */
static bool parse(const char *file, const char *prefix, struct parsed_name *ret_name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t length = strlen(prefix);
    if (strncmp(file, prefix, length) != 0)
        return false;
    const char *layout = file + length;
    size_t layout_length = strspn(layout, allowed);
    if (layout_length == 0 || layout_length > KEYSHM_LAYOUT_NAME_MAX || layout[layout_length] != '.')
        return false;
    memcpy(ret_name->layout, layout, layout_length);
    ret_name->layout[layout_length] = '\0';
    ret_name->provider = layout + layout_length + 1;
    return segment_name_is_valid(ret_name->provider);
}

struct pool_name {
    char provider[KEYSHM_PROVIDER_MAX + 1];
    char layout[KEYSHM_LAYOUT_NAME_MAX + 1];
};

/* As they are found, before they are put in order. */
struct pool_names {
    size_t count;
    struct pool_name *names;
};

static int compare_names(const void *a, const void *b)
{
    const struct pool_name *one = a, *other = b;
    int order = strcmp(one->provider, other->provider);
    return order != 0 ? order : strcmp(one->layout, other->layout);
}

static int append(struct pool_names *names, const struct parsed_name *parsed)
{
    struct pool_name *grown = reallocarray(names->names, names->count + 1, sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    names->names = grown;
    struct pool_name *name = &grown[names->count++];
    memset(name, 0, sizeof(*name));
    memcpy(name->provider, parsed->provider, strlen(parsed->provider));
    memcpy(name->layout, parsed->layout, strlen(parsed->layout));
    return 0;
}

static int names_from(DIR *directory, uid_t owner, struct pool_names *names)
{
    char prefix[SEGMENT_NAME_SIZE];
    struct parsed_name parsed;
    const struct dirent *entry;
    int r = 0;
    snprintf(prefix, sizeof(prefix), PREFIX_FORMAT, uid_outside(owner));
    while (r == 0 && (errno = 0, entry = readdir(directory)) != NULL)
        if (parse(entry->d_name, prefix, &parsed))
            r = append(names, &parsed);
    return r == 0 ? -errno : r;
}

/* Free names->names, also after an error. */
static int find_names(uid_t owner, struct pool_names *names)
{
    DIR *directory = opendir(SEGMENT_NAME_DIRECTORY);
    int r = directory != NULL ? names_from(directory, owner, names) : -errno;
    if (directory != NULL)
        closedir(directory);
    if (r == 0 && names->count > 0)
        qsort(names->names, names->count, sizeof(*names->names), compare_names);
    return r;
}

static int make_list(const struct pool_names *names, struct keyshm_pool_list *list)
{
    list->providers_bytes = sizeof(*list->providers);
    list->layouts_bytes = sizeof(*list->layouts);
    list->providers = calloc(names->count + 1, sizeof(*list->providers));
    list->layouts = calloc(names->count + 1, sizeof(*list->layouts));
    if (list->providers == NULL || list->layouts == NULL)
        return -ENOMEM;
    for (; list->count < names->count; list->count++) {
        memcpy(list->providers[list->count], names->names[list->count].provider, sizeof(*list->providers));
        memcpy(list->layouts[list->count], names->names[list->count].layout, sizeof(*list->layouts));
    }
    return 0;
}

int segment_name_list(uid_t owner, struct keyshm_pool_list **ret_list)
{
    struct pool_names names = {.count = 0};
    struct keyshm_pool_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    int r = find_names(owner, &names);
    if (r == 0)
        r = make_list(&names, list);
    free(names.names);
    if (r < 0) {
        keyshm_pool_list_free(list);
        return r;
    }
    *ret_list = list;
    return 0;
}

void keyshm_pool_list_free(struct keyshm_pool_list *list)
{
    if (list != NULL) {
        free(list->providers);
        free(list->layouts);
    }
    free(list);
}

void segment_name_warn_of_others(uid_t owner, const char *provider)
{
    struct pool_names names = {.count = 0};
    if (!log_is_on(KEYSHM_LOG_WARNING))
        return;
    if (owner != 0 && find_names(0, &names) == 0)
        for (size_t i = 0; i < names.count; i++)
            if (strcmp(names.names[i].provider, provider) == 0)
                log_message(KEYSHM_LOG_WARNING, "%s: user %u has a pool now, and root has one of the same name", provider,
                            owner);
    free(names.names);
    names = (struct pool_names){.count = 0};
    if (find_names(owner, &names) == 0)
        for (size_t i = 0; i < names.count; i++)
            if (strcmp(names.names[i].provider, provider) == 0 &&
                strcmp(names.names[i].layout, keyshm_layout_name()) != 0)
                log_message(KEYSHM_LOG_WARNING, "%s: there is a pool of layout %s now, and one of layout %s", provider,
                            keyshm_layout_name(), names.names[i].layout);
    free(names.names);
}

/* ---- the owners of pools ---- */

static int compare_owners(const void *a, const void *b)
{
    uid_t a_uid = *(const uid_t *)a, b_uid = *(const uid_t *)b;
    return a_uid < b_uid ? -1 : a_uid > b_uid;
}

static int add_owner(struct keyshm_owner_list *list, uid_t owner)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->owners[i] == owner)
            return 0;
    uid_t *grown = reallocarray(list->owners, list->count + 1, sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    list->owners = grown;
    grown[list->count++] = owner;
    return 0;
}

/* Add the owner of a file that is named like a pool of its owner; another user may have put it there. */
static int add_owner_of(struct keyshm_owner_list *list, int directory, const char *file)
{
    struct stat status;
    char prefix[SEGMENT_NAME_SIZE];
    struct parsed_name parsed;
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno; /* it may have gone since it was listed */
    snprintf(prefix, sizeof(prefix), PREFIX_FORMAT, uid_outside(status.st_uid));
    return parse(file, prefix, &parsed) ? add_owner(list, status.st_uid) : 0;
}

static int owners_from(DIR *directory, struct keyshm_owner_list *list)
{
    const struct dirent *entry;
    int r = 0;
    while (r == 0 && (errno = 0, entry = readdir(directory)) != NULL)
        r = add_owner_of(list, dirfd(directory), entry->d_name);
    return r == 0 ? -errno : r;
}

int segment_name_list_owners(struct keyshm_owner_list **ret_list)
{
    struct keyshm_owner_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    DIR *directory = opendir(SEGMENT_NAME_DIRECTORY);
    int r = directory != NULL ? owners_from(directory, list) : -errno;
    if (directory != NULL)
        closedir(directory);
    if (r < 0) {
        keyshm_owner_list_free(list);
        return r;
    }
    list->element_bytes = sizeof(*list->owners);
    if (list->count > 0)
        qsort(list->owners, list->count, sizeof(*list->owners), compare_owners);
    *ret_list = list;
    return 0;
}

void keyshm_owner_list_free(struct keyshm_owner_list *list)
{
    if (list != NULL)
        free(list->owners);
    free(list);
}
