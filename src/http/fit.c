/* SPDX-License-Identifier: MIT */
#include "fit.h"

#include <string.h>
#include <strings.h>

#include "hints.h"

static enum certainty certain(bool fits)
{
    return fits ? CERTAINLY : CERTAINLY_NOT;
}

static enum certainty least(enum certainty a, enum certainty b)
{
    return a < b ? a : b;
}

static enum certainty most(enum certainty a, enum certainty b)
{
    return a > b ? a : b;
}

/* What is not there now may stand where the body was cut off. But once a code and a message are there, the rest is detail. */
static enum certainty unless_cut(const struct answer *answer, bool fits)
{
    bool is_open = answer->is_cut && !(answer->has_whole_code && answer->has_whole_message);
    return !fits && is_open ? PERHAPS : certain(fits);
}

static enum certainty fit_status(const struct answer *answer, const struct condition *condition)
{
    for (size_t i = 0; i < condition->status_count; i++) {
        if (answer->status >= condition->statuses[i].first && answer->status <= condition->statuses[i].last)
            return CERTAINLY;
    }
    return CERTAINLY_NOT;
}

static bool is_code(const struct answer *answer, const char *word, uint32_t hash)
{
    for (unsigned i = 0; i < answer->code_count; i++) {
        const struct answer_code *code = &answer->codes[i];
        if (code->hash == hash && strlen(word) == code->length && strncasecmp(word, code->text, code->length) == 0)
            return true;
    }
    return false;
}

static enum certainty fit_codes(const struct answer *answer, const struct word_list *codes)
{
    for (size_t i = 0; i < codes->count; i++) {
        bool may_be = (answer->code_bits >> codes->hashes[i] % 64 & 1) != 0;
        if (may_be && is_code(answer, codes->words[i], codes->hashes[i]))
            return CERTAINLY;
    }
    return answer->has_whole_code ? CERTAINLY_NOT : unless_cut(answer, false);
}

static enum certainty find_any(const struct answer *answer, const struct pattern_list *patterns,
                               struct captures *captures)
{
    enum certainty best = CERTAINLY_NOT;
    for (size_t i = 0; i < patterns->count; i++) {
        for (unsigned j = 0; j < answer->message_count; j++) {
            enum certainty fits = pattern_find(&patterns->patterns[i], &answer->messages[j], captures);
            if (fits == CERTAINLY)
                return CERTAINLY;
            best = most(best, fits);
        }
    }
    return best;
}

static enum certainty fit_phrases(const struct answer *answer, const struct pattern_list *phrases,
                                  struct captures *captures)
{
    if (answer->body.kind == BODY_HTML)
        return CERTAINLY_NOT;
    if (answer->message_count == 0)
        return unless_cut(answer, false);
    enum certainty fits = find_any(answer, phrases, captures);
    return fits == PERHAPS && answer->has_whole_message ? CERTAINLY_NOT : fits;
}

/* A page is the one message of its answer. */
static enum certainty fit_html(const struct answer *answer, const struct pattern_list *patterns)
{
    struct captures ignored;
    return answer->body.kind == BODY_HTML ? find_any(answer, patterns, &ignored) : CERTAINLY_NOT;
}

struct value_search {
    const struct word_list *values;
    bool is_there, is_found;
};

static bool match_value(const char *text, size_t length, bool is_cut, void *user)
{
    struct value_search *search = user;
    search->is_there = search->is_there || !is_cut;
    for (size_t i = 0; i < search->values->count && !search->is_found; i++) {
        const char *value = search->values->words[i];
        bool is_any = strcmp(value, "*") == 0;
        search->is_found = is_any || (!is_cut && strlen(value) == length && strncasecmp(value, text, length) == 0);
    }
    return !search->is_found;
}

static bool match_boolean(json_t *value, void *user)
{
    if (!json_is_boolean(value))
        return true;
    const char *text = json_is_true(value) ? "true" : "false";
    return match_value(text, strlen(text), false, user);
}

