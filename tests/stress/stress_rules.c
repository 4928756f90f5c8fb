/* SPDX-License-Identifier: MIT */

/*
 * Threads judge while two others read rules again and again, of two directories in turn: every verdict is by the rules of one of
 * them, its rule's name stays what it is, and a child that is forked meanwhile judges as well.
 *
 *   stress_rules ROUNDS
 */

#include <keyshm-http.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "expect.h"

enum { JUDGES = 3, LOADERS = 2, DIRECTORIES = 2, CHILDREN = 20 };

static char directories[DIRECTORIES][64];
static atomic_bool is_over;
static int rounds;

static void write_rules(int number)
{
    char path[80];
    snprintf(directories[number], sizeof(directories[number]), "/tmp/keyshm-stress-rules-XXXXXX");
    EXPECT(mkdtemp(directories[number]) != NULL);
    snprintf(path, sizeof(path), "%.63s/a.json", directories[number]);
    FILE *file = fopen(path, "w");
    EXPECT(file != NULL);
    fprintf(file,
            "{\"provider\": \"acme\", \"rules\": [{\"rule\": \"rule-%d\", \"when\": {\"phrase\": [\"^gone\"]}, "
            "\"means\": \"%s\"}]}",
            number, number == 0 ? "dead" : "billing");
    fclose(file);
}

static void remove_rules(void)
{
    for (int i = 0; i < DIRECTORIES; i++) {
        char path[80];
        snprintf(path, sizeof(path), "%.63s/a.json", directories[i]);
        unlink(path);
        rmdir(directories[i]);
    }
}

/* The number of the rules by which it was judged. */
static int judge_once(void)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = 400;
    response.body = "{\"message\": \"Gone is the key\"}";
    response.body_length = strlen(response.body);
    EXPECT_EQ(keyshm_http_judge("acme-2", &response, &verdict), 0);
    EXPECT(verdict.rule != NULL);
    int number = strcmp(verdict.rule, "acme/rule-0") == 0 ? 0 : 1;
    EXPECT(number == 0 || strcmp(verdict.rule, "acme/rule-1") == 0);
    EXPECT_EQ(verdict.mark.status, number == 0 ? KEYSHM_INVALID : KEYSHM_QUOTA_EXCEEDED);
    return number;
}

static void *judge_on(void *user)
{
    int *counts = user;
    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        counts[judge_once()]++;
    return NULL;
}

static void *load_on(void *user)
{
    const int *first = user;
    for (int i = 0; i < rounds; i++) {
        char *json = NULL;
        EXPECT_EQ(keyshm_http_load(directories[(i + *first) % DIRECTORIES], NULL, NULL), 0);
        EXPECT_EQ(keyshm_http_describe("acme", &json), 0);
        EXPECT(strstr(json, "rule-0") != NULL || strstr(json, "rule-1") != NULL);
        free(json);
    }
    return NULL;
}

static void judge_in_child(void)
{
    pid_t child = expect_fork();
    if (child == 0) {
        judge_once();
        _exit(0);
    }
    expect_success_of(child);
}

int main(int argc, char **argv)
{
    pthread_t judges[JUDGES], loaders[LOADERS];
    int counts[JUDGES][DIRECTORIES] = {{0}}, firsts[LOADERS];
    rounds = argc > 1 ? atoi(argv[1]) : 20;
    expect_end_in_time();
    for (int i = 0; i < DIRECTORIES; i++)
        write_rules(i);
    atexit(remove_rules);
    EXPECT_EQ(keyshm_http_load(directories[0], NULL, NULL), 0);
    EXPECT_EQ(judge_once(), 0);
    for (int i = 0; i < JUDGES; i++)
        EXPECT_EQ(pthread_create(&judges[i], NULL, judge_on, counts[i]), 0);
    for (int i = 0; i < LOADERS; i++) {
        firsts[i] = i;
        EXPECT_EQ(pthread_create(&loaders[i], NULL, load_on, &firsts[i]), 0);
    }
    for (int i = 0; i < CHILDREN; i++)
        judge_in_child();
    for (int i = 0; i < LOADERS; i++)
        EXPECT_EQ(pthread_join(loaders[i], NULL), 0);
    atomic_store_explicit(&is_over, true, memory_order_relaxed);
    long by[DIRECTORIES] = {0};
    for (int i = 0; i < JUDGES; i++) {
        EXPECT_EQ(pthread_join(judges[i], NULL), 0);
        for (int k = 0; k < DIRECTORIES; k++)
            by[k] += counts[i][k];
    }
    EXPECT(by[0] > 0 && by[1] > 0);
    printf("%d loads, %ld verdicts by the one, %ld by the other\n", LOADERS * rounds, by[0], by[1]);
    return 0;
}
