/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SEGMENT_H
#define KEYSHM_SEGMENT_H

/* The segment as a file and a mapping. What its bytes mean is for attachment.c; every refusal is logged here, where its
 * reason is known. All return negative errno values. */

#include <sys/stat.h>

#include "pool.h"

/* A file that is being made. */
struct segment_file {
    int fd;
    char temporary_name[64]; /* until it has its own; "": it has none, as O_TMPFILE makes them */
};

/* A new file of `size` bytes, all allocated and zero, that belongs to `owner` and has no name that leads to a pool. An
 * error of open(2), memfd_create(2), fchown(2) or posix_fallocate(3). */
int segment_make_file(struct segment_file *ret_file, uid_t owner, const char *provider, uint64_t size, bool named);

/* Give it the name of its owner's pool for this provider, in one step. -EEXIST: another file has it. */
int segment_publish(struct segment_file *file, const char *name);

/* Take away the temporary name, if it has one still. The descriptor stays open. */
void segment_discard(const struct segment_file *file);

/* Open the file of user `owner`'s pool, after checking that it can be trusted. The descriptor, or the errors of
 * keyshm_attach_readonly_user() that concern the file. */
int segment_open(uid_t owner, const char *name, const char *provider, bool readonly, struct stat *ret_file);

/* Log why an existing segment is not attached to, and return the error. */
int segment_refuse(const char *provider, int error, const char *reason);

/* Map it. */
int segment_map(int fd, uint64_t size, bool readonly, void **ret_bytes);
void segment_unmap(void *bytes, uint64_t size);

/* Keep the keys out of core files and of swap, as far as the system permits; a warning says where it does not. */
void segment_protect(void *bytes, uint64_t size, bool readonly, const char *provider);

/* Close the descriptor of an attachment, unless the program has closed it, and opened something else under its number. */
void segment_close(const struct keyshm_pool *pool);

/* As keyshm_is_replaced(). */
int segment_is_replaced(const struct keyshm_pool *pool);

#endif
