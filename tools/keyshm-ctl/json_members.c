/* SPDX-License-Identifier: MIT */
#include "json_members.h"

#include <stddef.h>

#include "benched_by.h"

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
    {"groups_max", "how many groups it has room for"},
    {"models_max", "how many models it has room for"},
    {"in_flight_max", "how many places for requests in flight each key has"},
    {"group_in_flight_max", "the same of each group"},
    {"provider_rules", "the name of the rules by which it is judged what its provider answers"},
    MEMBERS_END};

const struct json_member json_members_of_destroy[] = {MEMBERS_OF_ALL, MEMBERS_END};

#define MEMBER_ELSEWHERE \
    MEMBER("elsewhere", "with --group: keys that were there before, and stay in another group or in none; otherwise 0")
#define MEMBER_DRY_RUN MEMBER("is_dry_run", "true: nothing was changed")

const struct json_member json_members_of_add[] = {
    MEMBERS_OF_ALL,
    MEMBER_DRY_RUN,
    {"added", "keys that are new in the pool"},
    {"present", "keys that were there before"},
    MEMBER_ELSEWHERE,
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
                                                  {"removed", "keys that were in the pool or group, and were not given"},
                                                  MEMBER_ELSEWHERE,
                                                  MEMBERS_END};

const struct json_member json_members_of_remove[] = {MEMBERS_OF_ALL, MEMBER_ID, MEMBERS_END};

#define MEMBER_IDS MEMBER("ids", "the ids of the keys, in this pool")

const struct json_member json_members_of_priority[] = {
    MEMBERS_OF_ALL, MEMBER_IDS, {"priority", "that they have now: 0, which goes first, to 3"}, MEMBERS_END};

const struct json_member json_members_of_weight[] = {
    MEMBERS_OF_ALL, MEMBER_IDS, {"weight", "that they have now: 1 to 15"}, MEMBERS_END};

const struct json_member json_members_of_next[] = {
    MEMBERS_OF_ALL,
    MEMBER_ID,
    {"key", "the key itself"},
    {"stamp", "what was known of the key, in 64 bits as a string: for a mark that answers this pick"},
    {"model", "the number of the model; 0: whatever the model"},
    MEMBERS_END};

const struct json_member json_members_of_mark[] = {MEMBERS_OF_ALL,
                                                   {"id", "that of the key or group, in this pool; 0: all"},
                                                   {"model", "the number of the model; 0: whatever the model"},
                                                   {"status", "as a pick for that model sees it now"},
                                                   {"reason", "why it has that status; none: not known"},
                                                   {"cooldown_left_ms", "until it is available; 0: none; -1: no end"},
                                                   {"is_paused", "true: it is not picked, whatever its status"},
                                                   {"benched_by", BENCHED_BY_HELP},
                                                   {"changed", "how many keys and groups changed their state"},
                                                   MEMBERS_END};

#define MEMBERS_OF_PAUSE                                                    \
    MEMBERS_OF_ALL, MEMBER("id", "that of the key or group, in this pool"), \
        MEMBER("is_paused", "true: it is not picked, whatever its status")

const struct json_member json_members_of_pause[] = {MEMBERS_OF_PAUSE, MEMBERS_END};

const struct json_member json_members_of_resume[] = {MEMBERS_OF_PAUSE, MEMBERS_END};

const struct json_member json_members_of_group[] = {
    MEMBERS_OF_ALL,
    {"groups", "those of the pool, or the one with that name; none if it was deleted"},
    {"groups.id", "the group's id, in this pool"},
    {"groups.name", "its name"},
    {"groups.key_count", "how many keys are in it"},
    {"groups.status", "available, rate_limited, quota_exceeded or invalid"},
    {"groups.cooldown_left_ms", "until it is available; 0: none; -1: no end"},
    {"groups.reason", "why it has that status; none: not known"},
    {"groups.is_paused", "true: none of its keys is picked, whatever its status"},
    MEMBERS_END};

const struct json_member json_members_of_model[] = {MEMBERS_OF_ALL,
                                                    {"models", "those of the pool, or the one with that name"},
                                                    {"models.number", "the model's number, in this pool"},
                                                    {"models.name", "its name"},
                                                    MEMBERS_END};

