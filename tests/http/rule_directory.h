/* SPDX-License-Identifier: MIT */
#ifndef RULE_DIRECTORY_H
#define RULE_DIRECTORY_H

/* A directory of rule files for every test, and what a load of it says. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <keyshm-http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBLEMS_MAX = 8, PROBLEM_SIZE = 512 };

static char directory[] = "/tmp/keyshm-rules-XXXXXX";

static unsigned problem_count;
static char problems[PROBLEMS_MAX][PROBLEM_SIZE];

static inline void make_directory(void)
{
    unsetenv("KEYSHM_PROVIDERS");
    cr_assert_not_null(mkdtemp(directory));
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void remove_directory(void)
{
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static inline void write_bytes(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(path_of(name), "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, length, file), length);
    fclose(file);
}

static inline void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static inline void note_problem(const char *problem, void *user)
{
    cr_assert_eq(user, &problem_count);
    if (problem_count < PROBLEMS_MAX)
        snprintf(problems[problem_count], PROBLEM_SIZE, "%s", problem);
    problem_count++;
}

static inline int load(void)
{
    problem_count = 0;
    return keyshm_http_load(directory, note_problem, &problem_count);
}

/* The rule that decides about an answer with this body; "" if none. */
static inline const char *rule_for(const char *provider, int status, const char *body)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = status;
    response.body = body;
    response.body_length = strlen(body);
    response.now_unix_ms = INT64_C(1764590400000);
    cr_assert_eq(keyshm_http_judge(provider, &response, &verdict), 0);
    return verdict.rule != NULL ? verdict.rule : "";
}

#endif
