/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include "cmd.h"

#define JSON OPTION_BIT(OPTION_JSON)

const struct command commands[] = {
    {
        .name = "create",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_CAPACITY) | OPTION_BIT(OPTION_KEY_MAX) | OPTION_BIT(OPTION_COOLDOWN) |
                   OPTION_BIT(OPTION_GROUPS_MAX) | OPTION_BIT(OPTION_MODELS_MAX) | OPTION_BIT(OPTION_IN_FLIGHT_MAX) |
                   OPTION_BIT(OPTION_GROUP_IN_FLIGHT_MAX) | OPTION_BIT(OPTION_PROVIDER_RULES) | JSON,
        .help = "create an empty pool",
        .json_members = json_members_of_create,
        .run = cmd_create,
    },
    {
        .name = "destroy",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON | OPTION_BIT(OPTION_LAYOUT),
        .help = "remove a pool, even a damaged one or one of another layout, which another version of keyshm made;\n"
                "attached processes keep using it among themselves",
        .json_members = json_members_of_destroy,
        .run = cmd_destroy,
    },
    {
        .name = "add",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_GROUP) | OPTION_BIT(OPTION_ENV) | OPTION_BIT(OPTION_DRY_RUN) | JSON,
        .help =
            "add keys from standard input, one a line, # begins a comment: all of them or, if one is not valid, none;\n"
            "print each key's id and masked form, and \"present\" if it was in the pool already",
        .json_members = json_members_of_add,
        .run = cmd_add,
    },
    {
        .name = "set",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_GROUP) | OPTION_BIT(OPTION_ENV) | OPTION_BIT(OPTION_DRY_RUN) |
                   OPTION_BIT(OPTION_ALLOW_EMPTY) | JSON,
        .help = "make the pool hold exactly the keys on standard input, given as to add: those that it has already keep\n"
                "their state, new ones are added, others removed; if one is not valid, nothing is changed;\n"
                "with --group the same of that group, and the other keys stay",
        .json_members = json_members_of_set,
        .run = cmd_set,
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
        .name = "priority",
        .operands = {&operand_pool, &operand_ids, &operand_priority},
        .operands_needed = 3,
        .options = JSON,
        .help =
            "pick the key only while none of a lower PRIORITY is available; all ids are checked before a key is changed",
        .json_members = json_members_of_priority,
        .run = cmd_priority,
    },
    {
        .name = "weight",
        .operands = {&operand_pool, &operand_ids, &operand_weight},
        .operands_needed = 3,
        .options = JSON,
        .help = "pick the key WEIGHT times as often as one of weight 1, among the keys of its priority",
        .json_members = json_members_of_weight,
        .run = cmd_weight,
    },
    {
        .name = "next",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_MODEL) | OPTION_BIT(OPTION_WAIT) | OPTION_BIT(OPTION_ESTIMATE) | JSON,
        .help = "pick the next available key; print its id and the key; it is charged as one request, which holds no\n"
                "place: keys whose requests in flight have a cap are passed over, and are for exec",
        .json_members = json_members_of_next,
        .run = cmd_next,
    },
    {
        .name = "exec",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_MODEL) | OPTION_BIT(OPTION_ENV_NAME) | OPTION_BIT(OPTION_ON_STATUS) |
                   OPTION_BIT(OPTION_SCOPE) | OPTION_BIT(OPTION_WAIT) | OPTION_BIT(OPTION_ESTIMATE) |
                   OPTION_BIT(OPTION_REPORT) | OPTION_BIT(OPTION_PROVIDER),
        .options_needed = OPTION_BIT(OPTION_ENV_NAME),
        .takes_child = true,
        .help = "pick the next available key, run COMMAND with it in the environment, and exit as COMMAND does;\n"
                "as long as COMMAND runs, the key has a request in flight;\n"
                "INT, TERM, HUP and QUIT are passed on to COMMAND, which gets a TERM if keyshm-ctl is killed;\n"
                "for example, with a program that exits with 75 after a 429 response and with 77 after a 401:\n"
                "keyshm-ctl exec openai --env OPENAI_API_KEY --on-status 75=rate_limited:30,77=invalid -- ./ask",
        .run = cmd_exec,
    },
    {
        .name = "mark",
        .operands = {&operand_pool, &operand_id_or_all, &operand_status},
        .operands_needed = 3,
        .group_replaces = &operand_id_or_all,
        .options = OPTION_BIT(OPTION_GROUP_NAME) | OPTION_BIT(OPTION_MODEL) | OPTION_BIT(OPTION_SCOPE) |
                   OPTION_BIT(OPTION_RETRY_AFTER) | OPTION_BIT(OPTION_UNTIL) | OPTION_BIT(OPTION_REASON) |
                   OPTION_BIT(OPTION_STATUS) | JSON,
        .help =
            "record how a provider responded to a key, or of a group; only \"available\" improves a status, and without\n"
            "--model for all models; what else benches the key is said, as its group, a pause, a budget or a cap;\n"
            "for all it prints how many became available",
        .json_members = json_members_of_mark,
        .run = cmd_mark,
    },
    {
        .name = "pause",
        .operands = {&operand_pool, &operand_id_or_group},
        .operands_needed = 2,
        .group_replaces = &operand_id_or_group,
        .options = OPTION_BIT(OPTION_GROUP_NAME) | JSON,
        .help = "do not pick the key, or those of the group, until it is resumed, however it is marked",
        .json_members = json_members_of_pause,
        .run = cmd_pause,
    },
    {
        .name = "resume",
        .operands = {&operand_pool, &operand_id_or_group},
        .operands_needed = 2,
        .group_replaces = &operand_id_or_group,
        .options = OPTION_BIT(OPTION_GROUP_NAME) | JSON,
        .help = "let a paused key or group in again; its marks count, and what benches it is said",
        .json_members = json_members_of_resume,
        .run = cmd_resume,
    },
    {
        .name = "success",
        .operands = {&operand_pool, &operand_id},
        .operands_needed = 2,
        .options = OPTION_BIT(OPTION_STAMP) | OPTION_BIT(OPTION_MODEL) | JSON,
        .options_needed = OPTION_BIT(OPTION_STAMP),
        .help =
            "record that a request with a key has succeeded: it ends streaks of failures and probes, unless the key was\n"
            "marked after that pick",
        .json_members = json_members_of_success,
        .run = cmd_success,
    },
    {
        .name = "check",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_ALL) | OPTION_BIT(OPTION_URL) | OPTION_BIT(OPTION_METHOD) |
                   OPTION_BIT(OPTION_HEADER) | OPTION_BIT(OPTION_PARALLEL) | OPTION_BIT(OPTION_PROVIDER) | JSON,
        .help =
            "ask the provider about each key that is quota_exceeded or invalid, by one cheap request; what is good is\n"
            "available again, with its group, unless it was marked meanwhile; one check of a pool runs at a time",
        .json_members = json_members_of_check,
        .run = cmd_check,
    },
    {
        .name = "judge",
        .options = OPTION_BIT(OPTION_PROVIDER) | OPTION_BIT(OPTION_TRANSPORT) | JSON,
        .options_needed = OPTION_BIT(OPTION_PROVIDER),
        .help =
            "print what an answer says of the key that was used, and change nothing; the answer is read from standard\n"
            "input, as curl -i prints it",
        .json_members = json_members_of_judge,
        .run = cmd_judge,
    },
    {
        .name = "report",
        .operands = {&operand_pool, &operand_id},
        .operands_needed = 2,
        .options = OPTION_BIT(OPTION_PROVIDER) | OPTION_BIT(OPTION_TRANSPORT) | OPTION_BIT(OPTION_STAMP) |
                   OPTION_BIT(OPTION_MODEL) | OPTION_BIT(OPTION_VERBOSE) | JSON,
        .help =
            "mark the key by the answer that it got, as judge would have it: mark it or its group, observe what is left\n"
            "of its budgets, and with --stamp record a success",
        .json_members = json_members_of_report,
        .run = cmd_report,
    },
    {
        .name = "providers",
        .operands = {&operand_provider},
        .options = JSON,
        .help =
            "print the rules by which answers are read, and where each comes from; with a NAME those for that provider",
        .json_members = json_members_of_providers,
        .run = cmd_providers,
    },
    {
        .name = "group",
        .operands = {&operand_pool, &operand_group},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_PUT_IN) | OPTION_BIT(OPTION_TAKE_OUT) | OPTION_BIT(OPTION_DELETE) | JSON,
        .help = "print the groups of a pool as lines of ID and NAME; or make the one called NAME if there is none, and\n"
                "print its line; a group is the keys of one account, which are marked and paused together",
        .json_members = json_members_of_group,
        .run = cmd_group,
    },
    {
        .name = "model",
        .operands = {&operand_pool, &operand_model},
        .operands_needed = 1,
        .options = JSON,
        .help =
            "print the models of a pool as lines of NUMBER and NAME; or make the one called NAME if there is none, and\n"
            "print its line; it stays as long as the pool",
        .json_members = json_members_of_model,
        .run = cmd_model,
    },
    {
        .name = "policy",
        .operands = {&operand_pool, &operand_setting},
        .operands_needed = 1,
        .repeats_last = true,
        .options = JSON,
        .help = "print how marks are understood, or change settings of it, at once for all processes",
        .settings = policy_settings,
        .json_members = json_members_of_policy,
        .run = cmd_policy,
    },
    {
        .name = "limits",
        .operands = {&operand_pool, &operand_id_or_pool},
        .operands_needed = 1,
        .group_replaces = &operand_id_or_pool,
        .options = OPTIONS_OF_LIMITS | OPTION_BIT(OPTION_LIST) | OPTION_BIT(OPTION_DRY_RUN) | JSON,
        .help =
            "print the limits in force, as lines that --file takes: of the pool, with an ID those of a key or a group;\n"
            "or change those that are given, at once for all processes; without an ID those of all",
        .json_members = json_members_of_limits,
        .run = cmd_limits,
    },
    {
        .name = "reap",
        .operands = {&operand_pool, &operand_pid},
        .operands_needed = 1,
        .options = JSON,
        .help = "give back what dead workers hold of requests in flight, and print how many; a pick does so by itself",
        .json_members = json_members_of_reap,
        .run = cmd_reap,
    },
    {
        .name = "reset",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "record which cooldowns are over, and print how many",
        .json_members = json_members_of_reset,
        .run = cmd_reset,
    },
    {
        .name = "metadata",
        .operands = {&operand_pool, &operand_id, &operand_name, &operand_value},
        .operands_needed = 2,
        .options = OPTION_BIT(OPTION_DELETE) | JSON,
        .help = "print the notes kept with a key as lines of NAME=VALUE, or the one called NAME, or set it to VALUE;\n"
                "everyone who can inspect the pool sees them, so a VALUE that contains one of its keys is refused",
        .json_members = json_members_of_metadata,
        .run = cmd_metadata,
    },
    {
        .name = "label",
        .operands = {&operand_pool, &operand_id, &operand_text},
        .operands_needed = 2,
        .options = OPTION_BIT(OPTION_DELETE) | JSON,
        .help = "print or set a key's label: short for metadata POOL ID label [TEXT]",
        .json_members = json_members_of_label,
        .run = cmd_label,
    },
    {
        .name = "export",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_WITH_KEYS),
        .help = "print a pool's state as JSON, for import: policy, limits, groups, models, marks, pauses, priorities,\n"
                "weights, metadata and the time, but no keys",
        .json_members = json_members_of_export,
        .run = cmd_export,
    },
    {
        .name = "import",
        .operands = {&operand_pool, &operand_file},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_DRY_RUN) | JSON,
        .help = "restore what export wrote, from FILE or standard input: everything is checked before anything is\n"
                "changed; the pool gets the policy and the limits; keys in the file are added, but then only its\n"
                "owner may be able to read it; groups and models are made; keys that are in the pool get their group,\n"
                "their marks, with the rest of a cooldown by the wall clock, their limits, priority, weight and\n"
                "metadata; as with mark, no status improves",
        .json_members = json_members_of_import,
        .run = cmd_import,
    },
    {
        .name = "verify",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "check every invariant of a pool; print each that is broken, and exit with 3 if there is any",
        .json_members = json_members_of_verify,
        .run = cmd_verify,
    },
    {
        .name = "repair",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "print what verify finds, and repair it; no key and no status is changed",
        .json_members = json_members_of_repair,
        .run = cmd_repair,
    },
    {
        .name = "holder",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = JSON,
        .help = "print which process holds the pool's mutex, and for how long; only adding and removing keys takes it",
        .json_members = json_members_of_holder,
        .run = cmd_holder,
    },
    {
        .name = "break-lock",
        .operands = {&operand_pool},
        .operands_needed = 1,
        .options = OPTION_BIT(OPTION_YES) | JSON,
        .help = "kill the process that holds the pool's mutex, with SIGKILL, and recover the pool: only if that\n"
                "process is stopped, or has held it for more than a second; show it, and ask first",
        .json_members = json_members_of_break_lock,
        .run = cmd_break_lock,
    },
    {.name = NULL},
};
