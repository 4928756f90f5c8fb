/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "clocks.h"
#include "metadata_rules.h"
#include "name_rules.h"
#include "number.h"
#include "request_rules.h"
#include "text.h"
#include "wall_time.h"

static int parse_unsigned(const char *text, unsigned max, unsigned *ret_value)
{
    uint64_t value;
    int r = number_parse(text, max, &value);
    if (r == 0 && value == 0)
        r = -ERANGE;
    if (r == 0)
        *ret_value = (unsigned)value;
    return r;
}

static int parse_capacity(const char *text, struct arguments *arguments)
{
    return parse_unsigned(text, KEYSHM_CAPACITY_MAX, &arguments->create.capacity);
}

static int parse_key_max(const char *text, struct arguments *arguments)
{
    return parse_unsigned(text, KEYSHM_KEY_MAX, &arguments->create.key_max);
}

/* 0 is allowed. */
static int parse_count(const char *text, unsigned max, unsigned *ret_value)
{
    uint64_t value;
    int r = number_parse(text, max, &value);
    if (r == 0)
        *ret_value = (unsigned)value;
    return r;
}

static int parse_groups_max(const char *text, struct arguments *arguments)
{
    return parse_count(text, KEYSHM_GROUPS_MAX, &arguments->create.groups_max);
}

static int parse_models_max(const char *text, struct arguments *arguments)
{
    return parse_count(text, KEYSHM_MODELS_MAX, &arguments->create.models_max);
}

static int parse_in_flight_max(const char *text, struct arguments *arguments)
{
    return parse_count(text, KEYSHM_IN_FLIGHT_MAX, &arguments->create.in_flight_max);
}

static int parse_group_in_flight_max(const char *text, struct arguments *arguments)
{
    return parse_count(text, KEYSHM_GROUP_IN_FLIGHT_MAX, &arguments->create.group_in_flight_max);
}

static int parse_provider_rules(const char *text, struct arguments *arguments)
{
    arguments->create.provider_rules = text;
    return name_is_of_pool(text) ? 0 : -EINVAL;
}

static int parse_group(const char *text, struct arguments *arguments)
{
    arguments->group = text;
    return name_is_allowed(text) ? 0 : -EINVAL;
}

static int parse_model(const char *text, struct arguments *arguments)
{
    arguments->model = text;
    return name_is_allowed(text) ? 0 : -EINVAL;
}

#define LIMIT_PARSER(name, setting)                                        \
    static int parse_##name(const char *text, struct arguments *arguments) \
    {                                                                      \
        return limit_changes_parse(setting, text, &arguments->limits);     \
    }
LIMIT_PARSER(requests, LIMIT_REQUESTS)
LIMIT_PARSER(requests_burst, LIMIT_REQUESTS_BURST)
LIMIT_PARSER(tokens, LIMIT_TOKENS)
LIMIT_PARSER(tokens_burst, LIMIT_TOKENS_BURST)
LIMIT_PARSER(tokens_charge, LIMIT_TOKENS_CHARGE)
LIMIT_PARSER(requests_long, LIMIT_REQUESTS_LONG)
LIMIT_PARSER(requests_long_burst, LIMIT_REQUESTS_LONG_BURST)
LIMIT_PARSER(tokens_long, LIMIT_TOKENS_LONG)
LIMIT_PARSER(tokens_long_burst, LIMIT_TOKENS_LONG_BURST)
LIMIT_PARSER(tokens_long_charge, LIMIT_TOKENS_LONG_CHARGE)
LIMIT_PARSER(in_flight, LIMIT_IN_FLIGHT)

static int parse_none(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->is_none = true;
    return 0;
}

static int parse_list(const char *text, struct arguments *arguments)
{
    arguments->list = text;
    return text[0] != '\0' ? 0 : -EINVAL;
}

static int parse_scope(const char *text, struct arguments *arguments)
{
    arguments->has_scope = true;
    arguments->scope = strcmp(text, "group") == 0 ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY;
    return arguments->scope == KEYSHM_SCOPE_GROUP || strcmp(text, "key") == 0 ? 0 : -EINVAL;
}

