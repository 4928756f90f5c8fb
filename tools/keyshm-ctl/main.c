/* SPDX-License-Identifier: MIT */

/* keyshm-ctl: administers pools. */

#include <sys/prctl.h>

#include "command_line.h"
#include "lookup.h"
#include "program.h"

int main(int argc, char **argv)
{
    const struct command *command;
    struct arguments arguments;

    program_begin();
    /* This process has keys in its memory: no core file, and no debugger of the same user. */
    prctl(PR_SET_DUMPABLE, 0);
    enum exit_status status = command_line_read(argc, argv, &command, &arguments);
    if (command != NULL)
        status = lookup_masked_key(&arguments);
    if (command != NULL && status == EXIT_FINE)
        status = command->run(&arguments);
    return program_end(status);
}
