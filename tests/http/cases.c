/* SPDX-License-Identifier: MIT */

/*
 * Every case of the files is judged right: mark, time, scope, retry, model, budgets.
 *
 *   cases FILE...
 */

#include <stdbool.h>
#include <stdio.h>

#include "answers.h"
#include "expect.h"

static void judge_file(const char *path, int *cases, int *wrong)
{
    struct case_of_answer answer;
    FILE *file = fopen(path, "r");
    EXPECT(file != NULL);
    while (case_read(file, &answer)) {
        struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
        EXPECT(keyshm_http_judge(answer.provider, &answer.response, &verdict) == 0);
        *wrong += case_compare(&answer, &verdict) > 0;
        ++*cases;
        case_free(&answer);
    }
    fclose(file);
}

static void print_problem(const char *problem, void *user)
{
    (void)user;
    printf("%s\n", problem);
}

int main(int argc, char **argv)
{
    int cases = 0, wrong = 0;
    if (keyshm_http_load(NULL, print_problem, NULL) != 0)
        return 1;
    for (int i = 1; i < argc; i++)
        judge_file(argv[i], &cases, &wrong);
    printf("%d cases, %d wrong\n", cases, wrong);
    return cases == 0 || wrong > 0;
}