const struct json_member json_members_of_policy[] = {MEMBERS_OF_ALL,
                                                     {"cooldown_ms", "of a rate limit without a duration; 0: no end"},
                                                     {"cooldown_growth_percent", "of each further one in a row"},
                                                     {"cooldown_max_ms", "of a rate limit, at most"},
                                                     {"streak_forget_ms", "when failures are no longer in a row"},
                                                     {"invalid_after", "so many invalid marks in a row are final"},
                                                     {"invalid_retry_ms", "when an invalid key is tried; -1: never"},
                                                     {"quota_retry_ms", "the same of an exceeded quota"},
                                                     {"probe_ms", "how long a probe is waited for; 0: none"},
                                                     {"lease_max_ms", "how long a lease has its place; 0: no end"},
                                                     MEMBERS_END};

#define MEMBERS_OF_LIMITS                                                                         \
    MEMBER("limits.model", "the name of the model that they are for; null: whatever the model"),  \
        MEMBER("limits.requests", "an object: amount, per_ms, burst and charge; null: no limit"), \
        MEMBER("limits.tokens", "the same"), MEMBER("limits.requests_long", "the same"),          \
        MEMBER("limits.tokens_long", "the same"),                                                 \
        MEMBER("limits.in_flight", "how many requests at the same time; 0: no limit")

const struct json_member json_members_of_limits[] = {
    MEMBERS_OF_ALL,
    MEMBER_DRY_RUN,
    {"limits", "those that are in force, or that were set"},
    {"limits.id", "of which key or group, in this pool; 0: of every key that has none of its own"},
    {"limits.group", "the name of the group; null: of a key, or of all"},
    MEMBERS_OF_LIMITS,
    MEMBERS_END};

const struct json_member json_members_of_reap[] = {
    MEMBERS_OF_ALL, {"given_back", "how many leases of dead workers"}, MEMBERS_END};

const struct json_member json_members_of_success[] = {MEMBERS_OF_ALL, MEMBER_ID, MEMBERS_END};

const struct json_member json_members_of_check[] = {
    MEMBERS_OF_ALL,
    {"rules", "the name of the provider by whose rules answers were judged"},
    {"asked", "keys that the provider was asked about"},
    {"became_available", "of these, keys that were not available before, and are now"},
    {"keys", "those that were to be asked about, in the order of their slots"},
    {"keys.id", "the key's id, in this pool"},
    {"keys.masked_key", "the part of the key that may be shown"},
    {"keys.before", "its status before the request, as a pick sees it, by the key and its group"},
    {"keys.now", "its status after the answer; removed: it is no longer in the pool"},
    {"keys.answer",
     "good, bad, unclear (nothing about the key), none, or not_asked, or removed before it was asked about"},
    {"keys.http_status", "of the answer; 0: there is none"},
    {"keys.transport", "how the exchange ended: ok, timeout, dns, connect, tls, reset"},
    {"keys.rule", "the rule that decided; null: none"},
    MEMBERS_END};

#define MEMBERS_OF_VERDICT                                                                                           \
    MEMBER("is_success", "true: the request was answered as wanted"),                                                \
        MEMBER("mark", "an object: status, duration_ms (null: as the policy says), until_marked, scope and reason; " \
                       "null: none"),                                                                                \
        MEMBER("scope", "whom it concerns: none, key, group, model or provider"),                                    \
        MEMBER("retry", "what helps the request: none, other_key, later or never"),                                  \
        MEMBER("wait_ms", "without a mark: for so long nobody should ask; -1: not said"),                            \
        MEMBER("model", "that the answer is about, as it spells it; null: it names none"),                           \
        MEMBER("requests", "what is left, an object: limit, remaining and reset_ms; -1: not said"),                  \
        MEMBER("tokens", "the same of tokens of both kinds together"), MEMBER("input_tokens", "the same"),           \
        MEMBER("output_tokens", "the same"), MEMBER("budget_scope", "whose budgets these are, as scope"),            \
        MEMBER("rule", "the rule that decided, as openai/insufficient-quota; null: none")

const struct json_member json_members_of_judge[] = {
    MEMBER("schema", "1; it grows when a member changes its meaning, not when one is added"),
    {"provider", "the name of the provider whose rules were asked for"},
    MEMBERS_OF_VERDICT,
    MEMBERS_END};

