/* SPDX-License-Identifier: MIT */
#include "rule_directory.h"

/* The files of rules: what is refused, and how it is told; what they change. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

TestSuite(rule_files, .init = make_directory, .fini = remove_directory);

/* A provider with one rule for a status that no general rule is about alone. */
#define ONE_RULE(provider, rule) "{\"provider\": \"" provider "\", \"rules\": [" rule "]}"
#define ACME_BILLING "{\"rule\": \"broke\", \"when\": {\"status\": [418]}, \"means\": \"billing\"}"

/* ---- what files change ---- */

Test(rule_files, a_file_adds_a_provider)
{
    cr_assert_str_neq(rule_for("acme", 418, ""), "acme/broke");
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/broke");
    cr_assert_str_eq(rule_for("acme", 401, ""), rule_for("no-such-provider", 401, ""), "the general ones are behind it");
    cr_assert_str_neq(rule_for("openai", 418, ""), "acme/broke");
}

Test(rule_files, what_is_no_longer_there_is_no_longer_in_force)
{
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_eq(unlink(path_of("acme.json")), 0);
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/broke", "until it is read again");
    cr_assert_eq(load(), 0);
    cr_assert_str_neq(rule_for("acme", 418, ""), "acme/broke");
}

#define SLOW_DOWN "{\"error\": {\"message\": \"x\", \"code\": \"slow_down\"}}"
#define BAD_KEY "{\"error\": {\"message\": \"x\", \"code\": \"invalid_api_key\"}}"

Test(rule_files, one_rule_is_replaced_and_the_others_stay)
{
    write_file("a.json", ONE_RULE("acme", ACME_BILLING ", {\"rule\": \"down\", \"when\": {\"status\": [419]},"
                                                       " \"means\": \"server\"}"));
    write_file("b.json", ONE_RULE("acme", "{\"rule\": \"broke\", \"when\": {\"status\": [420]}, \"means\": \"dead\"}"));
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("acme", 420, ""), "acme/broke");
    cr_assert_str_eq(rule_for("acme", 419, ""), "acme/down");
    cr_assert_str_neq(rule_for("acme", 418, ""), "acme/broke");
}

Test(rule_files, a_rule_that_is_compiled_in_is_replaced)
{
    char before[128], other[128];
    snprintf(before, sizeof(before), "%s", rule_for("openai", 429, SLOW_DOWN));
    snprintf(other, sizeof(other), "%s", rule_for("openai", 401, BAD_KEY));
    cr_assert_eq(strncmp(before, "openai/", 7), 0, "%s", before);
    char text[512];
    snprintf(text, sizeof(text),
             ONE_RULE("openai", "{\"rule\": \"%s\", \"when\": {\"status\": [418]}, \"means\": \"busy\"}"), before + 7);
    write_file("mine.json", text);
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("openai", 418, ""), before);
    cr_assert_str_neq(rule_for("openai", 429, SLOW_DOWN), before);
    cr_assert_str_eq(rule_for("openai", 401, BAD_KEY), other);
}

Test(rule_files, nothing_takes_a_rule_away)
{
    write_file("a.json", ONE_RULE("acme", ACME_BILLING));
    write_file("b.json", ONE_RULE("acme", "{\"rule\": \"broke\", \"means\": \"nothing\"}"));
    cr_assert_eq(load(), 0);
    cr_assert_str_neq(rule_for("acme", 418, ""), "acme/broke");
}

Test(rule_files, nothing_takes_a_general_rule_away_of_one_provider)
{
    char general[128], text[512];
    snprintf(general, sizeof(general), "%s", rule_for("acme", 401, ""));
    cr_assert_eq(strncmp(general, "general/", 8), 0, "%s", general);
    snprintf(text, sizeof(text), ONE_RULE("acme", "{\"rule\": \"%s\", \"means\": \"nothing\"}"), general + 8);
    write_file("a.json", text);
    cr_assert_eq(load(), 0);
    cr_assert_str_neq(rule_for("acme", 401, ""), general);
    cr_assert_str_eq(rule_for("other", 401, ""), general);
}

