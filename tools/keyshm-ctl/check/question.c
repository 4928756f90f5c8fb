/* SPDX-License-Identifier: MIT */
#include "question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "benches.h"
#include "lists.h"

/* ---- which keys ---- */

/* The numbers of the words: struct keyshm_key_snapshot. */
#define KEY_WORD 0
#define GROUP_WORD 2

/* What somebody has said by hand is not for a provider to answer. */
static bool is_benched(const struct keyshm_key_snapshot *key, int word)
{
    return key->words[word].status >= KEYSHM_QUOTA_EXCEEDED && key->words[word].reason != KEYSHM_REASON_OPERATOR;
}

static bool is_paused(keyshm_pool *pool, const struct keyshm_key_snapshot *key)
{
    return key->is_paused || benches_is_group_paused(pool, key);
}

static bool is_asked_about(keyshm_pool *pool, bool all, const struct keyshm_key_snapshot *key)
{
    return all || ((is_benched(key, KEY_WORD) || is_benched(key, GROUP_WORD)) && !is_paused(pool, key));
}

int question_list(keyshm_pool *pool, bool all, struct question **ret_list, size_t *ret_count)
{
    struct keyshm_snapshot *snapshot;
    size_t count = 0;
    int r = keyshm_snapshot(pool, &snapshot);
    if (r < 0)
        return r;
    struct question *list = calloc((size_t)snapshot->count + 1, sizeof(*list));
    for (unsigned i = 0; i < snapshot->count && list != NULL; i++) {
        const struct keyshm_key_snapshot *key = list_key(snapshot, i);
        if (!is_asked_about(pool, all, key))
            continue;
        struct question *question = &list[count++];
        *question = (struct question){.id = key->id, .before = key->status, .now = key->status};
        memcpy(question->masked_key, key->masked_key, sizeof(question->masked_key));
    }
    keyshm_snapshot_free(snapshot);
    if (list == NULL)
        return -ENOMEM;
    *ret_list = list;
    *ret_count = count;
    return 0;
}

/* ---- before ---- */

int question_begin(keyshm_pool *pool, struct question *question, struct keyshm_pick *ret_pick)
{
    struct keyshm_key_snapshot key;
    int r = keyshm_get(pool, question->id, ret_pick);
    if (r == 0)
        r = keyshm_inspect(pool, question->id, 0, sizeof(key), &key);
    if (r != 0) {
        question->is_over = question->is_removed = true;
        question->answer = ANSWER_REMOVED;
        return r;
    }
    question->stamp = ret_pick->stamp;
    question->group = key.group;
    question->before = question->now = key.status;
    question->is_key_benched = is_benched(&key, KEY_WORD);
    question->is_group_benched = key.group != 0 && is_benched(&key, GROUP_WORD);
    return 0;
}

/* ---- after ---- */

static int lift_one(keyshm_pool *pool, keyshm_id id, uint64_t stamp)
{
    struct keyshm_mark available = KEYSHM_MARK_INIT;
    available.stamp = stamp;
    int r = keyshm_mark(pool, id, &available);
    return r == -ESTALE ? 0 : r;
}

static int lift(keyshm_pool *pool, const struct question *question)
{
    int r = question->is_group_benched ? lift_one(pool, question->group, question->stamp) : 0;
    int of_key = question->is_key_benched ? lift_one(pool, question->id, question->stamp) : 0;
    return r < 0 ? r : of_key;
}

static int report_verdict(keyshm_pool *pool, const struct question *question, const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_pick pick = {.id = question->id, .stamp = question->stamp};
    int r = keyshm_http_report(pool, &pick, 0, verdict);
    return r == -ESTALE ? 0 : r;
}

static enum answer answer_of(const struct keyshm_http_response *response, const struct keyshm_http_verdict *verdict)
{
    if (response->status == 0)
        return ANSWER_NONE;
    if (verdict->marks && verdict->scope != KEYSHM_HTTP_SCOPE_PROVIDER)
        return ANSWER_BAD;
    return verdict->is_success && !verdict->marks ? ANSWER_GOOD : ANSWER_UNCLEAR;
}

int question_answer(keyshm_pool *pool, const char *rules, struct question *question,
                    const struct keyshm_http_response *response)
{
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    struct keyshm_key_snapshot key;
    question->is_over = true;
    question->http_status = response->status;
    question->transport = response->transport;
    int r = keyshm_http_judge(rules, response, &verdict);
    if (r < 0)
        return r;
    question->rule = verdict.rule;
    question->answer = answer_of(response, &verdict);
    if (question->answer == ANSWER_GOOD)
        r = lift(pool, question);
    else if (question->answer == ANSWER_BAD)
        r = report_verdict(pool, question, &verdict);
    question->is_removed = keyshm_inspect(pool, question->id, 0, sizeof(key), &key) < 0;
    if (!question->is_removed)
        question->now = key.status;
    return r;
}
