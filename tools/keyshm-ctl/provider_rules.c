/* SPDX-License-Identifier: MIT */
#include "provider_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

static void tell_problem(const char *problem, void *user)
{
    (void)user;
    complain("%s", problem);
}

enum exit_status provider_rules_load(void)
{
    int r = keyshm_http_load(NULL, tell_problem, NULL);
    if (r == -EINVAL)
        return refuse("the rules of the providers cannot be used before that is corrected; nothing was marked");
    return r < 0 ? refuse("cannot read the rules of the providers, in the directory that KEYSHM_PROVIDERS names or in "
                          "/etc/keyshm/providers.d: %s; nothing was marked",
                          system_error(-r))
                 : EXIT_FINE;
}

enum exit_status provider_rules_describe(const char *provider_or_null, json_t **ret_providers)
{
    char *text;
    int r = keyshm_http_describe(provider_or_null, &text);
    if (r < 0)
        return refuse("the rules of the providers cannot be shown: %s", keyshm_strerror(r));
    json_t *described = json_loads(text, 0, NULL);
    free(text);
    *ret_providers = json_incref(json_object_get(described, "providers"));
    json_decref(described);
    return *ret_providers != NULL ? EXIT_FINE : refuse("%s", keyshm_strerror(ENOMEM));
}

static bool is_text(const json_t *object, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strcmp(text, wanted) == 0;
}

struct provider_counting provider_rules_counting(const char *provider)
{
    json_t *providers = NULL;
    if (provider_rules_load() == EXIT_FINE)
        provider_rules_describe(provider, &providers);
    /* The provider's own come first. */
    json_t *limits = json_object_get(json_array_get(providers, 0), "limits");
    struct provider_counting counting = {
        .charge = is_text(limits, "tokens", "at_pick") ? KEYSHM_CHARGE_AT_PICK : KEYSHM_CHARGE_AT_RELEASE,
        .is_by_group = is_text(limits, "scope", "group"),
    };
    json_decref(providers);
    return counting;
}
