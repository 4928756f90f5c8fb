/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "expect.h"
#include "torture.h"

enum { ARGUMENTS_MAX = 64, ARGUMENT_SIZE = 64 };

/* What a program in another language cannot read in torture.h. */
static const struct {
    const char *name;
    size_t value;
} numbers[] = {
#define NUMBER(name) \
    {                \
#name, name  \
    }
    NUMBER(SEATS),
    NUMBER(OWN_KEYS),
    NUMBER(LOG_MAX),
    NUMBER(TEXT_SIZE),
    NUMBER(MODEL),
    NUMBER(SHORT_MAX_MS),
    NUMBER(LONG_MS),
    NUMBER(LEVEL_NONE),
    NUMBER(LEVEL_RATE_LIMITED),
    NUMBER(LEVEL_QUOTA_EXCEEDED),
    NUMBER(LEVEL_INVALID),
    NUMBER(OPERATION_PICK),
    NUMBER(OPERATION_MARK_SHORT),
    NUMBER(OPERATION_ADD),
    NUMBER(OPERATION_REMOVE),
    NUMBER(OPERATION_MARK_LONG),
    NUMBER(OPERATION_MARK_FOR_MODEL),
    NUMBER(OPERATION_MARK_AVAILABLE),
    NUMBER(OPERATION_PAUSE),
    NUMBER(OPERATION_RESUME),
    NUMBER(OPERATION_OTHER),
    /* And where everything is, in bytes. */
    {"OVER", offsetof(struct arena, over)},
    {"TEXTS", offsetof(struct arena, texts)},
    {"LOGS", offsetof(struct arena, logs)},
    {"LOG_BYTES", sizeof(struct log)},
    {"BEGUN", offsetof(struct log, begun)},
    {"ACKNOWLEDGED", offsetof(struct log, acknowledged)},
    {"ENTRIES", offsetof(struct log, entries)},
    {"ENTRY_BYTES", sizeof(struct entry)},
    {"ENTRY_OPERATION", offsetof(struct entry, operation)},
    {"ENTRY_OWN", offsetof(struct entry, own)},
    {"ENTRY_LEVEL", offsetof(struct entry, level)},
    {"ENTRY_ID", offsetof(struct entry, id)},
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static struct {
    char *words[ARGUMENTS_MAX + 1];
    char texts[ARGUMENTS_MAX][ARGUMENT_SIZE];
    unsigned count;
} arguments;

static void add_number(const char *name, unsigned long long value)
{
    EXPECT(arguments.count < ARGUMENTS_MAX);
    char *text = arguments.texts[arguments.count];
    snprintf(text, ARGUMENT_SIZE, "%s%s%llu", name, *name != '\0' ? "=" : "", value);
    arguments.words[arguments.count++] = text;
}

_Noreturn void program_live(char **command, int arena_fd, unsigned seat, uint64_t seed)
{
    for (char **word = command; *word != NULL; word++) {
        EXPECT(arguments.count < ARGUMENTS_MAX);
        arguments.words[arguments.count++] = *word;
    }
    EXPECT(arguments.count < ARGUMENTS_MAX);
    arguments.words[arguments.count++] = expect_name;
    add_number("", (unsigned)arena_fd);
    add_number("", seat);
    add_number("", seed);
    for (size_t i = 0; i < NUMBERS; i++)
        add_number(numbers[i].name, numbers[i].value);
    execvp(arguments.words[0], arguments.words);
    perror(arguments.words[0]);
    _exit(1);
}
