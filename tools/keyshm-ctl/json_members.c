/* SPDX-License-Identifier: MIT */
#include "json_members.h"

#include <stddef.h>

/* What is in an array is written as "keys.id". */

#define MEMBERS_OF_ALL                                                                  \
    {"schema", "1; it grows when a member changes its meaning, not when one is added"}, \
    {                                                                                   \
        "provider", "the pool's name"                                                   \
    }
#define MEMBERS_END \
    {               \
        NULL, NULL  \
    }
#define MEMBER_ID                        \
    {                                    \
        "id", "of the key, in this pool" \
    }
#define MEMBERS_OF_THE_HOLDER                                                                               \
    {"mutex_holder_pid", "the process that holds the pool's mutex; 0: none; -1: in another PID namespace"}, \
        {"mutex_holder_name", "its name, as in /proc/PID/comm; \"\": not known"},                           \
        {"mutex_holder_state", "its state, a letter as in /proc/PID/stat, T is stopped; \"\": not known"},  \
    {                                                                                                       \
        "mutex_held_ms", "for how long it has held it; -1: not known"                                       \
    }
#define MEMBERS_OF_PROBLEMS                              \
    {"problem_count", "how much was not as it must be"}, \
    {                                                    \
        "problems", "the first 32 of it, in words"       \
    }

const struct json_member json_members_of_create[] = {
    MEMBERS_OF_ALL,
    {"capacity", "room for so many keys"},
    {"key_max", "room for keys of so many bytes"},
    {"default_cooldown_ms", "when rate_limited without a time; 0: no end"},
    MEMBERS_END};

const struct json_member json_members_of_destroy[] = {MEMBERS_OF_ALL, MEMBERS_END};

const struct json_member json_members_of_add[] = {MEMBERS_OF_ALL,
                                                  {"added", "keys that are new in the pool"},
                                                  {"present", "keys that were there before"},
                                                  {"count", "keys in the pool now"},
                                                  {"capacity", "keys that it has room for"},
                                                  {"keys", "those that were given, in their order"},
                                                  {"keys.id", "of the key, in this pool"},
                                                  {"keys.masked_key", "what may be shown of the key"},
                                                  {"keys.present", "true: it was there before"},
                                                  MEMBERS_END};

const struct json_member json_members_of_remove[] = {MEMBERS_OF_ALL, MEMBER_ID, MEMBERS_END};

const struct json_member json_members_of_next[] = {MEMBERS_OF_ALL, MEMBER_ID, {"key", "the key itself"}, MEMBERS_END};

const struct json_member json_members_of_mark[] = {MEMBERS_OF_ALL,
                                                   MEMBER_ID,
                                                   {"status", "what is known of the key now"},
                                                   {"cooldown_left_ms", "until it is available; 0: none; -1: no end"},
                                                   MEMBERS_END};

const struct json_member json_members_of_reset[] = {
    MEMBERS_OF_ALL, {"became_available", "keys whose cooldown was over"}, MEMBERS_END};

const struct json_member json_members_of_metadata[] = {
    MEMBERS_OF_ALL, MEMBER_ID, {"metadata", "all of the key's, by name"}, MEMBERS_END};

const struct json_member json_members_of_label[] = {
    MEMBERS_OF_ALL, MEMBER_ID, {"label", "the key's label; null: none"}, MEMBERS_END};

const struct json_member json_members_of_export[] = {
    MEMBERS_OF_ALL,
    {"kind", "\"keyshm-export\""},
    {"exported_unix_ms", "when, by the wall clock: milliseconds since 1970"},
    {"capacity", "of the pool"},
    {"key_max", "of the pool"},
    {"default_cooldown_ms", "of the pool"},
    {"with_keys", "true: keys.key is there"},
    {"fingerprint_setting", "method, rounds and salt of the fingerprints, as crypt(5) has them"},
    {"keys", "all keys, in order of slots"},
    {"keys.slot", "its place"},
    {"keys.masked_key", "what may be shown of the key"},
    {"keys.status", "available, rate_limited, quota_exceeded or invalid"},
    {"keys.cooldown_left_ms", "at that moment, until it is available; 0: none; -1: no end"},
    {"keys.marked", "how often it was marked with each status; import does not restore it"},
    {"keys.metadata", "the notes kept with it, by name"},
    {"keys.fingerprint", "by which import finds the same key; null for keys below 20 bytes: they could be guessed"},
    {"keys.key", "the key itself; only with --with-keys"},
    MEMBERS_END};

const struct json_member json_members_of_import[] = {
    MEMBERS_OF_ALL,
    {"is_dry_run", "true: nothing was changed"},
    {"key_count", "keys in the file"},
    {"added", "keys that are new in the pool"},
    {"found", "keys that were in the pool before"},
    {"not_found", "keys that are not in the pool"},
    {"marked", "keys that were marked: not available, and not over by now"},
    MEMBERS_END};

const struct json_member json_members_of_verify[] = {MEMBERS_OF_ALL, MEMBERS_OF_PROBLEMS, MEMBERS_END};

const struct json_member json_members_of_repair[] = {
    MEMBERS_OF_ALL, MEMBERS_OF_PROBLEMS, {"left_count", "how much of it is not right now either"}, MEMBERS_END};

const struct json_member json_members_of_holder[] = {MEMBERS_OF_ALL, MEMBERS_OF_THE_HOLDER, MEMBERS_END};

const struct json_member json_members_of_break_lock[] = {
    MEMBERS_OF_ALL,
    MEMBERS_OF_THE_HOLDER,
    {"was_killed", "true: it was killed, and the pool recovered"},
    {"was_in_change", "true: it died while it added or removed a key"},
    {"recoveries", "how often a dead holder was cleaned up after, so far"},
    MEMBERS_END};