Test(rule_files, members_replace_and_lists_are_not_joined)
{
    write_file("a.json", "{\"provider\": \"acme\", \"codes\": [\"one\"], \"rules\": [{\"rule\": \"r\", \"when\":"
                         " {\"status\": [418], \"code\": [\"gone\"]}, \"means\": \"dead\"}]}");
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("acme", 418, "{\"one\": \"gone\"}"), "acme/r");
    write_file("b.json", "{\"provider\": \"acme\", \"codes\": [\"two\"]}");
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("acme", 418, "{\"two\": \"gone\"}"), "acme/r");
    cr_assert_str_neq(rule_for("acme", 418, "{\"one\": \"gone\"}"), "acme/r");
}

Test(rule_files, are_read_in_the_order_of_their_names)
{
    static const char *const names[] = {"b.json", "10.json", "9.json", "B.json"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 ONE_RULE("acme", "{\"rule\": \"r\", \"when\": {\"status\": [%d]}, \"means\": \"busy\"}"), 430 + (int)i);
        write_file(names[i], text);
    }
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("acme", 430, ""), "acme/r", "b is the last of 10, 9, B and b");
    for (int status = 431; status < 434; status++)
        cr_assert_str_neq(rule_for("acme", status, ""), "acme/r");
}

Test(rule_files, other_names_are_not_read)
{
    static const char *const names[] = {".hidden.json", "acme.json~", "acme.JSON", "json", ".json", "acme.json.bak"};
    for (size_t i = 0; i < COUNT(names); i++)
        write_file(names[i], "not JSON");
    cr_assert_eq(load(), 0);
    cr_assert_eq(problem_count, 0);
}

Test(rule_files, like_another_provider)
{
    write_file("a.json", "{\"provider\": \"acme\", \"title\": \"Acme\", \"also\": [\"acme-too\"], \"codes\": [\"why\"],"
                         " \"limits\": {\"scope\": \"group\"}, \"rules\": [" ACME_BILLING
                         ", {\"rule\": \"dead\", \"when\": {\"code\": [\"gone\"]}, \"means\": \"dead\"}]}");
    write_file("b.json", "{\"provider\": \"ajax\", \"like\": \"acme\", \"rules\": [{\"rule\": \"broke\","
                         " \"when\": {\"status\": [419]}, \"means\": \"busy\"}]}");
    write_file("c.json", "{\"provider\": \"argo\", \"like\": \"ajax\"}");
    cr_assert_eq(load(), 0);
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "ajax" : "argo";
        char broke[32], dead[32];
        snprintf(broke, sizeof(broke), "%s/broke", name);
        snprintf(dead, sizeof(dead), "%s/dead", name);
        cr_assert_str_eq(rule_for(name, 419, ""), broke, "its own, in place of that of the other");
        cr_assert_str_neq(rule_for(name, 418, ""), broke);
        cr_assert_str_eq(rule_for(name, 400, "{\"why\": \"gone\"}"), dead, "codes and rules are taken");
    }
    cr_assert_str_eq(rule_for("acme-too", 418, ""), "acme/broke", "other names are not");
}

