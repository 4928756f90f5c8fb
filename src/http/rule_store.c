/* SPDX-License-Identifier: MIT */
#include "rule_store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "provider_names.h"
#include "rule_files.h"

#define USUAL_DIRECTORY "/etc/keyshm/providers.d"

/* Sets that were replaced are kept, since another thread may be reading them, and verdicts name their rules. */
struct kept {
    struct kept *before;
    struct rule_set *set;
    /* The first that was looked for: most programs have one provider. Not the latest, which threads would write in turns. */
    const struct provider_name *_Atomic usual;
};

static struct kept *_Atomic current;

/* NULL: there is no directory. */
static const char *usual_directory(bool *ret_may_be_missing)
{
    const char *named = secure_getenv("KEYSHM_PROVIDERS");
    bool is_named = named != NULL && named[0] != '\0';
    *ret_may_be_missing = !is_named;
    return is_named ? named : USUAL_DIRECTORY;
}

static int read_usual(keyshm_problem_fn *fn_or_null, void *user, struct rule_set **ret_set)
{
    bool may_be_missing;
    const char *directory = usual_directory(&may_be_missing);
    int r = rule_files_make_set(directory, fn_or_null, user, ret_set);
    return r == -ENOENT && may_be_missing ? rule_files_make_set(NULL, fn_or_null, user, ret_set) : r;
}

/* Makes a set the current one, in place of `before`, if that is still it. */
static bool publish(struct kept *before, struct kept *kept)
{
    kept->before = before;
    /* release: pairs with the acquire of rule_store_get() and keyshm_http_load(), which see the set complete */
    return atomic_compare_exchange_strong_explicit(&current, &before, kept, memory_order_release, memory_order_relaxed);
}

static struct kept *keep(struct rule_set *set)
{
    struct kept *kept = calloc(1, sizeof(*kept));
    if (kept != NULL)
        kept->set = set;
    return kept;
}

/* A thread that is here at the same time does the same; one of the two sets is kept. */
static int read_first(void)
{
    struct rule_set *set;
    int r = read_usual(NULL, NULL, &set);
    if (r != 0 && r != -ENOMEM)
        r = rule_files_make_set(NULL, NULL, NULL, &set);
    if (r != 0)
        return r;
    struct kept *kept = keep(set);
    if (kept == NULL || !publish(NULL, kept)) {
        rule_set_free(set);
        r = kept == NULL ? -ENOMEM : 0;
        free(kept);
    }
    return r;
}

static int get(struct kept **ret_kept)
{
    /* acquire: pairs with the release of publish() */
    *ret_kept = atomic_load_explicit(&current, memory_order_acquire);
    if (*ret_kept != NULL)
        return 0;
    int r = read_first();
    if (r == 0)
        *ret_kept = atomic_load_explicit(&current, memory_order_acquire); /* as above */
    return r;
}

int rule_store_get(const struct rule_set **ret_set)
{
    struct kept *kept;
    int r = get(&kept);
    if (r == 0)
        *ret_set = kept->set;
    return r;
}

/* False: what is there is the same already. */
static bool replace(struct kept *kept)
{
    struct kept *before;
    do {
        before = atomic_load_explicit(&current, memory_order_acquire); /* pairs with publish() */
        if (before != NULL && json_equal(before->set->files, kept->set->files))
            return false;
    } while (!publish(before, kept));
    return true;
}

int keyshm_http_load(const char *directory_or_null, keyshm_problem_fn *fn_or_null, void *user)
{
    struct rule_set *set;
    int r = directory_or_null != NULL ? rule_files_make_set(directory_or_null, fn_or_null, user, &set)
                                      : read_usual(fn_or_null, user, &set);
    if (r != 0)
        return r;
    struct kept *kept = keep(set);
    if (kept == NULL) {
        rule_set_free(set);
        return -ENOMEM;
    }
    if (!replace(kept)) {
        rule_set_free(set);
        free(kept);
    }
    return 0;
}

