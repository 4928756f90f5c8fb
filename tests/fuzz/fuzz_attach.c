/* SPDX-License-Identifier: MIT */

/*
 * Attach to a file that may not be a pool: either attaching is refused, or every call must work. The first byte of an
 * input selects whether the checksum of the settings is corrected, and whether the file is truncated or extended.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "segment_name.h"

enum { RIGHT_CHECKSUM = 1, OTHER_LENGTH = 2, RIGHT_OFFSETS = 4, LENGTH_STEP = 512 };

static char provider[KEYSHM_PROVIDER_MAX + 1];

static void unlink_pool(void)
{
    keyshm_unlink(provider);
}

/* A fuzzer that finds something is killed before it can clean up; the next run does that. */
static void unlink_pools_of_dead(void)
{
    struct keyshm_pool_list *list;
    int pid;
    if (keyshm_list_pools(geteuid(), &list) < 0)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->providers[i], "fuzz.", 5) == 0 && (pid = atoi(list->providers[i] + 5)) > 0 && kill(pid, 0) != 0)
            keyshm_unlink(list->providers[i]);
    keyshm_pool_list_free(list);
}

static void begin(void)
{
    unlink_pools_of_dead();
    snprintf(provider, sizeof(provider), "fuzz.%d", (int)getpid());
    atexit(unlink_pool);
}

static void put_file(const unsigned char *bytes, size_t size)
{
    char name[SEGMENT_NAME_SIZE], path[sizeof(SEGMENT_NAME_DIRECTORY) + SEGMENT_NAME_SIZE];
    segment_name_make(name, geteuid(), provider);
    snprintf(path, sizeof(path), "%s%s", SEGMENT_NAME_DIRECTORY, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

/* The size of the file. */
static size_t finish(struct layout_header *header, unsigned flags)
{
    size_t size = image_bytes();
    if (flags & OTHER_LENGTH)
        size = (size_t)(flags >> 3) * LENGTH_STEP < size ? (size_t)(flags >> 3) * LENGTH_STEP : size - 1;
    if (flags & RIGHT_OFFSETS && header->settings.capacity <= KEYSHM_CAPACITY_MAX &&
        header->settings.groups_max <= KEYSHM_GROUPS_MAX && header->settings.models_max <= KEYSHM_MODELS_MAX &&
        header->settings.in_flight_max <= KEYSHM_IN_FLIGHT_MAX &&
        header->settings.group_in_flight_max <= KEYSHM_GROUP_IN_FLIGHT_MAX)
        layout_compute(&header->settings);
    if (flags & RIGHT_CHECKSUM)
        header->settings_checksum = layout_checksum(&header->settings);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    keyshm_pool *pool;
    if (input_bytes == 0)
        return 0;
    if (provider[0] == '\0')
        begin();
    unsigned char *bytes = aligned_alloc(LAYOUT_LINE_BYTES, image_bytes());
    if (bytes == NULL)
        abort();
    image_make(bytes, input + 1, input_bytes - 1);
    struct layout_header *header = (struct layout_header *)(void *)bytes;
    /* The pool is named after this process; an input must not depend on that name. */
    memset(header->settings.provider, 0, sizeof(header->settings.provider));
    memcpy(header->settings.provider, provider, strlen(provider));
    put_file(bytes, finish(header, input[0]));
    if (keyshm_attach_readonly(&pool, provider) == 0) {
        image_read(pool);
        keyshm_close(pool);
    }
    if (keyshm_attach(&pool, provider) == 0) {
        image_write(pool);
        image_read(pool);
        keyshm_close(pool);
    }
    free(bytes);
    return 0;
}
