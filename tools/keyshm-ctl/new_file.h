/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_NEW_FILE_H
#define KEYSHM_CTL_NEW_FILE_H

/* A file that is there whole or not at all, and was not there before. It has no name while it is written (O_TMPFILE), so
 * whatever ends this process leaves nothing; and it can be read by its owner alone. */

struct new_file {
    int fd;
    int directory;
    const char *name; /* in that directory */
};

/* -EEXIST: there is something of that name already, if only a symbolic link. -EOPNOTSUPP: that file system has no files
 * without a name. Or from open(2). */
int new_file_begin(struct new_file *file, const char *path);

/* Write it to the disk and give it its name. -EEXIST, or from fsync(2), linkat(2). */
int new_file_finish(const struct new_file *file);

/* In any case, afterwards. */
void new_file_end(const struct new_file *file);

#endif
