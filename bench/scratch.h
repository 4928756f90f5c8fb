/* SPDX-License-Identifier: MIT */
#ifndef SCRATCH_H
#define SCRATCH_H

/* A directory on tmpfs for what the others need files for. */

#define SCRATCH_PATH_SIZE 128

extern char scratch_directory[];

/* Make it, so that it is removed however this process ends: what follows runs in a child, and the parent waits for it. */
void scratch_begin(void);

/* The path of a file in it. */
void scratch_path(char ret_path[SCRATCH_PATH_SIZE], const char *name);

#endif
