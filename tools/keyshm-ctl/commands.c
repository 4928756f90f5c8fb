/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include "cmd.h"

#define JSON OPTION_BIT(OPTION_JSON)

const struct command commands[] = {
    {
        .name = "create",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_CAPACITY) | OPTION_BIT(OPTION_KEY_MAX) | OPTION_BIT(OPTION_COOLDOWN) | JSON,
        .help = "create an empty pool",
        .json_members = json_members_of_create,
        .run = cmd_create,
    },
    {
        .name = "destroy",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "remove a pool, also a damaged one; processes that use it go on with what they have",
        .json_members = json_members_of_destroy,
        .run = cmd_destroy,
    },
    {
        .name = "add",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_ENV) | JSON,
        .help = "add keys from standard input, one a line: all of them or, when one is not valid, none;\n"
                "print each one's id and masked form, and \"present\" if it was in the pool already",
        .json_members = json_members_of_add,
        .run = cmd_add,
    },
    {
        .name = "remove",
        .operands = {&operand_pool, &operand_id},
        .operands_needed = 2,
        .options = JSON,
        .help = "remove a key and wipe it from memory",
        .json_members = json_members_of_remove,
        .run = cmd_remove,
    },
    {
        .name = "next",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "pick the next available key; print its id and the key",
        .json_members = json_members_of_next,
        .run = cmd_next,
    },
    {
        .name = "exec",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_ENV_NAME) | OPTION_BIT(OPTION_ON_STATUS) | OPTION_BIT(OPTION_WAIT),
        .options_needed = OPTION_BIT(OPTION_ENV_NAME),
        .takes_child = true,
        .help = "pick the next available key, run COMMAND with it in the environment, and end as COMMAND ends;\n"
                "INT, TERM, HUP and QUIT are passed on to COMMAND, which gets a TERM when keyshm-ctl is killed;\n"
                "for example, with a program that exits with 75 at a status of 429 and with 77 at one of 401:\n"
                "keyshm-ctl exec openai --env OPENAI_API_KEY --on-status 75=rate_limited:30,77=invalid -- ./ask",
        .run = cmd_exec,
    },
    {
        .name = "mark",
        .operands = {&operand_pool, &operand_id, &operand_status},
        .operands_needed = 3,
        .options = OPTION_BIT(OPTION_RETRY_AFTER) | JSON,
        .help = "say what a provider answered to a key; only \"available\" brings it to a better status",
        .json_members = json_members_of_mark,
        .run = cmd_mark,
    },
    {
        .name = "reset",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "write down which cooldowns are over, and print how many",
        .json_members = json_members_of_reset,
        .run = cmd_reset,
    },
    {
        .name = "metadata",
        .operands = {&operand_pool, &operand_id, &operand_name, &operand_value},
        .operands_needed = 2,
        .options = OPTION_BIT(OPTION_DELETE) | JSON,
        .help = "print the notes kept with a key as lines of NAME=VALUE, or that of one NAME, or set it to VALUE;\n"
                "everyone who looks at the pool sees them, so a VALUE with one of its keys in it is refused",
        .json_members = json_members_of_metadata,
        .run = cmd_metadata,
    },
    {
        .name = "label",
        .operands = {&operand_pool, &operand_id, &operand_text},
        .operands_needed = 2,
        .options = OPTION_BIT(OPTION_DELETE) | JSON,
        .help = "print or set a key's label: the same as metadata POOL ID label [TEXT]",
        .json_members = json_members_of_label,
        .run = cmd_label,
    },
    {
        .name = "export",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_WITH_KEYS),
        .help = "print a pool's state as JSON, for import: marks, metadata and when it was, but no keys",
        .json_members = json_members_of_export,
        .run = cmd_export,
    },
    {
        .name = "import",
        .operands = {&operand_pool, &operand_file},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_DRY_RUN) | JSON,
        .help = "take over what export wrote, from FILE or standard input: all of it is checked before anything is\n"
                "changed; keys that are in the file are added, for which it must be nobody else's to read; keys that\n"
                "are found in the pool get their marks, with what is left of a cooldown by the wall clock, and their\n"
                "metadata; as with mark, no key comes to a better status",
        .json_members = json_members_of_import,
        .run = cmd_import,
    },
    {
        .name = "verify",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "hold all that must be true of a pool against its bytes; print what is not, and exit with 3 then",
        .json_members = json_members_of_verify,
        .run = cmd_verify,
    },
    {
        .name = "repair",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "print what verify finds, and put it right; no key and no status is changed",
        .json_members = json_members_of_repair,
        .run = cmd_repair,
    },
    {
        .name = "holder",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "print who holds the pool's mutex, which adding and removing keys takes, and for how long",
        .json_members = json_members_of_holder,
        .run = cmd_holder,
    },
    {
        .name = "break-lock",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_YES) | JSON,
        .help = "kill the process that holds the pool's mutex, with SIGKILL, and recover the pool: only when that\n"
                "process is stopped, or has held it for more than a second; shows it, and asks first",
        .json_members = json_members_of_break_lock,
        .run = cmd_break_lock,
    },
    {.name = NULL},
};
