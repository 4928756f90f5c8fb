/* SPDX-License-Identifier: MIT */
#include "state/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "secret.h"

/* Not stdio: its buffers cannot be wiped. */
struct text {
    char *bytes;
    size_t length;
    size_t size;
};

static const char *name_of(const struct state_file *file)
{
    return file->is_input ? "standard input" : "the file";
}

enum exit_status state_file_open(struct state_file *file, const char *provider, const char *path_or_null)
{
    *file = (struct state_file){.fd = STDIN_FILENO, .is_input = path_or_null == NULL};
    if (path_or_null != NULL)
        file->fd = open(path_or_null, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file->fd < 0)
        return refuse("pool %s: cannot open the file: %s; nothing was changed", provider, strerrordesc_np(errno));
    if (file->is_input && isatty(STDIN_FILENO))
        complain("paste what export printed, then Ctrl-D at the beginning of a line");
    return EXIT_FINE;
}

void state_file_close(const struct state_file *file)
{
    if (!file->is_input)
        close(file->fd);
}

/* Not realloc(3): it would leave what it moved. */
static int grow(struct text *text)
{
    size_t size = text->size > 0 ? 2 * text->size : 65536;
    char *bytes = malloc(size);
    if (bytes == NULL)
        return -ENOMEM;
    if (text->length > 0)
        memcpy(bytes, text->bytes, text->length);
    secret_free(text->bytes);
    text->bytes = bytes;
    text->size = size;
    return 0;
}

/* -EFBIG: there is more of it. */
static int read_text(int fd, size_t size_max, struct text *text)
{
    for (;;) {
        int r = text->length == text->size ? grow(text) : 0;
        if (r < 0)
            return r;
        ssize_t count = read(fd, text->bytes + text->length, text->size - text->length);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count == 0)
            return 0;
        if (count > 0)
            text->length += (size_t)count;
        if (text->length > size_max)
            return -EFBIG;
    }
}

/* What jansson says of an error repeats what stands there, which may be a key. */
static enum exit_status parse(const struct state_file *file, const char *provider, const struct text *text,
                              json_t **ret_document)
{
    json_error_t error;
    json_t *document = json_loadb(text->bytes, text->length, JSON_REJECT_DUPLICATES, &error);
    enum json_error_code code = json_error_code(&error);
    int line = error.line, column = error.column;
    explicit_bzero(&error, sizeof(error));
    *ret_document = document;
    if (document != NULL)
        return EXIT_FINE;
    if (text->length == 0)
        return refuse("pool %s: %s is empty; give what keyshm-ctl export wrote", provider, name_of(file));
    if (code == json_error_duplicate_key)
        return refuse("pool %s: %s has a member twice, in line %d, column %d; nothing was changed", provider,
                      name_of(file), line, column);
    return refuse(
        "pool %s: %s is not JSON, or not all of it, from line %d, column %d; give what keyshm-ctl export wrote; "
        "nothing was changed",
        provider, name_of(file), line, column);
}

enum exit_status state_file_read(const struct state_file *file, const char *provider, size_t size_max,
                                 json_t **ret_document)
{
    struct text text = {.bytes = NULL};
    enum exit_status status;
    int r = read_text(file->fd, size_max, &text);
    if (r == 0)
        status = parse(file, provider, &text, ret_document);
    else if (r == -EFBIG)
        status = refuse("pool %s: %s is larger than the %zu bytes that are read for a pool of this capacity; nothing was "
                        "changed; make a pool for as many keys as are in the file with: keyshm-ctl create",
                        provider, name_of(file), size_max);
    else
        status = refuse("pool %s: cannot read %s: %s; nothing was changed", provider, name_of(file), strerrordesc_np(-r));
    secret_free(text.bytes);
    return status;
}

enum exit_status state_file_check_private(const struct state_file *file, const char *provider)
{
    struct stat about;
    if (fstat(file->fd, &about) < 0)
        return refuse("pool %s: cannot look at %s: %s; nothing was changed", provider, name_of(file),
                      strerrordesc_np(errno));
    if (file->is_input && !S_ISREG(about.st_mode))
        return EXIT_FINE;
    const char *problem = NULL;
    if (!S_ISREG(about.st_mode))
        problem = "is not a regular file; give it on standard input";
    else if (about.st_uid != geteuid())
        problem = "belongs to another user; copy it to a file of your own, with mode 0600";
    else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        problem = "is open to group or others; see who has read it, then close it with: chmod 600";
    return problem != NULL
               ? refuse("pool %s: there are keys in %s, which %s; nothing was changed", provider, name_of(file), problem)
               : EXIT_FINE;
}