Test(rule_files, like_a_provider_of_a_later_file_or_a_compiled_in_one)
{
    write_file("a.json", "{\"provider\": \"ajax\", \"like\": \"zeta\"}");
    write_file("b.json", "{\"provider\": \"argo\", \"like\": \"openai\"}");
    write_file("z.json", ONE_RULE("zeta", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("ajax", 418, ""), "ajax/broke");
    cr_assert_str_eq(strchr(rule_for("argo", 429, SLOW_DOWN), '/'), strchr(rule_for("openai", 429, SLOW_DOWN), '/'));
}

Test(rule_files, the_same_again_takes_nothing)
{
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    cr_assert_eq(load(), 0);
    const char *before = rule_for("acme", 418, "");
    cr_assert_eq(load(), 0);
    cr_assert_eq(rule_for("acme", 418, ""), before, "the same set, not one like it");
    write_file("other.json", ONE_RULE("other", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_neq(rule_for("acme", 418, ""), before);
    cr_assert_str_eq(before, "acme/broke", "what verdicts name stays");
}

Test(rule_files, notes_are_for_readers)
{
    write_file("acme.json",
               "{\"provider\": \"acme\", \"_note\": 7, \"rules\": [{\"_why\": [], \"rule\": \"broke\", \"when\":"
               " {\"_\": {}, \"status\": [418]}, \"means\": \"busy\"}]}");
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/broke");
}

/* ---- names ---- */

Test(rule_files, names_of_pools)
{
    static const struct {
        const char *name, *rule;
    } names[] = {
        {"acme", "acme/r"},
        {"ACME", "acme/r"},
        {"Acme.prod", "acme/r"},
        {"acme-2", "acme/r"},
        {"acme-eu.prod", "acme-eu/r"},
        {"acme-eu", "acme-eu/r"},
        {"acme-eu-2", "acme-eu/r"},
        {"acme-e", "acme/r"},
        {"acme_2", ""},
        {"acmeeu", ""},
        {"the-acme", ""},
        {"zenith", "acme-eu/r"},
        {"zenith-1", "acme-eu/r"},
        {"Zenith.x-y.z", "acme-eu/r"},
        {"acme-", "acme/r"},
        {"acme.", "acme/r"},
        {"-acme", ""},
        {"2", ""},
        {"_", ""},
    };
    write_file("a.json", ONE_RULE("acme", "{\"rule\": \"r\", \"when\": {\"status\": [418]}, \"means\": \"busy\"}"));
    write_file("b.json", "{\"provider\": \"acme-eu\", \"also\": [\"zenith\"], \"rules\": [{\"rule\": \"r\", \"when\":"
                         " {\"status\": [418]}, \"means\": \"busy\"}]}");
    cr_assert_eq(load(), 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *rule = rule_for(names[i].name, 418, "");
        if (names[i].rule[0] != '\0')
            cr_expect_str_eq(rule, names[i].rule, "%s: %s", names[i].name, rule);
        else
            cr_expect_eq(strncmp(rule, "general/", 8), 0, "%s: %s", names[i].name, rule);
    }
}

/* A file that names a provider by what is another's second name adds one of that name. */
Test(rule_files, a_provider_of_its_own_comes_before_another_name)
{
    write_file("a.json", "{\"provider\": \"acme\", \"also\": [\"beta\", \"alef\", \"acme\"]}");
    write_file("b.json", ONE_RULE("beta", ACME_BILLING));
    write_file("c.json", ONE_RULE("alef", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_str_eq(rule_for("beta", 418, ""), "beta/broke");
    cr_assert_str_eq(rule_for("alef", 418, ""), "alef/broke");
}

Test(rule_files, names_that_no_pool_can_have)
{
    char longest[KEYSHM_PROVIDER_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[KEYSHM_PROVIDER_MAX + 1] = '\0';
    const char *const names[] = {NULL, "", ".a", "a b", "a/b", "ä", "a\n", longest};
    const struct keyshm_http_response response = {.size = sizeof(response), .status = 200};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
        char *json;
        cr_expect_eq(keyshm_http_judge(names[i], &response, &verdict), -EINVAL, "%s", names[i]);
        if (names[i] != NULL)
            cr_expect_eq(keyshm_http_describe(names[i], &json), -EINVAL, "%s", names[i]);
    }
    longest[KEYSHM_PROVIDER_MAX] = '\0';
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    cr_assert_eq(keyshm_http_judge(longest, &response, &verdict), 0);
}

/* ---- bad files ---- */

struct bad_file {
    const char *text, *said; /* after the file's name */
};

static const struct bad_file bad_files[] = {
    {"", "1: "},
    {"{", "1: "},
    {"\n\n{\"provider\": \"acme\",}", "3: "},
    {"{\"provider\": \"acme\",\n\"title\": \"a\",\n\"title\": \"b\"}", "3: duplicate object key"},
    {"[]", "1: must be an object"},
    {"{}", "1: needs \"provider\", its name"},
    {"{\n\"provider\": 7}", "2: provider: must be a string that is not empty"},
    {"{\n\"provider\": \"\"}", "2: provider: must be a string that is not empty"},
    {"{\n\"provider\": \"Acme\"}", "2: provider: a name is 1 to 64 of a-z 0-9 . _ - and does not begin with a dot"},
    {"{\n\"provider\": \".acme\"}", "2: provider: a name is"},
    {"{\"provider\": \"acme\",\n\"rulez\": []}", "2: rulez: no such member: 'rulez'"},
    {"{\"provider\": \"acme\",\n\"also\": \"x\"}", "2: also: must be a list of at most 1024 elements"},
    {"{\"provider\": \"acme\", \"also\": [\n\"x\",\n\"Y\"]}", "3: also[1]: a name is"},
    {"{\"provider\": \"acme\", \"also\": [\n\"x\",\n7]}", "3: also[1]: must be a string that is not empty"},
    {"{\"provider\": \"acme\",\n\"like\": \"no-such\"}", "2: like: there is no such provider"},
    {"{\"provider\": \"acme\",\n\"like\": \"acme\"}", "2: like: a circle of providers"},
    {"{\"provider\": \"acme\",\n\"like\": \"A B\"}", "2: like: a name is"},
    {"{\"provider\": \"acme\",\n\"limits\": []}", "2: limits: must be an object"},
    {"{\"provider\": \"acme\", \"limits\": {\n\"scope\": \"model\"}}",
     "2: limits.scope: 'model' is none of \"key\" and \"group\""},
    {"{\"provider\": \"acme\", \"limits\": {\n\"per_model\": 1}}", "2: limits.per_model: must be true or false"},
    {"{\"provider\": \"acme\", \"limits\": {\n\"day\": {\n\"utc_offset_minutes\": 841}}}",
     "3: limits.day.utc_offset_minutes: must be a whole number from -840 to 840"},
    {"{\"provider\": \"acme\", \"limits\": {\n\"windows\": {\n\"images\": \"day\"}}}",
     "3: limits.windows.images: no such member: 'images'"},
    {"{\"provider\": \"acme\", \"limits\": {\n\"day_delay_min_ms\": 1.5}}",
     "2: limits.day_delay_min_ms: must be a whole number from 0 to 86400000"},
    {"{\"provider\": \"acme\", \"codes\": [\n\"a..b\"]}",
     "2: codes[0]: 'a..b' is no path: names of members with dots between them, with [] after that of a list"},
    {"{\"provider\": \"acme\", \"codes\": [\n\"a.b.c.d.e.f.g.h.i\"]}",
     "2: codes[0]: 'a.b.c.d.e.f.g.h.i' has more than 8 steps"},
    {"{\"provider\": \"acme\", \"status\": [\"a\",\n[]]}", "2: status[1]: must be a string that is not empty"},
    {"{\"provider\": \"acme\", \"budgets\": [\"x-{part}\",\n\"x-{unit}\"]}",
     "2: budgets[1]: 'x-{unit}' needs {part} once, and {unit} and {window} once at most"},
    {"{\"provider\": \"acme\", \"budgets\": [\n\"x-{part}-{unit}-{unit}\"]}", "2: budgets[0]: "},
    {"{\"provider\": \"acme\", \"budgets\": [\n\"x-{part}-{what}\"]}",
     "2: budgets[0]: 'x-{part}-{what}' has a place that is none of {part}, {unit} and {window}"},
    {"{\"provider\": \"acme\", \"budgets\": [\n\"x-{part}-{\"]}", "2: budgets[0]: "},
    {"{\"provider\": \"acme\", \"hints\": [\n{\"header\": \"a\", \"field\": \"b\"}]}",
     "2: hints[0]: needs one of \"header\", \"field\" and \"phrase\""},
    {"{\"provider\": \"acme\", \"hints\": [\n{\"unit\": \"s\"}]}", "2: hints[0]: needs one of"},
    {"{\"provider\": \"acme\", \"hints\": [{\"header\": \"a\",\n\"unit\": \"h\"}]}",
     "2: hints[0].unit: 'h' is none of \"s\" and \"ms\""},
    {"{\"provider\": \"acme\", \"hints\": [\n{\"phrase\": \"wait a while\"}]}",
     "2: hints[0]: the phrase needs {time} at its end"},
    {"{\"provider\": \"acme\", \"hints\": [\n{\"phrase\": \"wait {time} please\"}]}",
     "2: hints[0]: 'wait {time} please' goes on after {time}"},
    {"{\"provider\": \"acme\", \"ends\": [\n\"*at {time}\"]}",
     "2: ends[0]: '*at {time}' does not begin with text, or '^'"},
    {"{\"provider\": \"acme\", \"ends\": [\n\"a*{model}\"]}", "2: ends[0]: 'a*{model}' has no text between two places"},
    {"{\"provider\": \"acme\", \"ends\": [\n\"a*b*c*d*e\"]}", "2: ends[0]: 'a*b*c*d*e' has more than 8 parts"},
    {"{\"provider\": \"acme\", \"models\": [\n{}]}", "2: models[0]: needs one of"},
    {"{\"provider\": \"acme\", \"stream_statuses\": {\n\"slow\": 200}}",
     "2: stream_statuses.slow: must be a whole number from 400 to 599"},
    {"{\"provider\": \"acme\", \"check\": {\n\"method\": \"GET\"}}", "1: check: needs \"url\""},
    {"{\"provider\": \"acme\",\n\"success_is_judged\": \"yes\"}", "2: success_is_judged: must be true or false"},
    {"{\"provider\": \"acme\",\n\"rules\": {}}", "2: rules: must be a list of at most 1024 elements"},
    {"{\"provider\": \"acme\", \"rules\": [\n7]}", "2: rules[0]: must be an object"},
    {"{\"provider\": \"acme\", \"rules\": [\n{\"rule\": \"a\"}]}",
     "2: rules[0]: needs \"rule\", its name, and \"means\""},
    {"{\"provider\": \"acme\", \"rules\": [\n{\"means\": \"dead\"}]}",
     "2: rules[0]: needs \"rule\", its name, and \"means\""},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\",\n\"means\": \"deaf\"}]}",
     "2: rules[0].means: 'deaf' is none of \"success\""},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\",\n\"whne\": {}}]}",
     "2: rules[0].whne: no such member"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\",\n\"when\": []}]}",
     "2: rules[0].when: must be an object"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\n\"statuz\": []}}]}",
     "2: rules[0].when.statuz: no such member"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"status\": "
     "[\n401,\n\"401\"]}}]}",
     "3: rules[0].when.status[1]: must be a status from 100 to 999, or a class of them as \"5xx\""},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"status\": [\n99]}}]}",
     "2: rules[0].when.status[0]: must be a status"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"body\": [\n\"xml\"]}}]}",
     "2: rules[0].when.body[0]: 'xml' is none of \"none\", \"json\", \"html\" and \"text\""},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"field\": {\n\"x\": "
     "\"y\"}}}]}",
     "2: rules[0].when.field.x: must be a list of at most 1024 elements"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"field\": {\n\"a..b\": "
     "[\"y\"]}}}]}",
     "2: rules[0].when.field.a..b: 'a..b' is no path"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\n\"header\": 7}}]}",
     "2: rules[0].when.header: must be an object"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"unless\": {\n\"time\": \"no\"}}]}",
     "2: rules[0].unless.time: must be true or false"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"limit\",\n\"scope\": \"all\"}]}",
     "2: rules[0].scope: 'all' is none of"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"limit\",\n\"retry\": \"soon\"}]}",
     "2: rules[0].retry: 'soon' is none of"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"limit\",\n\"window\": \"year\"}]}",
     "2: rules[0].window: 'year' is none of"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"quota\",\n\"until\": \"noon\"}]}",
     "2: rules[0].until: 'noon' is none of"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"quota\", \"time\": [\n\"hunts\"]}]}",
     "2: rules[0].time[0]: 'hunts' is none of \"hints\", \"resets\" and \"header:NAME\""},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"quota\",\n\"reason\": \"money\"}]}",
     "2: rules[0].reason: 'money' is no reason"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\",\n\"succeeds\": 1}]}",
     "2: rules[0].succeeds: must be true or false"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\"},\n{\"rule\": \"a\", \"means\": "
     "\"busy\"}]}",
     "2: rules[1]: there are two rules of the name 'a'"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"phrase\": [\n\"\"]}}]}",
     "2: rules[0].when.phrase[0]: must be a string that is not empty"},
    {"{\"provider\": \"acme\", \"rules\": [{\"rule\": \"a\", \"means\": \"dead\", \"when\": {\"phrase\": [\n\"^\"]}}]}",
     "2: rules[0].when.phrase[0]: '^' does not begin with text, or '^'"},
};

