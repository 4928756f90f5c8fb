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

#define NAME_FORMAT "/keyshm.%u.%s"

void segment_name_make(char name[SEGMENT_NAME_SIZE], uid_t owner, const char *provider)
{
    snprintf(name, SEGMENT_NAME_SIZE, NAME_FORMAT, owner, provider);
}

bool segment_name_is_valid(const char *provider)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(provider, KEYSHM_PROVIDER_MAX + 1);
    return length > 0 && length <= KEYSHM_PROVIDER_MAX && provider[0] != '.' && strspn(provider, allowed) == length;
}

int segment_name_unlink(const char *provider)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name_make(name, geteuid(), provider);
    if (shm_unlink(name) != 0)
        return -errno;
    log_message(KEYSHM_LOG_INFO, "%s: unlinked", provider);
    return 0;
}

static int compare_providers(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int list_append(struct keyshm_pool_list *list, const char *provider)
{
    char(*grown)[KEYSHM_PROVIDER_MAX + 1] = reallocarray(list->providers, list->count + 1, sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    list->providers = grown;
    memcpy(grown[list->count++], provider, strlen(provider) + 1);
    return 0;
}

static int list_from(DIR *directory, uid_t owner, struct keyshm_pool_list *list)
{
    char prefix[SEGMENT_NAME_SIZE];
    const struct dirent *entry;
    int r = 0;
    segment_name_make(prefix, owner, "");
    size_t length = strlen(prefix) - 1; /* without the slash */
    while (r == 0 && (errno = 0, entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, prefix + 1, length) == 0 && segment_name_is_valid(entry->d_name + length))
            r = list_append(list, entry->d_name + length);
    return r == 0 ? -errno : r;
}

int segment_name_list(uid_t owner, struct keyshm_pool_list **ret_list)
{
    struct keyshm_pool_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    DIR *directory = opendir(SEGMENT_NAME_DIRECTORY);
    int r = directory != NULL ? list_from(directory, owner, list) : -errno;
    if (directory != NULL)
        closedir(directory);
    if (r < 0) {
        keyshm_pool_list_free(list);
        return r;
    }
    if (list->count > 0)
        qsort(list->providers, list->count, sizeof(*list->providers), compare_providers);
    *ret_list = list;
    return 0;
}

void keyshm_pool_list_free(struct keyshm_pool_list *list)
{
    if (list != NULL)
        free(list->providers);
    free(list);
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
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno; /* it may have gone since it was listed */
    segment_name_make(prefix, status.st_uid, "");
    size_t length = strlen(prefix) - 1;
    if (strncmp(file, prefix + 1, length) != 0 || !segment_name_is_valid(file + length))
        return 0;
    return add_owner(list, status.st_uid);
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
