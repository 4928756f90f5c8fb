/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_PATTERN_H
#define KEYSHM_HTTP_PATTERN_H

/* Patterns of messages (keyshm-providers(5), "phrase"): text without regard to case, with places for what varies. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum { PATTERN_PIECES_MAX = 8 };

enum piece_kind {
    PIECE_TEXT,
    PIECE_ANYTHING,
    PIECE_MODEL,
    PIECE_TIME, /* where a time begins; the last piece */
};

struct piece {
    enum piece_kind kind;
    const char *text; /* in lower case */
    size_t length;
};

struct pattern {
    bool is_at_start, is_at_end;
    uint16_t fingerprints[2]; /* of the beginning and the end of the first text; unless it is too short for that */
    bool has_fingerprints;
    unsigned piece_count;
    struct piece pieces[PATTERN_PIECES_MAX];
};

/* A message of an answer, as it came and in lower case. */
struct message {
    const char *text;
    const char *lower;
    size_t length;
    bool is_cut;     /* it goes on, and it is not known how */
    bool may_be_cut; /* it does not say where it ends */
    uint64_t *seen;  /* bits of the fingerprints that occur in it */
};

/* Most patterns are not in most messages. A message has the fingerprints of all its runs of four characters. */
enum { FINGERPRINT_LENGTH = 4, FINGERPRINTS = 8192, SEEN_WORDS = FINGERPRINTS / 64 };

/* Notes those of a text in lower case. */
void pattern_note_fingerprints(const char *lower, size_t length, uint64_t seen[SEEN_WORDS]);

/* What is known of an answer that may have been cut. In the order of certainty. */
enum certainty { CERTAINLY_NOT, PERHAPS, CERTAINLY };

/* What stood in the places; NULL: the pattern has no such place. */
struct captures {
    const char *model;
    size_t model_length;
    const char *time; /* up to the end of the message */
};

/* NULL, or what is wrong with it. The pattern points into the arena. */
const char *pattern_read(struct pattern *ret_pattern, const char *text, struct arena *arena);

enum certainty pattern_find(const struct pattern *pattern, const struct message *message, struct captures *ret_captures);

/* ASCII only, whatever the locale. */
static inline char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