/* ---- names ---- */

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* NULL: it is not the usual one. */
static const struct provider *find_usual(const struct kept *kept_or_null, const char *name)
{
    /* relaxed: what it points to was complete when the set was published. */
    const struct provider_name *usual =
        kept_or_null != NULL ? atomic_load_explicit(&kept_or_null->usual, memory_order_relaxed) : NULL;
    return usual != NULL && strcmp(usual->name, name) == 0 ? usual->provider : NULL;
}

bool rule_store_is_provider_name(const char *name)
{
    size_t length = 0;
    /* acquire: pairs with the release of publish() */
    if (find_usual(atomic_load_explicit(&current, memory_order_acquire), name) != NULL)
        return true;
    while (length <= KEYSHM_PROVIDER_MAX && is_name_character(name[length]))
        length++;
    return length > 0 && length <= KEYSHM_PROVIDER_MAX && name[0] != '.' && name[length] == '\0';
}

const struct provider *rule_set_find(const struct rule_set *set, const char *name)
{
    size_t length = strnlen(name, KEYSHM_PROVIDER_MAX);
    while (length > 0) {
        const struct provider_name *found = provider_names_find(set, name, length);
        if (found != NULL)
            return found->provider;
        do
            length--;
        while (length > 0 && name[length] != '.' && name[length] != '-');
    }
    return set->general;
}

static void note_usual(struct kept *kept, const char *name)
{
    const struct provider_name *found = provider_names_find(kept->set, name, strlen(name));
    /* Compared by its bytes later; and of the names of a set, all are complete. */
    if (found != NULL && strcmp(found->name, name) == 0 &&
        atomic_load_explicit(&kept->usual, memory_order_relaxed) == NULL)
        atomic_store_explicit(&kept->usual, found, memory_order_relaxed);
}

int rule_store_find(const char *name, const struct rule_set **ret_set, const struct provider **ret_provider)
{
    struct kept *kept;
    int r = get(&kept);
    if (r != 0)
        return r;
    *ret_set = kept->set;
    *ret_provider = find_usual(kept, name);
    if (*ret_provider != NULL)
        return 0;
    *ret_provider = rule_set_find(kept->set, name);
    note_usual(kept, name);
    return 0;
}

/* ---- output ---- */

/* A copy: jansson's count of references, which a thread may be reading, is left alone. */
static int add_copy(json_t *list, const struct provider *provider)
{
    return json_array_append_new(list, json_deep_copy(provider->json));
}

/* For free(3): jansson may have another allocator, which the program has set. NULL: no memory. */
static char *dump(const json_t *json)
{
    size_t size = json_dumpb(json, NULL, 0, JSON_INDENT(2));
    char *text = size > 0 ? malloc(size + 1) : NULL;
    if (text == NULL)
        return NULL;
    size_t written = json_dumpb(json, text, size, JSON_INDENT(2));
    text[written <= size ? written : 0] = '\0';
    if (written == size)
        return text;
    free(text);
    return NULL;
}

int keyshm_http_describe(const char *provider_or_null, char **ret_json)
{
    const struct rule_set *set;
    bool is_named = provider_or_null != NULL;
    if (ret_json == NULL || (is_named && !rule_store_is_provider_name(provider_or_null)))
        return -EINVAL;
    int r = rule_store_get(&set);
    if (r != 0)
        return r;
    const struct provider *wanted = is_named ? rule_set_find(set, provider_or_null) : NULL;
    json_t *list = json_array();
    if (wanted != NULL && add_copy(list, wanted) != 0)
        r = -ENOMEM;
    for (size_t i = 0; i < set->provider_count && r == 0; i++) {
        const struct provider *provider = &set->providers[i];
        bool is_listed = wanted == NULL || (provider == set->general && provider != wanted);
        if (is_listed && add_copy(list, provider) != 0)
            r = -ENOMEM;
    }
    json_t *output = json_pack("{s:o}", "providers", list);
    char *text = output != NULL && r == 0 ? dump(output) : NULL;
    json_decref(output);
    if (text == NULL)
        return -ENOMEM;
    *ret_json = text;
    return 0;
}
