/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_FILE_H
#define KEYSHM_CTL_STATE_FILE_H

/* Where import has its document from: a file, or standard input. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

struct state_file {
    int fd;
    bool is_input; /* standard input */
};

/* NULL: standard input. Says what is wrong on standard error, as those below; all return the exit status. */
enum exit_status state_file_open(struct state_file *file, const char *provider, const char *path_or_null);

/* All of it as JSON; more than `size_max` bytes are refused. */
enum exit_status state_file_read(const struct state_file *file, const char *provider, size_t size_max,
                                 json_t **ret_document);

/* With keys in it, it must be the caller's alone. A pipe on standard input is: what is behind it has had the keys. */
enum exit_status state_file_check_private(const struct state_file *file, const char *provider);

void state_file_close(const struct state_file *file);

#endif
