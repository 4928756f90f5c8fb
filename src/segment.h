/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SEGMENT_H
#define KEYSHM_SEGMENT_H

/* The segment as a file and a mapping. What its bytes mean is for attachment.c; every refusal is logged here, where its
 * reason is known. All return negative errno values. */

#include <sys/stat.h>

#include "pool.h"

/* A new file of `size` bytes, all allocated and zero, without a name. The descriptor, or an error of open(2),
 * memfd_create(2) or posix_fallocate(3). */
int segment_make_file(const char *provider, uint64_t size, bool named);

/* Give it the caller's name for this provider. -EEXIST: another file has it. */
int segment_link(int fd, const char *provider);

/* Open the file of user `owner`'s pool, after checking that it can be trusted. The descriptor, or the errors of
 * keyshm_attach_readonly_user() that concern the file. */
int segment_open(uid_t owner, const char *provider, bool readonly, struct stat *ret_file);

/* Log why an existing segment is not attached to, and return the error. */
int segment_refuse(const char *provider, int error, const char *reason);

/* Map it. */
int segment_map(int fd, uint64_t size, bool readonly, void **ret_bytes);
void segment_unmap(void *bytes, uint64_t size);

/* Keep the keys out of core files and of swap, as far as the system permits; a warning says where it does not. */
void segment_protect(void *bytes, uint64_t size, bool readonly, const char *provider);

/* As keyshm_is_replaced(). */
int segment_is_replaced(const struct keyshm_pool *pool);

#endif