static enum certainty fit_value(const struct answer *answer, const struct value_condition *condition)
{
    struct value_search search = {.values = &condition->values};
    answer_visit_texts(answer, &condition->place, match_value, &search);
    if (!search.is_found && !condition->place.is_header && answer->document != NULL)
        answer_visit_path(answer, &condition->place.path, match_boolean, &search);
    return search.is_found || search.is_there || condition->place.is_header ? certain(search.is_found)
                                                                            : unless_cut(answer, false);
}

/* Each place has one of its values; in what excludes a rule, any. */
static enum certainty fit_values(const struct answer *answer, const struct condition *condition, bool must_be_all)
{
    enum certainty fits = must_be_all ? CERTAINLY : CERTAINLY_NOT;
    for (size_t i = 0; i < condition->value_count; i++) {
        enum certainty fits_here = fit_value(answer, &condition->values[i]);
        fits = must_be_all ? least(fits, fits_here) : most(fits, fits_here);
    }
    return fits;
}

static bool fit_body(const struct answer *answer, unsigned bodies)
{
    static const unsigned bits[] = {[BODY_NONE] = BODY_BIT_NONE,
                                    [BODY_JSON] = BODY_BIT_JSON,
                                    [BODY_HTML] = BODY_BIT_HTML,
                                    [BODY_TEXT] = BODY_BIT_TEXT,
                                    [BODY_UNREADABLE] = BODY_BIT_NONE};
    return (bits[answer->body.kind] & bodies) != 0;
}

/* All kinds of condition that are there are true. The cheap ones first. */
static enum certainty fit_all(struct answer *answer, const struct condition *condition, struct captures *captures)
{
    enum certainty fits = CERTAINLY;
    if (condition->bodies != 0)
        fits = certain(fit_body(answer, condition->bodies));
    if (fits != CERTAINLY_NOT && condition->codes.count > 0)
        fits = least(fits, fit_codes(answer, &condition->codes));
    if (fits != CERTAINLY_NOT && condition->value_count > 0)
        fits = least(fits, fit_values(answer, condition, true));
    if (fits != CERTAINLY_NOT && condition->phrases.count > 0)
        fits = least(fits, fit_phrases(answer, &condition->phrases, captures));
    if (fits != CERTAINLY_NOT && condition->html.count > 0)
        fits = least(fits, fit_html(answer, &condition->html));
    if (fits != CERTAINLY_NOT && condition->has_time >= 0) {
        bool has_time = hints_ms(answer) > 0;
        enum certainty is_said = unless_cut(answer, has_time);
        fits = least(fits, condition->has_time != 0 ? is_said : (enum certainty)(CERTAINLY - is_said));
    }
    return fits;
}

/* Any of them is. */
static enum certainty fit_any(struct answer *answer, const struct condition *condition)
{
    struct captures ignored;
    enum certainty fits = CERTAINLY_NOT;
    if (condition->status_count > 0)
        fits = fit_status(answer, condition);
    if (condition->bodies != 0)
        fits = most(fits, certain(fit_body(answer, condition->bodies)));
    if (condition->codes.count > 0)
        fits = most(fits, fit_codes(answer, &condition->codes));
    if (condition->value_count > 0)
        fits = most(fits, fit_values(answer, condition, false));
    if (condition->phrases.count > 0)
        fits = most(fits, fit_phrases(answer, &condition->phrases, &ignored));
    if (condition->html.count > 0)
        fits = most(fits, fit_html(answer, &condition->html));
    if (condition->has_time >= 0)
        fits = most(fits, certain((hints_ms(answer) > 0) == (condition->has_time != 0)));
    return fits;
}

enum certainty fit_rule(struct answer *answer, const struct rule *rule, struct captures *ret_captures)
{
    *ret_captures = (struct captures){.model = NULL};
    bool is_of_status = rule->when.status_count > 0 ? fit_status(answer, &rule->when) == CERTAINLY
                                                    : answer->status >= 400 && answer->status <= 599;
    if (!is_of_status)
        return CERTAINLY_NOT;
    enum certainty fits = fit_all(answer, &rule->when, ret_captures);
    return fits == CERTAINLY_NOT ? fits : least(fits, (enum certainty)(CERTAINLY - fit_any(answer, &rule->unless)));
}
