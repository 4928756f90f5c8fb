/* SPDX-License-Identifier: MIT */
#include "json_members.h"

#include <stddef.h>

#define MEMBER(name, help) \
    {                      \
        name, help         \
    }
#define MEMBERS_END MEMBER(NULL, NULL)

#define MEMBERS_OF_ALL                                                                        \
    MEMBER("schema", "1; it grows when a member changes its meaning, not when one is added"), \
        MEMBER("provider", "the pool's name")
#define MEMBER_ID MEMBER("id", "the key's id, in this pool")
#define MEMBERS_OF_THE_HOLDER                                                                                     \
    MEMBER("mutex_holder_pid", "the process that holds the pool's mutex; 0: none; -1: in another PID namespace"), \
        MEMBER("mutex_holder_name", "its name, as in /proc/PID/comm; \"\": not known"),                           \
        MEMBER("mutex_holder_state", "its state, a letter as in /proc/PID/stat, T is stopped; \"\": not known"),  \
        MEMBER("mutex_held_ms", "for how long it has held the mutex; -1: not known")
#define MEMBERS_OF_PROBLEMS \
    MEMBER("problem_count", "how many invariants are broken"), MEMBER("problems", "the first 32 of them, in words")

const struct json_member json_members_of_create[] = {
    MEMBERS_OF_ALL,
    {"capacity", "how many keys it has room for"},
    {"key_max", "the longest key it has room for, in bytes"},
    {"default_cooldown_ms", "of a rate limit without a duration; 0: no end"},
    MEMBERS_END};

const struct json_member json_members_of_destroy[] = {MEMBERS_OF_ALL, MEMBERS_END};

#define MEMBER_DRY_RUN MEMBER("is_dry_run", "true: nothing was changed")

const struct json_member json_members_of_add[] = {
    MEMBERS_OF_ALL,
    MEMBER_DRY_RUN,
    {"added", "keys that are new in the pool"},
    {"present", "keys that were there before"},
    {"count", "keys in the pool now"},
    {"capacity", "how many keys it has room for"},
    {"keys", "the keys that were given, in their order"},
    {"keys.id", "the key's id, in this pool; 0: not there"},
    {"keys.masked_key", "the part of the key that may be shown; \"-\": not there"},
    {"keys.present", "true: it was there before"},
    MEMBERS_END};

const struct json_member json_members_of_set[] = {MEMBERS_OF_ALL,
                                                  MEMBER_DRY_RUN,
                                                  {"kept", "keys that stay"},
                                                  {"added", "keys that are new in the pool"},
                                                  {"removed", "keys that were in the pool, and were not given"},
                                                  MEMBERS_END};

const struct json_member json_members_of_remove[] = {MEMBERS_OF_ALL, MEMBER_ID, MEMBERS_END};

const struct json_member json_members_of_next[] = {
    MEMBERS_OF_ALL,
    MEMBER_ID,
    {"key", "the key itself"},
    {"stamp", "what was known of the key: for a mark that answers this pick"},
    MEMBERS_END};

const struct json_member json_members_of_mark[] = {MEMBERS_OF_ALL,
                                                   {"id", "the key's id, in this pool; 0: all"},
                                                   {"status", "the key's status now"},
                                                   {"reason", "why it has that status; none: not known"},
                                                   {"cooldown_left_ms", "until it is available; 0: none; -1: no end"},
                                                   {"is_paused", "true: it is not picked, whatever its status"},
                                                   {"changed", "how many keys changed their state"},
                                                   MEMBERS_END};

#define MEMBERS_OF_PAUSE MEMBERS_OF_ALL, MEMBER_ID, MEMBER("is_paused", "true: it is not picked, whatever its status")

const struct json_member json_members_of_pause[] = {MEMBERS_OF_PAUSE, MEMBERS_END};

const struct json_member json_members_of_resume[] = {MEMBERS_OF_PAUSE, MEMBERS_END};

const struct json_member json_members_of_policy[] = {MEMBERS_OF_ALL,
                                                     {"cooldown_ms", "of a rate limit without a duration; 0: no end"},
                                                     {"cooldown_max_ms", "of a rate limit, at most"},
                                                     MEMBERS_END};

const struct json_member json_members_of_reset[] = {
    MEMBERS_OF_ALL, {"became_available", "keys whose cooldown was over"}, MEMBERS_END};

const struct json_member json_members_of_metadata[] = {
    MEMBERS_OF_ALL, MEMBER_ID, {"metadata", "the notes kept with the key, by name"}, MEMBERS_END};

const struct json_member json_members_of_label[] = {
    MEMBERS_OF_ALL, MEMBER_ID, {"label", "the key's label; null: none"}, MEMBERS_END};

const struct json_member json_members_of_export[] = {
    MEMBERS_OF_ALL,
    {"kind", "\"keyshm-export\""},
    {"exported_unix_ms", "the time of the export: milliseconds since 1970"},
    {"capacity", "of the pool"},
    {"key_max", "of the pool"},
    {"default_cooldown_ms", "of the pool"},
    {"policy", "an object with cooldown_ms and cooldown_max_ms, as of policy"},
    {"with_keys", "true: keys.key is there"},
    {"fingerprint_setting", "method, rounds and salt of the fingerprints, as crypt(5) has them"},
    {"keys", "all keys, in the order of their slots"},
    {"keys.slot", "its place in the pool"},
    {"keys.masked_key", "the part of the key that may be shown"},
    {"keys.status", "available, rate_limited, quota_exceeded or invalid"},
    {"keys.cooldown_left_ms", "at the time of the export; 0: none; -1: no end"},
    {"keys.reason", "why it has that status; none: not known"},
    {"keys.is_paused", "true: it is not picked, whatever its status"},
    {"keys.marked", "how often it was marked with each status; import does not restore it"},
    {"keys.metadata", "the notes kept with it, by name"},
    {"keys.fingerprint",
     "a salted hash by which import finds the key; null if it has fewer than 20 bytes: it could be guessed"},
    {"keys.key", "the key itself; only with --with-keys"},
    MEMBERS_END};

const struct json_member json_members_of_import[] = {
    MEMBERS_OF_ALL,
    MEMBER_DRY_RUN,
    {"key_count", "keys in the file"},
    {"added", "keys that are new in the pool"},
    {"found", "keys that were in the pool before"},
    {"not_found", "keys that are not in the pool"},
    {"marked", "keys that were marked: benched, and their cooldown is not over"},
    {"paused", "keys that were paused"},
    {"policy_changed", "true: the policy was another one before"},
    MEMBERS_END};

const struct json_member json_members_of_verify[] = {MEMBERS_OF_ALL, MEMBERS_OF_PROBLEMS, MEMBERS_END};

const struct json_member json_members_of_repair[] = {
    MEMBERS_OF_ALL, MEMBERS_OF_PROBLEMS, {"left_count", "how many invariants are still broken"}, MEMBERS_END};

const struct json_member json_members_of_holder[] = {MEMBERS_OF_ALL, MEMBERS_OF_THE_HOLDER, MEMBERS_END};

const struct json_member json_members_of_break_lock[] = {
    MEMBERS_OF_ALL,
    MEMBERS_OF_THE_HOLDER,
    {"was_killed", "true: it was killed, and the pool recovered"},
    {"was_in_change", "true: it died while it added or removed a key"},
    {"recoveries", "how often the pool was recovered from a dead holder"},
    MEMBERS_END};
