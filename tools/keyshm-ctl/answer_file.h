/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_ANSWER_FILE_H
#define KEYSHM_CTL_ANSWER_FILE_H

/* A file in which a program leaves the answer that it got. */

#include <stdbool.h>
#include <sys/stat.h>

#include "answer_input.h"

struct answer_file {
    const char *path;
    bool was_there;
    struct stat before;
};

/* Before the program starts: can it write the file, and can it be read then? If not, say so. What is in it stays. Returns the
 * exit status. */
enum exit_status answer_file_begin(struct answer_file *file, const char *path);

/* After it has ended: read what it has written. If it has not, or that is no answer, say so. Returns the exit status. */
enum exit_status answer_file_read(const struct answer_file *file, struct answer_input *input);

#endif