static int parse_ids(const char *text, struct id_list *ids)
{
    char element[TEXT_ELEMENT_SIZE];
    int r = 0;
    while (r == 0 && text_next_element(&text, element))
        r = ids->count < ID_LIST_MAX ? number_parse(element, UINT64_MAX, &ids->ids[ids->count++]) : -E2BIG;
    return r;
}

static int parse_put_in(const char *text, struct arguments *arguments)
{
    return parse_ids(text, &arguments->put_in);
}

static int parse_take_out(const char *text, struct arguments *arguments)
{
    return parse_ids(text, &arguments->take_out);
}

/* Or the masked form of one key. */
static int parse_key_ids(const char *text, struct arguments *arguments)
{
    if (text_find_ellipsis(text) != NULL) {
        arguments->masked_key = text;
        return 0;
    }
    return parse_ids(text, &arguments->ids);
}

static int parse_priority(const char *text, struct arguments *arguments)
{
    return parse_count(text, KEYSHM_PRIORITY_MAX, &arguments->priority);
}

static int parse_weight(const char *text, struct arguments *arguments)
{
    return parse_unsigned(text, KEYSHM_WEIGHT_MAX, &arguments->weight);
}

static int parse_cooldown(const char *text, struct arguments *arguments)
{
    return number_parse_seconds(text, &arguments->create.default_cooldown_ms);
}

static int parse_retry_after(const char *text, struct arguments *arguments)
{
    return number_parse_seconds(text, &arguments->retry_after_ms);
}

static int parse_until(const char *text, struct arguments *arguments)
{
    int r = wall_time_parse(text, &arguments->until_unix_ms);
    return r == 0 && arguments->until_unix_ms - clock_wall_ms() > KEYSHM_DURATION_MAX_MS ? -ERANGE : r;
}

static int parse_reason(const char *text, struct arguments *arguments)
{
    int r = keyshm_reason_from_name(text, &arguments->reason);
    return r == 0 && arguments->reason == KEYSHM_REASON_NONE ? -EINVAL : r;
}

static int parse_statuses(const char *text, struct arguments *arguments)
{
    enum keyshm_status status;
    int r = keyshm_status_from_name(text, &status);
    if (r == 0)
        arguments->statuses |= 1u << status;
    return r == 0 && status == KEYSHM_AVAILABLE ? -EINVAL : r;
}

static int parse_setting(const char *text, struct arguments *arguments)
{
    return policy_changes_parse(text, &arguments->policy);
}

static int parse_stamp(const char *text, struct arguments *arguments)
{
    int r = number_parse(text, UINT64_MAX, &arguments->stamp);
    return r == 0 && arguments->stamp == 0 ? -ERANGE : r;
}

static int parse_provider(const char *text, struct arguments *arguments)
{
    arguments->rules_of = text;
    return name_is_of_pool(text) ? 0 : -EINVAL;
}