Test(rule_files, bad_ones_are_refused_with_line_and_reason)
{
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    cr_assert_eq(load(), 0);
    const char *before = rule_for("acme", 418, "");
    for (size_t i = 0; i < COUNT(bad_files); i++) {
        char expected[PROBLEM_SIZE];
        write_file("b.json", bad_files[i].text);
        snprintf(expected, sizeof(expected), "%s%s%s", path_of("b.json"), bad_files[i].said[0] != ':' ? ":" : "",
                 bad_files[i].said);
        int r = load();
        cr_expect_eq(r, -EINVAL, "%s: %s", bad_files[i].text, keyshm_strerror(r));
        cr_expect_eq(problem_count, 1, "%s: %u", bad_files[i].text, problem_count);
        cr_expect(problem_count > 0 && strncmp(problems[0], expected, strlen(expected)) == 0, "%s\n  %s\nis not\n  %s...",
                  bad_files[i].text, problems[0], expected);
        cr_expect_eq(rule_for("acme", 418, ""), before, "nothing changes");
    }
}

Test(rule_files, without_anybody_to_be_told)
{
    write_file("b.json", "{");
    cr_assert_eq(keyshm_http_load(directory, NULL, NULL), -EINVAL);
}

/* The others of them are bad in a way of which the reading of a good file thinks nothing. */
Test(rule_files, each_bad_one_is_told)
{
    for (size_t i = 0; i < COUNT(bad_files); i++) {
        write_file("1.json", "{");
        write_file("2.json", bad_files[i].text);
        write_file("3.json", ONE_RULE("acme", ACME_BILLING));
        write_file("4.json", "7");
        bool is_seen_alone =
            strstr(bad_files[i].said, "circle") == NULL && strstr(bad_files[i].said, "no such provider") == NULL;
        cr_expect_eq(load(), -EINVAL, "%s", bad_files[i].text);
        cr_expect_eq(problem_count, is_seen_alone ? 3 : 2, "%s: %u", bad_files[i].text, problem_count);
        cr_expect_str_neq(rule_for("acme", 418, ""), "acme/broke");
    }
}

