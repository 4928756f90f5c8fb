/* SPDX-License-Identifier: MIT */
#include "key_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

/* Of a line, as much as shows that it is too long: a key, the CR of a line from a DOS file, and one byte more. */
#define LINE_SIZE (KEYSHM_KEY_MAX + 2)

/* Not stdio: its buffers cannot be wiped. */
struct reader {
    struct batch *batch;
    uint64_t line_number;
    size_t line_length;
    char line[LINE_SIZE];
    char chunk[4096];
};

static enum exit_status take_line(struct reader *reader)
{
    size_t length = reader->line_length;
    if (length > 0 && reader->line[length - 1] == '\r')
        length--;
    const char *refusal = length > 0 ? batch_take(reader->batch, reader->line, length) : NULL;
    if (refusal != NULL)
        return refuse("line %" PRIu64 ": %s; nothing was added", reader->line_number, refusal);
    reader->line_length = 0;
    reader->line_number++;
    return EXIT_FINE;
}

static enum exit_status take_chunk(struct reader *reader, size_t count)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < count && status == EXIT_FINE; i++) {
        bool line_ends = reader->chunk[i] == '\n';
        if (!line_ends)
            reader->line[reader->line_length++] = reader->chunk[i];
        if (line_ends || reader->line_length == LINE_SIZE)
            status = take_line(reader);
    }
    return status;
}

static enum exit_status take_all(struct reader *reader)
{
    for (;;) {
        ssize_t count = read(STDIN_FILENO, reader->chunk, sizeof(reader->chunk));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return refuse("cannot read standard input: %s; nothing was added", strerrordesc_np(errno));
        if (count == 0)
            return reader->line_length > 0 ? take_line(reader) : EXIT_FINE;
        enum exit_status status = take_chunk(reader, (size_t)count);
        if (status != EXIT_FINE)
            return status;
    }
}

enum exit_status take_from_input(struct batch *batch)
{
    struct reader reader;
    reader.batch = batch;
    reader.line_number = 1;
    reader.line_length = 0;
    if (isatty(STDIN_FILENO))
        complain("type or paste one key a line, then Ctrl-D at the beginning of a line");
    enum exit_status status = take_all(&reader);
    explicit_bzero(&reader, sizeof(reader));
    if (status == EXIT_FINE && batch->count == 0)
        status = refuse("there are no keys on standard input; give one a line");
    return status;
}