const struct json_member json_members_of_report[] = {MEMBERS_OF_ALL, MEMBER_ID, MEMBERS_OF_VERDICT, MEMBERS_END};

const struct json_member json_members_of_providers[] = {
    MEMBER("schema", "1; it grows when a member changes its meaning, not when one is added"),
    {"providers", "the rules of each, as keyshm-providers(5) has them, with origin"},
    MEMBERS_END};

const struct json_member json_members_of_reset[] = {
    MEMBERS_OF_ALL, {"became_available", "keys and groups whose cooldown was over"}, MEMBERS_END};

const struct json_member json_members_of_metadata[] = {
    MEMBERS_OF_ALL, MEMBER_ID, {"metadata", "the notes kept with the key, by name"}, MEMBERS_END};

const struct json_member json_members_of_label[] = {
    MEMBERS_OF_ALL, MEMBER_ID, {"label", "the key's label; null: none"}, MEMBERS_END};

#define MEMBERS_OF_SUBJECT(list)                                                                                      \
    MEMBER(list ".status", "its own, whatever the model: available, rate_limited, quota_exceeded or invalid"),        \
        MEMBER(list ".cooldown_left_ms", "at the time of the export; 0: none; -1: no end"),                           \
        MEMBER(list ".reason", "why it has that status; none: not known"),                                            \
        MEMBER(list ".is_paused", "true: it is not picked, whatever its status"),                                     \
        MEMBER(list ".streak", "failures in a row: rate_limits, invalids and failed_ago_ms; null: none"),             \
        MEMBER(list ".models", "an object by the models' names: status, cooldown_left_ms, reason and streak for it"), \
        MEMBER(list ".limits", "its own, as of the pool"),                                                            \
        MEMBER(list ".marked", "how often it was marked with each status; import does not restore it")

const struct json_member json_members_of_export[] = {
    MEMBERS_OF_ALL,
    {"kind", "\"keyshm-export\""},
    {"exported_unix_ms", "the time of the export: milliseconds since 1970"},
    {"capacity", "of the pool"},
    {"key_max", "of the pool"},
    {"default_cooldown_ms", "of the pool"},
    {"provider_rules", "the name of its rules; create --provider-rules"},
    {"policy", "an object with the settings, as of policy"},
    {"limits", "an array: those of every key that has none of its own"},
    MEMBERS_OF_LIMITS,
    {"with_keys", "true: keys.key is there"},
    {"fingerprint_setting", "method, rounds and salt of the fingerprints, as crypt(5) has them"},
    {"models", "their names, in the order of their numbers"},
    {"groups", "all groups"},
    {"groups.name", "its name"},
    MEMBERS_OF_SUBJECT("groups"),
    {"keys", "all keys, in the order of their slots"},
    {"keys.slot", "its place in the pool"},
    {"keys.masked_key", "the part of the key that may be shown"},
    MEMBERS_OF_SUBJECT("keys"),
    {"keys.group", "the name of the group that it is in; null: none"},
    {"keys.priority", "it is picked only while no key of a lower one is available: 0 to 3"},
    {"keys.weight", "its share of the turns, among the keys of its priority: 1 to 15"},
    {"keys.metadata", "the notes kept with it, by name"},
    {"keys.fingerprint",
     "a salted hash by which import finds the key; null with --with-keys, and of one with fewer than 20 bytes"},
    {"keys.key", "the key itself; only with --with-keys"},
    MEMBERS_END};

const struct json_member json_members_of_import[] = {
    MEMBERS_OF_ALL,
    MEMBER_DRY_RUN,
    {"key_count", "keys in the file"},
    {"added", "keys that are new in the pool"},
    {"found", "keys that were in the pool before"},
    {"not_found", "keys that are not in the pool"},
    {"marked", "keys and groups that were marked: benched, and their cooldown is not over"},
    {"paused", "keys and groups that were paused"},
    {"groups_added", "groups that are new in the pool"},
    {"moved", "keys that were in the pool before, and were put in another group"},
    {"reordered", "keys that were in the pool before, and got another priority or weight"},
    {"models_added", "models that are new in the pool"},
    {"policy_changed", "true: the policy was another one before"},
    {"limited", "keys and groups that were given limits, and 1 more for those of the pool"},
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