Test(rule_files, circles_of_several)
{
    write_file("a.json", "{\"provider\": \"a1\", \"like\": \"a2\"}");
    write_file("b.json", "{\"provider\": \"a2\",\n\"like\": \"a3\"}");
    write_file("c.json", "{\"provider\": \"a3\", \"like\": \"a1\"}");
    cr_assert_eq(load(), -EINVAL);
    cr_assert_eq(problem_count, 1);
    cr_assert_not_null(strstr(problems[0], "like: a circle of providers"), "%s", problems[0]);
}

Test(rule_files, what_is_no_file)
{
    static const struct {
        const char *name, *said;
        int error;
    } things[] = {{"d.json", "d.json: is no regular file", -EINVAL},
                  {"f.json", "f.json: is no regular file", -EINVAL},
                  {"l.json", "l.json: ", -ENOENT},
                  {"big.json", "big.json: is larger than 1 MiB", -EINVAL},
                  {"secret.json", "secret.json: ", -EACCES}};
    for (size_t i = 0; i < COUNT(things); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s", path_of(things[i].name));
        if (i == 0)
            cr_assert_eq(mkdir(path, 0700), 0);
        else if (i == 1)
            cr_assert_eq(mkfifo(path, 0600), 0);
        else if (i == 2)
            cr_assert_eq(symlink("nowhere", path), 0);
        else
            write_file(things[i].name, "{}");
        if (i == 3)
            cr_assert_eq(truncate(path, 1024 * 1024 + 1), 0);
        if (i == 4)
            cr_assert_eq(chmod(path, 0), 0);
        if (i < 4 || geteuid() != 0) {
            cr_expect_eq(load(), things[i].error, "%s", things[i].name);
            cr_expect(problem_count == 1 && strstr(problems[0], things[i].said) != NULL, "%s", problems[0]);
        }
        cr_assert_eq(remove(path), 0);
    }
}

