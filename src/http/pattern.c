/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

/* How often the first words of a pattern may occur before the place where the whole of it fits: a bound on the work. */
enum { TRIES_MAX = 16 };

/* As long as the names of models in pools. */
enum { MODEL_MAX = 128 };

/* ---- fingerprints ---- */

static unsigned fingerprint(const char *text)
{
    uint32_t bytes;
    memcpy(&bytes, text, sizeof(bytes));
    return (unsigned)(bytes * UINT32_C(0x9e3779b1) >> 19) % FINGERPRINTS;
}

void pattern_note_fingerprints(const char *lower, size_t length, uint64_t seen[SEEN_WORDS])
{
    for (size_t i = 0; i + FINGERPRINT_LENGTH <= length; i++) {
        unsigned bit = fingerprint(lower + i);
        seen[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

static void note_own_fingerprints(struct pattern *pattern)
{
    const struct piece *first = &pattern->pieces[0];
    if (first->kind != PIECE_TEXT || first->length < FINGERPRINT_LENGTH || first->text == NULL)
        return;
    pattern->fingerprints[0] = (uint16_t)fingerprint(first->text);
    pattern->fingerprints[1] = (uint16_t)fingerprint(first->text + first->length - FINGERPRINT_LENGTH);
    pattern->has_fingerprints = true;
}

/* False: the first text of the pattern is not in the message. */
static bool may_occur(const struct pattern *pattern, const struct message *message)
{
    const uint64_t *seen = message->seen;
    unsigned a = pattern->fingerprints[0], b = pattern->fingerprints[1];
    return !pattern->has_fingerprints || ((seen[a / 64] >> a % 64 & 1) != 0 && (seen[b / 64] >> b % 64 & 1) != 0);
}

/* ---- reading ---- */

static bool begins_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static enum piece_kind place_at(const char *text, size_t *ret_length)
{
    static const struct {
        const char *word;
        enum piece_kind kind;
    } places[] = {{"*", PIECE_ANYTHING}, {"{model}", PIECE_MODEL}, {"{time}", PIECE_TIME}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (begins_with(text, places[i].word)) {
            *ret_length = strlen(places[i].word);
            return places[i].kind;
        }
    }
    *ret_length = 0;
    return PIECE_TEXT;
}

static struct piece read_piece(const char **text, const char *end, struct arena *arena)
{
    size_t length;
    enum piece_kind kind = place_at(*text, &length);
    if (kind != PIECE_TEXT) {
        *text += kind == PIECE_ANYTHING ? strspn(*text, "*") : length;
        return (struct piece){.kind = kind};
    }
    const char *begin = *text;
    while (*text < end && place_at(*text, &length) == PIECE_TEXT)
        ++*text;
    size_t bytes = (size_t)(*text - begin);
    char *lower = arena_alloc(arena, bytes + 1);
    for (size_t i = 0; lower != NULL && i < bytes; i++)
        lower[i] = to_lower(begin[i]);
    return (struct piece){.kind = PIECE_TEXT, .text = lower, .length = bytes};
}

const char *pattern_read(struct pattern *ret_pattern, const char *text, struct arena *arena)
{
    struct pattern pattern = {.is_at_start = *text == '^'};
    text += pattern.is_at_start;
    const char *end = text + strlen(text);
    pattern.is_at_end = end > text && end[-1] == '$';
    end -= pattern.is_at_end;
    while (text < end) {
        if (pattern.piece_count == PATTERN_PIECES_MAX)
            return "has more than 8 parts";
        pattern.pieces[pattern.piece_count++] = read_piece(&text, end, arena);
    }
    if (pattern.piece_count == 0 || (pattern.pieces[0].kind != PIECE_TEXT && !pattern.is_at_start))
        return "does not begin with text, or '^'";
    for (unsigned i = 0; i < pattern.piece_count; i++) {
        if (pattern.pieces[i].kind == PIECE_TIME && i + 1 != pattern.piece_count)
            return "goes on after {time}";
        if (i > 0 && pattern.pieces[i].kind != PIECE_TEXT && pattern.pieces[i - 1].kind != PIECE_TEXT)
            return "has no text between two places";
    }
    note_own_fingerprints(&pattern);
    *ret_pattern = pattern;
    return NULL;
}

/* ---- matching ---- */

static bool is_of_model_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._/:@+", c) != NULL);
}

/* The name at the beginning of the text, without the punctuation of the sentence. */
static size_t model_length(const char *text, size_t length)
{
    size_t name = 0;
    while (name < length && name <= MODEL_MAX && is_of_model_name(text[name]))
        name++;
    while (name > 0 && strchr(".:/-", text[name - 1]) != NULL)
        name--;
    return name <= MODEL_MAX ? name : 0;
}

/* The end of the text was reached before it was decided. */
static enum certainty undecided(const struct message *message)
{
    return message->is_cut ? PERHAPS : CERTAINLY_NOT;
}

static enum certainty match_text(const struct piece *piece, const struct message *message, size_t *at)
{
    size_t left = message->length - *at;
    size_t length = piece->length < left ? piece->length : left;
    if (memcmp(message->lower + *at, piece->text, length) != 0)
        return CERTAINLY_NOT;
    *at += length;
    return length == piece->length ? CERTAINLY : undecided(message);
}

/* After "*": the first place where the text stands; at the end of the pattern the last, if it must be the end. */
static enum certainty find_text(const struct piece *piece, const struct message *message, bool must_be_last, size_t *at)
{
    size_t left = message->length - *at;
    if (must_be_last) {
        if (left < piece->length)
            return undecided(message);
        *at = message->length - piece->length;
        return match_text(piece, message, at);
    }
    const char *found = memmem(message->lower + *at, left, piece->text, piece->length);
    if (found == NULL)
        return undecided(message);
    *at = (size_t)(found - message->lower) + piece->length;
    return CERTAINLY;
}

static size_t is_quote_at(const struct message *message, size_t at)
{
    return at < message->length && strchr("'\"`", message->lower[at]) != NULL && message->lower[at] != '\0';
}

static enum certainty match_piece(const struct pattern *pattern, unsigned i, const struct message *message, size_t *at,
                                  struct captures *captures)
{
    const struct piece *piece = &pattern->pieces[i];
    size_t length;
    switch (piece->kind) {
    case PIECE_TEXT:
        if (i > 0 && pattern->pieces[i - 1].kind == PIECE_ANYTHING)
            return find_text(piece, message, pattern->is_at_end && i + 1 == pattern->piece_count, at);
        return match_text(piece, message, at);
    case PIECE_MODEL:
        *at += is_quote_at(message, *at);
        length = model_length(message->lower + *at, message->length - *at);
        if (message->is_cut && *at + length == message->length)
            return PERHAPS; /* the name may go on */
        captures->model = message->text + *at;
        captures->model_length = length;
        *at += length + is_quote_at(message, *at + length);
        return length > 0 ? CERTAINLY : CERTAINLY_NOT;
    case PIECE_TIME:
        captures->time = message->text + *at;
        return CERTAINLY;
    default:
        return CERTAINLY;
    }
}

static enum certainty match_from(const struct pattern *pattern, const struct message *message, size_t at,
                                 struct captures *captures)
{
    for (unsigned i = 0; i < pattern->piece_count; i++) {
        enum certainty fits = match_piece(pattern, i, message, &at, captures);
        if (fits != CERTAINLY)
            return fits;
    }
    if (!pattern->is_at_end || pattern->pieces[pattern->piece_count - 1].kind != PIECE_TEXT || at == message->length)
        return !pattern->is_at_end || !message->is_cut ? CERTAINLY : PERHAPS;
    return CERTAINLY_NOT;
}

/* All of the message is the beginning of the text. */
static bool is_beginning(const struct message *message, const struct piece *piece)
{
    return piece->kind == PIECE_TEXT && message->length < piece->length &&
           memcmp(message->lower, piece->text, message->length) == 0;
}

enum certainty pattern_find(const struct pattern *pattern, const struct message *message, struct captures *ret_captures)
{
    struct captures captures = {.model = NULL};
    enum certainty best = pattern->is_at_start ? CERTAINLY_NOT : undecided(message);
    if (message->may_be_cut && is_beginning(message, &pattern->pieces[0]))
        return PERHAPS;
    if (!pattern->is_at_start && !may_occur(pattern, message))
        return best;
    size_t at = 0;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (!pattern->is_at_start) {
            const struct piece *first = &pattern->pieces[0];
            const char *found = memmem(message->lower + at, message->length - at, first->text, first->length);
            if (found == NULL)
                return best;
            at = (size_t)(found - message->lower);
        }
        enum certainty fits = match_from(pattern, message, at, &captures);
        if (fits == CERTAINLY)
            *ret_captures = captures;
        if (fits == CERTAINLY || pattern->is_at_start)
            return fits;
        best = fits > best ? fits : best;
        at++;
    }
    return best;
}