static int parse_transport(const char *text, struct arguments *arguments)
{
    static const char *const names[KEYSHM_HTTP_TRANSPORT_COUNT] = {
        [KEYSHM_HTTP_TRANSPORT_TIMEOUT] = "timeout", [KEYSHM_HTTP_TRANSPORT_DNS] = "dns",
        [KEYSHM_HTTP_TRANSPORT_CONNECT] = "connect", [KEYSHM_HTTP_TRANSPORT_TLS] = "tls",
        [KEYSHM_HTTP_TRANSPORT_RESET] = "reset",     [KEYSHM_HTTP_TRANSPORT_REFUSED_STREAM] = "refused_stream",
    };
    for (int i = KEYSHM_HTTP_TRANSPORT_OK + 1; i < KEYSHM_HTTP_TRANSPORT_COUNT; i++) {
        if (strcmp(names[i], text) == 0) {
            arguments->transport = (enum keyshm_http_transport)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_report(const char *text, struct arguments *arguments)
{
    arguments->report = text;
    return text[0] != '\0' && strcmp(text, "-") != 0 ? 0 : -EINVAL;
}

static int parse_verbose(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->is_verbose = true;
    return 0;
}

/* As keyshm_layout_name() has it. */
static int parse_layout(const char *text, struct arguments *arguments)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t length = strlen(text);
    arguments->layout = text;
    return length > 0 && length <= KEYSHM_LAYOUT_NAME_MAX && strspn(text, allowed) == length ? 0 : -EINVAL;
}

static int parse_all(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->is_for_all = true;
    return 0;
}

static int parse_url(const char *text, struct arguments *arguments)
{
    arguments->url = text;
    return request_url_is_allowed(text) ? 0 : -EINVAL;
}

static int parse_method(const char *text, struct arguments *arguments)
{
    arguments->method = text;
    return request_method_is_allowed(text) ? 0 : -EINVAL;
}

static int parse_header(const char *text, struct arguments *arguments)
{
    if (!request_header_is_allowed(text))
        return -EINVAL;
    if (arguments->header_count == HEADER_LIST_MAX)
        return -E2BIG;
    arguments->headers[arguments->header_count++] = text;
    return 0;
}

static int parse_parallel(const char *text, struct arguments *arguments)
{
    return parse_unsigned(text, CHECK_PARALLEL_MAX, &arguments->parallel);
}

/* As the name of a pool. */
static int parse_wait(const char *text, struct arguments *arguments)
{
    if (strcmp(text, "forever") == 0) {
        arguments->wait_ms = KEYSHM_UNTIL_MARKED;
        return 0;
    }
    return number_parse_seconds(text, &arguments->wait_ms);
}

static int parse_estimate(const char *text, struct arguments *arguments)
{
    return limit_amount_parse(text, &arguments->tokens);
}

static int parse_env(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->from_environment = true;
    return 0;
}

static int parse_env_name(const char *text, struct arguments *arguments)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    if (text[0] == '\0' || (text[0] >= '0' && text[0] <= '9') || text[strspn(text, allowed)] != '\0')
        return -EINVAL;
    arguments->variable = text;
    return 0;
}

static int parse_on_status(const char *text, struct arguments *arguments)
{
    return exit_rules_parse(text, &arguments->on_status);
}

static int parse_file(const char *text, struct arguments *arguments)
{
    arguments->file = text;
    return text[0] != '\0' && strcmp(text, "-") != 0 ? 0 : -EINVAL;
}

static int parse_with_keys(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->with_keys = true;
    return 0;
}

static int parse_dry_run(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->is_dry_run = true;
    return 0;
}

static int parse_allow_empty(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->allows_empty = true;
    return 0;
}

static int parse_delete(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->is_deletion = true;
    return 0;
}

static int parse_yes(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->has_consent = true;
    return 0;
}

static int parse_json(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->json = true;
    return 0;
}

/* The library checks the name. */
static int parse_pool(const char *text, struct arguments *arguments)
{
    arguments->pool = text;
    return 0;
}

static int parse_id(const char *text, struct arguments *arguments)
{
    arguments->has_id = true;
    if (text_find_ellipsis(text) != NULL) {
        arguments->masked_key = text;
        return 0;
    }
    return number_parse(text, UINT64_MAX, &arguments->id);
}

static int parse_id_or_all(const char *text, struct arguments *arguments)
{
    arguments->is_for_all = strcmp(text, "all") == 0;
    arguments->has_id = true;
    return arguments->is_for_all ? 0 : parse_id(text, arguments);
}

static int parse_pid(const char *text, struct arguments *arguments)
{
    unsigned pid;
    int r = parse_unsigned(text, INT_MAX, &pid);
    if (r == 0)
        arguments->pid = (pid_t)pid;
    return r;
}

static int parse_status(const char *text, struct arguments *arguments)
{
    return keyshm_status_from_name(text, &arguments->status);
}

static int parse_name(const char *text, struct arguments *arguments)
{
    arguments->name = text;
    return metadata_name_is_allowed(text) ? 0 : -EINVAL;
}

static int parse_value(const char *text, struct arguments *arguments)
{
    arguments->value = text;
    return metadata_value_is_allowed(text) ? 0 : -EINVAL;
}

#define SECONDS_RULE "seconds from 0 to 31622400 (366 days), optionally with a decimal fraction"
#define TIME_RULE "a time within 366 days, such as 2026-12-01, 2026-12-01T08:30 or 2026-12-01T08:30:00Z"
#define ID_RULE "a number, as keyshm-stat --ids shows it, or the masked form of a key, such as sk-...6789"
#define IDS_RULE "up to 1024 ids of keys, as keyshm-stat --ids shows them, with commas between"
#define REASON_RULE                                                                                               \
    "peer, budget, timeout, server_error, overloaded, rate_limit, quota, billing, permission, authentication or " \
    "operator"
#define TRANSPORT_RULE "timeout, dns, connect, tls, reset or refused_stream"
_Static_assert(KEYSHM_HTTP_TRANSPORT_COUNT == 7, "TRANSPORT_RULE");
_Static_assert(KEYSHM_DURATION_MAX_MS == INT64_C(31622400) * 1000, "SECONDS_RULE, TIME_RULE");
_Static_assert(KEYSHM_REASON_COUNT == 12, "REASON_RULE");
_Static_assert(KEYSHM_CAPACITY_MAX == 1048576 && KEYSHM_KEY_MAX == 4096, "the rules of --capacity and --key-max");
_Static_assert(KEYSHM_LAYOUT_NAME_MAX == 16, "the rule of --layout");
_Static_assert(EXIT_RULES_MAX == 64, "the rule of --on-status");
_Static_assert(KEYSHM_GROUPS_MAX == 1024, "the rule of --groups-max");
_Static_assert(KEYSHM_MODELS_MAX == 1024, "the rule of --models-max");
_Static_assert(KEYSHM_IN_FLIGHT_MAX == 64, "the rule of --in-flight-max");
_Static_assert(KEYSHM_GROUP_IN_FLIGHT_MAX == 1024, "the rule of --group-in-flight-max");
_Static_assert(ID_LIST_MAX == 1024, "IDS_RULE, and the help of operand_ids");
_Static_assert(KEYSHM_PRIORITY_MAX == 3 && KEYSHM_WEIGHT_MAX == 15, "the rules of PRIORITY and WEIGHT");

const struct ctl_option ctl_options[OPTION_COUNT] = {
    [OPTION_CAPACITY] = {"--capacity", "N", "room for N keys (1024)", "a number from 1 to 1048576", parse_capacity,
                         false},
    [OPTION_KEY_MAX] = {"--key-max", "N", "room for keys of up to N bytes (512)", "a number from 1 to 4096",
                        parse_key_max, false},
    [OPTION_COOLDOWN] = {"--cooldown", "SECONDS",
                         "how long a rate limit without a duration lasts (60);\n"
                         "0: until the key is marked available",
                         SECONDS_RULE, parse_cooldown, false},
    [OPTION_GROUPS_MAX] = {"--groups-max", "N", "room for N groups (64)", "a number from 0 to 1024", parse_groups_max,
                           false},
    [OPTION_MODELS_MAX] = {"--models-max", "N", "room for N models (8)", "a number from 0 to 1024", parse_models_max,
                           false},
    [OPTION_IN_FLIGHT_MAX] = {"--in-flight-max", "N", "places for N requests in flight of each key (16)",
                              "a number from 0 to 64", parse_in_flight_max, false},
    [OPTION_GROUP_IN_FLIGHT_MAX] = {"--group-in-flight-max", "N", "the same of each group (64)",
                                    "a number from 0 to 1024", parse_group_in_flight_max, false},
    [OPTION_PROVIDER_RULES] = {"--provider-rules", "NAME",
                               "judge what its provider answers by the rules of that name (those of the pool's name)",
                               NAME_OF_POOL_RULE, parse_provider_rules, false},
    [OPTION_GROUP] = {"--group", "NAME", "the group of these keys, which is made if there is none of that name",
                      NAME_RULE, parse_group, false},
    [OPTION_GROUP_NAME] = {"--group", "NAME", "the group of that name, instead of an ID", NAME_RULE, parse_group, false},
    [OPTION_MODEL] = {"--model", "NAME",
                      "for this model, instead of whatever the model; it is made if there is none of that name, and if\n"
                      "there is room for another one",
                      NAME_RULE, parse_model, false},
    [OPTION_MODEL_KNOWN] = {"--model", "NAME", "for that model of the pool, instead of whatever the model", NAME_RULE,
                            parse_model, false},
    [OPTION_SCOPE] = {"--scope", "SCOPE",
                      "what the mark is about: key (the default), or group, the key's if it is in one", "key or group",
                      parse_scope, false},
    [OPTION_REQUESTS] = {"--requests", "RATE",
                         "so many requests in a time, such as 60/min, 8/600ms or 50k/day; none: as many as come;\n"
                         "times are s, min, h, day, ms, or some of them: 10min",
                         LIMIT_RATE_RULE, parse_requests, false},
    [OPTION_REQUESTS_BURST] = {"--requests-burst", "N",
                               "so many of them at once; without it a sixth of the amount that is given with --requests",
                               LIMIT_BURST_RULE, parse_requests_burst, false},
    [OPTION_TOKENS] = {"--tokens", "RATE", "the same of tokens, such as 90k/min or 2M/day", LIMIT_RATE_RULE, parse_tokens,
                       false},
    [OPTION_TOKENS_BURST] = {"--tokens-burst", "N", "so many of them at once", LIMIT_BURST_RULE, parse_tokens_burst,
                             false},
    [OPTION_TOKENS_CHARGE] = {"--tokens-charge", "WHEN",
                              "pick: a request is charged what it says that it will use, when the key is picked;\n"
                              "release: what it has used, when it ends (default: as the pool's provider counts)",
                              LIMIT_CHARGE_RULE, parse_tokens_charge, false},
    [OPTION_REQUESTS_LONG] = {"--requests-long", "RATE", "a second rate of requests, for a longer time: 1000/day",
                              LIMIT_RATE_RULE, parse_requests_long, false},
    [OPTION_REQUESTS_LONG_BURST] = {"--requests-long-burst", "N", "so many of them at once", LIMIT_BURST_RULE,
                                    parse_requests_long_burst, false},
    [OPTION_TOKENS_LONG] = {"--tokens-long", "RATE", "a second rate of tokens", LIMIT_RATE_RULE, parse_tokens_long,
                            false},
    [OPTION_TOKENS_LONG_BURST] = {"--tokens-long-burst", "N", "so many of them at once", LIMIT_BURST_RULE,
                                  parse_tokens_long_burst, false},
    [OPTION_TOKENS_LONG_CHARGE] = {"--tokens-long-charge", "WHEN", "when they are charged, as --tokens-charge",
                                   LIMIT_CHARGE_RULE, parse_tokens_long_charge, false},
    [OPTION_IN_FLIGHT] = {"--in-flight", "N",
                          "at most N requests at the same time, by all workers together; none: as many as come",
                          LIMIT_CAP_RULE, parse_in_flight, false},
    [OPTION_NONE] = {"--none", NULL,
                     "no limits of its own any longer, so that those of all count for a key; what was used is forgotten",
                     NULL, parse_none, false},
    [OPTION_LIST] = {"--file", "FILE",
                     "set those of FILE, - is standard input: lines of an ID or --group, and options, as they are given\n"
                     "here; each has all limits of its subject; all lines are checked before anything is changed",
                     "the name of a file, or -", parse_list, false},
    [OPTION_PUT_IN] = {"--put-in", "ID", "put the key with that ID in the group; may be repeated, or a list with commas",
                       IDS_RULE, parse_put_in, true},
    [OPTION_TAKE_OUT] = {"--take-out", "ID", "take it out, into no group; may be repeated, or a list with commas",
                         IDS_RULE, parse_take_out, true},
    [OPTION_ENV] = {"--env", NULL,
                    "from the environment instead of standard input: POOL_API_KEY, POOL_API_KEYS, POOL_API_KEY_1 ...\n"
                    "with the pool's name in upper case, and _ for each character that is neither letter nor digit;\n"
                    "each may have several keys, separated by commas",
                    NULL, parse_env, false},
    [OPTION_ENV_NAME] = {"--env", "NAME", "the environment variable in which COMMAND gets the key",
                         "a name of letters, digits and _ that does not begin with a digit", parse_env_name, false},
    [OPTION_ON_STATUS] = {"--on-status", "RULE",
                          "mark the key by the exit status of COMMAND: STATUS=MARK or STATUS=MARK:SECONDS, where STATUS\n"
                          "is a number, a range such as 64-70, or * for any; the first rule that matches counts;\n"
                          "give more rules after commas, or repeat the option",
                          "up to 64 rules such as 75=rate_limited:30,77=invalid,1-9=available,*=quota_exceeded:3600",
                          parse_on_status, true},
    [OPTION_WAIT] = {"--wait", "SECONDS", "if no key is available, wait up to SECONDS for one (0); forever: without end",
                     SECONDS_RULE ", or forever", parse_wait, false},
    [OPTION_ESTIMATE] = {"--tokens", "N",
                         "where tokens are limited, the request is charged N: what it will use, about (0)",
                         LIMIT_BURST_RULE, parse_estimate, false},
    [OPTION_OUTPUT] = {"--output", "FILE", "to a new FILE, with mode 0600, instead of standard output; it must not exist",
                       "the name of a new file", parse_file, false},
    [OPTION_WITH_KEYS] = {"--with-keys", NULL,
                          "include the keys themselves; only with --output, never to standard output;\n"
                          "anyone who can read that file can use the keys",
                          NULL, parse_with_keys, false},
    [OPTION_DRY_RUN] = {"--dry-run", NULL, "check everything, print what would be done, and change nothing", NULL,
                        parse_dry_run, false},
    [OPTION_ALLOW_EMPTY] = {"--allow-empty", NULL, "a list without keys is no mistake: remove them all", NULL,
                            parse_allow_empty, false},
    [OPTION_DELETE] = {"--delete", NULL, "delete it", NULL, parse_delete, false},
    [OPTION_YES] = {"--yes", NULL, "do not ask", NULL, parse_yes, false},
    [OPTION_JSON] = {"--json", NULL, "print one JSON object", NULL, parse_json, false},
    [OPTION_RETRY_AFTER] = {"--retry-after", "SECONDS",
                            "the key is available again after that time; with rate_limited and quota_exceeded",
                            SECONDS_RULE, parse_retry_after, false},
    [OPTION_UNTIL] = {"--until", "TIME",
                      "the same, by the wall clock: 2026-12-01, 2026-12-01T08:30, or 2026-12-01T08:30:00Z", TIME_RULE,
                      parse_until, false},
    [OPTION_REASON] = {"--reason", "REASON",
                       "why: peer, budget, timeout, server_error, overloaded, rate_limit, quota, billing, permission,\n"
                       "authentication or operator; without it rate_limit, quota or authentication, by the status",
                       REASON_RULE, parse_reason, false},
    [OPTION_STATUS] = {"--status", "STATUS",
                       "with all: lift this status, instead of rate_limited and quota_exceeded; may be repeated",
                       "rate_limited, quota_exceeded or invalid", parse_statuses, true},
    [OPTION_STAMP] = {"--stamp", "STAMP", "of the pick that was answered, as next --json prints it", "a number from 1 on",
                      parse_stamp, false},
    [OPTION_PROVIDER] = {"--provider", "NAME",
                         "by the rules of that name, instead of those of the pool (create --provider-rules)",
                         NAME_OF_POOL_RULE, parse_provider, false},
    [OPTION_TRANSPORT] =
        {"--transport", "WHAT",
         "no answer came, so none is read: timeout, dns, connect, tls, reset, or refused_stream, when the\n"
         "server had not begun with the request",
         TRANSPORT_RULE, parse_transport, false},
    [OPTION_REPORT] = {"--report", "FILE",
                       "when COMMAND has ended, report the answer that it has written to FILE, as curl -i -o FILE;\n"
                       "where there is none, --on-status counts",
                       "the name of a file", parse_report, false},
    [OPTION_VERBOSE] = {"--verbose", NULL, "print what judge prints", NULL, parse_verbose, false},
    [OPTION_LAYOUT] = {"--layout", "LAYOUT", "not the pool that this version reads, but the one of that layout",
                       "1 to 16 of a-z 0-9 -, as keyshm-stat names it", parse_layout, false},
    [OPTION_ALL] = {"--all", NULL, "ask about every key, also those that are available, paused or disabled by hand", NULL,
                    parse_all, false},
    [OPTION_URL] = {"--url", "URL",
                    "of the request; {key} in it stands for the key; without it the one of the provider's rules",
                    REQUEST_URL_RULE, parse_url, false},
    [OPTION_METHOD] = {"--method", "METHOD", "such as GET or HEAD, of the same", REQUEST_METHOD_RULE, parse_method,
                       false},
    [OPTION_HEADER] =
        {"--header", "HEADER",
         "such as 'Authorization: Bearer {key}', with {key} for the key and never a key itself; it replaces\n"
         "the one of that name in the rules; may be repeated",
         "up to 16 times " REQUEST_HEADER_RULE, parse_header, true},
    [OPTION_PARALLEL] = {"--parallel", "N", "at most N requests at the same time (4)", "a number from 1 to 64",
                         parse_parallel, false},
};
const struct operand operand_pool = {"POOL", NULL, "a pool's name", parse_pool};
const struct operand operand_id = {"ID", NULL, ID_RULE, parse_id};
const struct operand operand_ids = {"ID", "of a key, or up to 1024 ids with commas between",
                                    IDS_RULE ", or the masked form of one, such as sk-...6789", parse_key_ids};
const struct operand operand_priority = {"PRIORITY", "0, which a new key has and which goes first, to 3",
                                         "a number from 0 to 3", parse_priority};
const struct operand operand_weight = {"WEIGHT", "1, which a new key has, to 15", "a number from 1 to 15", parse_weight};
const struct operand operand_id_or_group = {"ID", "of a key or a group; leave it out with --group", ID_RULE, parse_id};
const struct operand operand_id_or_all = {"ID",
                                          "of a key or a group; leave it out with --group;\n"
                                          "all: with available, every key and group that is rate limited or out of quota",
                                          ID_RULE ", or all", parse_id_or_all};
const struct operand operand_id_or_pool = {"ID",
                                           "of a key or a group; leave it out with --group;\n"
                                           "all: every key that has no limits of its own",
                                           ID_RULE ", or all", parse_id_or_all};
const struct operand operand_pid = {"PID", "of a process that has ended; without it, all that are found dead",
                                    "the number of a process", parse_pid};
const struct operand operand_status = {"STATUS", "available, rate_limited, quota_exceeded or invalid",
                                       "available, rate_limited, quota_exceeded or invalid", parse_status};
const struct operand operand_name = {"NAME", NULL, METADATA_NAME_RULE, parse_name};
const struct operand operand_value = {"VALUE", NULL, METADATA_VALUE_RULE, parse_value};
const struct operand operand_text = {"TEXT", NULL, METADATA_VALUE_RULE, parse_value};
const struct operand operand_group = {"NAME", NULL, NAME_RULE, parse_group};
const struct operand operand_model = {"NAME", NULL, NAME_RULE, parse_model};
const struct operand operand_setting = {
    "SETTING=VALUE", NULL, "a setting and its value, in seconds where it is a time; keyshm-ctl help policy lists them",
    parse_setting};
const struct operand operand_provider = {"NAME", NULL, NAME_OF_POOL_RULE, parse_provider};
const struct operand operand_file = {"FILE", NULL, "the name of a file; leave it out for standard input", parse_file};