Test(rule_files, too_many)
{
    for (int i = 0; i < 1025; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%d.json", i);
        write_file(name, "{\"provider\": \"acme\"}");
    }
    cr_assert_eq(load(), -EINVAL);
    cr_assert_eq(problem_count, 1);
    cr_assert_not_null(strstr(problems[0], "has more than 1024 files"));
    cr_assert_eq(unlink(path_of("7.json")), 0);
    cr_assert_eq(load(), 0);
}

/* ---- directories ---- */

Test(rule_files, directories_that_are_none)
{
    write_file("a.json", "{\"provider\": \"acme\"}");
    cr_assert_eq(keyshm_http_load(path_of("missing"), note_problem, &problem_count), -ENOENT);
    cr_assert_eq(keyshm_http_load(path_of("a.json"), note_problem, &problem_count), -ENOTDIR);
    cr_assert_eq(keyshm_http_load("", note_problem, &problem_count), -ENOENT);
    cr_assert_eq(problem_count, 0);
}

Test(rule_files, the_environment_names_a_directory)
{
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    setenv("KEYSHM_PROVIDERS", directory, 1);
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/broke", "at the first use");
    write_file("acme.json", ONE_RULE("acme", "{\"rule\": \"r\", \"when\": {\"status\": [418]}, \"means\": \"busy\"}"));
    cr_assert_eq(keyshm_http_load(NULL, note_problem, &problem_count), 0);
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/r");
    setenv("KEYSHM_PROVIDERS", path_of("missing"), 1);
    cr_assert_eq(keyshm_http_load(NULL, note_problem, &problem_count), -ENOENT, "what is named must be there");
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/r");
}

