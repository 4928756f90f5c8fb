/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_SECRET_H
#define KEYSHM_COMMON_SECRET_H

/* Memory and output that may hold a key, and are wiped after use. stdio is not used for keys: its buffers cannot be
 * wiped. */

#include <stddef.h>

/* Wipe a whole block of malloc(3), then free it. NULL is allowed. */
void secret_free(void *block);

/* From now on jansson wipes what it frees. */
void secret_wipe_json(void);

struct secret_output {
    int fd;
    int error; /* 0, or the negative errno of the first write(2) that failed */
    size_t length;
    char bytes[16384];
};

void secret_output_begin(struct secret_output *output, int fd);

/* `user` is a struct secret_output: this is a json_dump_callback_t. Returns 0, or -1 once a write has failed. */
int secret_output_write(const char *bytes, size_t count, void *user);

/* Write the rest, and wipe the buffer. Returns the error. */
int secret_output_end(struct secret_output *output);

#endif
