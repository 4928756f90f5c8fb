/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_FILE_H
#define KEYSHM_CTL_STATE_FILE_H

/* The file that export writes and import reads. It may have keys in it. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

/* ---- read by import ---- */

struct input_file {
    int fd;
    bool is_stdin;
};

/* These say on standard error what is wrong, and return the exit status. */

/* NULL: standard input. */
enum exit_status input_file_open(struct input_file *file, const char *provider, const char *path_or_null);

/* The whole file as JSON; more than `size_max` bytes are refused. */
enum exit_status input_file_read(const struct input_file *file, const char *provider, size_t size_max, json_t **ret_json);

/* A file with keys in it must be its owner's alone. A pipe on standard input is accepted: the process at its other end
 * has the keys anyway. */
enum exit_status input_file_check_private(const struct input_file *file, const char *provider);

void input_file_close(const struct input_file *file);

/* ---- written by export ---- */

/* A new file that appears whole or not at all, and that only its owner can read. It has no name while it is written
 * (O_TMPFILE), so nothing is left behind, however this process ends. */
struct output_file {
    int fd;
    int directory;
    const char *name; /* in that directory */
};

/* -EEXIST: the name is taken, if only by a symbolic link. -EOPNOTSUPP: the file system has no files without a name. Or an
 * error of open(2). */
int output_file_begin(struct output_file *file, const char *path);

/* Write it to the disk and give it its name. -EEXIST, or an error of fsync(2) or linkat(2). */
int output_file_finish(const struct output_file *file);

/* Afterwards, in any case. */
void output_file_end(const struct output_file *file);

#endif
