/* SPDX-License-Identifier: MIT */
#include "rule.h"

static int64_t ms_rounded_up(int64_t duration_ns)
{
    return (duration_ns + NS_PER_MS - 1) / NS_PER_MS;
}

static struct rule_answer ask_continuous(const struct rule *rule, struct rule_account *account, int64_t now_ns)
{
    int64_t cost_ns = rule->per_ms * NS_PER_MS / rule->amount, room_ns = cost_ns * rule->amount;
    int64_t owed_ns = account->until_ns > now_ns ? account->until_ns - now_ns : 0;
    struct rule_answer answer = {.is_refused = owed_ns + cost_ns > room_ns};
    if (answer.is_refused)
        answer.retry_ms = ms_rounded_up(owed_ns + cost_ns - room_ns);
    else
        owed_ns += cost_ns;
    account->until_ns = now_ns + owed_ns;
    answer.left = (unsigned)((room_ns - owed_ns) / cost_ns);
    answer.reset_ms = ms_rounded_up(owed_ns);
    return answer;
}

static struct rule_answer ask_windows(const struct rule *rule, struct rule_account *account, int64_t now_ns)
{
    if (now_ns >= account->until_ns)
        *account = (struct rule_account){.until_ns = now_ns + rule->per_ms * NS_PER_MS};
    struct rule_answer answer = {.is_refused = account->used == rule->amount,
                                 .reset_ms = ms_rounded_up(account->until_ns - now_ns)};
    if (answer.is_refused)
        answer.retry_ms = answer.reset_ms;
    else
        account->used++;
    answer.left = rule->amount - account->used;
    return answer;
}

struct rule_answer rule_ask(const struct rule *rule, struct rule_account *account, int64_t now_ns)
{
    return rule->kind == RULE_CONTINUOUS ? ask_continuous(rule, account, now_ns) : ask_windows(rule, account, now_ns);
}

unsigned rule_most(const struct rule *rule, int64_t elapsed_ns)
{
    int64_t per_ns = rule->per_ms * NS_PER_MS;
    if (rule->kind == RULE_CONTINUOUS)
        return rule->amount + (unsigned)(elapsed_ns * rule->amount / per_ns);
    return rule->amount * (unsigned)((elapsed_ns + per_ns - 1) / per_ns);
}