Test(rule_files, at_the_first_use_a_bad_file_is_ignored_with_all_others)
{
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    write_file("bad.json", "{");
    setenv("KEYSHM_PROVIDERS", directory, 1);
    cr_assert_str_neq(rule_for("acme", 418, ""), "acme/broke");
    cr_assert_eq(strncmp(rule_for("openai", 429, SLOW_DOWN), "openai/", 7), 0);
}

Test(rule_files, an_empty_variable_is_none)
{
    setenv("KEYSHM_PROVIDERS", "", 1);
    if (access("/etc/keyshm/providers.d", F_OK) == 0)
        cr_skip_test("/etc/keyshm/providers.d is there");
    cr_assert_eq(keyshm_http_load(NULL, note_problem, &problem_count), 0);
}

/* ---- output ---- */

Test(rule_files, say_where_each_rule_comes_from)
{
    char *json, origin[512];
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_eq(keyshm_http_describe("acme-2", &json), 0);
    snprintf(origin, sizeof(origin), "\"origin\": \"%s\"", path_of("acme.json"));
    cr_assert_not_null(strstr(json, origin));
    cr_assert_not_null(strstr(json, "\"origin\": \"built in\""), "of the general ones");
    cr_assert_null(strstr(json, "\"provider\": \"openai\""));
    free(json);
    cr_assert_eq(keyshm_http_describe(NULL, &json), 0);
    cr_assert_not_null(strstr(json, "\"provider\": \"openai\""));
    free(json);
    cr_assert_eq(keyshm_http_describe(NULL, NULL), -EINVAL);
}

/* What is given can be read again, but for where it comes from. */
Test(rule_files, what_is_given_out_is_a_file)
{
    char *json;
    write_file("acme.json", ONE_RULE("acme", ACME_BILLING));
    cr_assert_eq(load(), 0);
    cr_assert_eq(keyshm_http_describe("acme", &json), 0);
    const char *first = strchr(json, '['), *end = NULL;
    int depth = 0;
    for (const char *at = first + 1; end == NULL; at++) {
        depth += (*at == '{') - (*at == '}');
        end = *at == '}' && depth == 0 ? at + 1 : NULL;
    }
    cr_assert_eq(unlink(path_of("acme.json")), 0);
    write_bytes("again.json", first + 1, (size_t)(end - first - 1));
    cr_assert_eq(load(), 0, "%s", problems[0]);
    cr_assert_str_eq(rule_for("acme", 418, ""), "acme/broke");
    free(json);
}
