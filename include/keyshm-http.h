/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_H
#define KEYSHM_HTTP_H

/*
 * keyshm-http: what the answer of an HTTP API says about the key that was used, and about what is left of its limits.
 *
 * keyshm_http_judge() reads one answer by the rules of its provider; keyshm_http_report() tells a pool. The conventions of
 * keyshm.h hold here, too. Every function may be called from any thread, and in a child after fork(2). None is safe in a
 * signal handler.
 *
 * Rules
 * =====
 *
 * The rules of the providers are compiled in. Files of a directory add providers and replace single rules
 * (keyshm-providers(5)): of the directory that the environment variable KEYSHM_PROVIDERS names, which is ignored in a program
 * that runs with the rights of another user (secure_getenv(3)), otherwise of /etc/keyshm/providers.d. They are read by
 * keyshm_http_load(), or else at the first use; then a bad file is ignored silently, with all others of the directory.
 *
 * The rules of a provider are found by its name; if there are none, by the part of the name before its first '.' or '-'
 * (openai.prod, openai-2). For any other name there are general rules: what the standards say (RFC 9110, RFC 6585, the IETF's
 * RateLimit fields) and what is usual.
 */

#include <keyshm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A field of the header. Neither needs to end with a NUL. Names are compared without regard to case. */
struct keyshm_http_header {
    const char *name;
    size_t name_length;
    const char *value; /* of more than 16 KiB: as if it had not come */
    size_t value_length;
};

/* How the exchange ended, if not with a whole answer. */
enum keyshm_http_transport {
    KEYSHM_HTTP_TRANSPORT_OK = 0,
    KEYSHM_HTTP_TRANSPORT_TIMEOUT = 1,
    KEYSHM_HTTP_TRANSPORT_DNS = 2,
    KEYSHM_HTTP_TRANSPORT_CONNECT = 3,
    KEYSHM_HTTP_TRANSPORT_TLS = 4,
    KEYSHM_HTTP_TRANSPORT_RESET = 5,
    KEYSHM_HTTP_TRANSPORT_REFUSED_STREAM = 6, /* RFC 9113, 7: the server has not begun to process the request */
};
#define KEYSHM_HTTP_TRANSPORT_COUNT 7

/* As many bytes of a body are read. */
#define KEYSHM_HTTP_BODY_MAX 65536

/* An answer. What it points to is read during the call only. */
struct keyshm_http_response {
    size_t size;                              /* sizeof(struct keyshm_http_response) */
    int status;                               /* 100 to 999; 0: there was no answer, see transport */
    enum keyshm_http_transport transport;     /* with a status: the exchange failed after it had come */
    const struct keyshm_http_header *headers; /* in the order in which they came; NULL if there are none */
    size_t header_count;
    const char *body;    /* its beginning, as it came: perhaps compressed, or cut anywhere; NULL if there is none */
    size_t body_length;  /* of more than KEYSHM_HTTP_BODY_MAX bytes the first are read */
    int64_t now_unix_ms; /* when the answer came, since 1970; 0: now. It counts where the answer has no date */
};
#define KEYSHM_HTTP_RESPONSE_INIT                                                                             \
    {                                                                                                         \
        sizeof(struct keyshm_http_response), 0, KEYSHM_HTTP_TRANSPORT_OK, NULL, (size_t)0, NULL, (size_t)0, 0 \
    }
void keyshm_http_response_init(struct keyshm_http_response *response, size_t size);

/* Whom it concerns: the narrowest that the answer and the provider's rules allow to say. */
enum keyshm_http_scope {
    KEYSHM_HTTP_SCOPE_NONE = 0,     /* nobody: a success, or the request's own fault */
    KEYSHM_HTTP_SCOPE_KEY = 1,      /* this key; also where nothing better is known */
    KEYSHM_HTTP_SCOPE_GROUP = 2,    /* all keys of the account, organisation, project or cloud resource */
    KEYSHM_HTTP_SCOPE_MODEL = 3,    /* one model, deployment or part of the interface, for all that share its limit */
    KEYSHM_HTTP_SCOPE_PROVIDER = 4, /* everybody, or everybody at this address */
};

/* What helps the request that was refused. */
enum keyshm_http_retry {
    KEYSHM_HTTP_RETRY_NONE = 0, /* it succeeded */
    KEYSHM_HTTP_RETRY_OTHER_KEY =
        1,                       /* another key can have it answered now; of another group, if the scope is the group */
    KEYSHM_HTTP_RETRY_LATER = 2, /* the same request, with any key, after a while */
    KEYSHM_HTTP_RETRY_NEVER = 3, /* nothing, but to change the request or the set-up */
};

/* What a provider says of one of its limits; -1, each: not said. Of several windows it is the one of which the least is left. */
struct keyshm_http_budget {
    int64_t limit;
    int64_t remaining;
    int64_t reset_ms; /* from now */
};

/*
 * What an answer says. It holds nothing of the answer but numbers and the name of a model, which is left out where it looks like
 * a key.
 */
struct keyshm_http_verdict {
    size_t size;             /* sizeof(struct keyshm_http_verdict) */
    int is_success;          /* the request was answered as wanted */
    int marks;               /* `mark` is to be made */
    struct keyshm_mark mark; /* its model and stamp are 0: they are the caller's. Its scope is KEYSHM_SCOPE_GROUP for
                                KEYSHM_HTTP_SCOPE_GROUP and KEYSHM_HTTP_SCOPE_MODEL */
    enum keyshm_http_scope scope;
    enum keyshm_http_retry retry;
    int64_t wait_ms;                 /* without a mark: for so long nobody should ask; -1: not said */
    char model[KEYSHM_NAME_MAX + 1]; /* that the answer is about, as it spells it; "": it names none */
    struct keyshm_http_budget requests;
    struct keyshm_http_budget tokens; /* of both kinds together */
    struct keyshm_http_budget input_tokens;
    struct keyshm_http_budget output_tokens;
    enum keyshm_http_scope budget_scope; /* whose budgets these are */
    const char *
        rule; /* the rule that decided, as "openai/insufficient-quota": for logs and bug reports. It stays valid. NULL: none,
                         as there was nothing to decide */
};
#define KEYSHM_HTTP_BUDGET_INIT \
    {                           \
        -1, -1, -1              \
    }
#define KEYSHM_HTTP_VERDICT_INIT                                                                                        \
    {                                                                                                                   \
        sizeof(struct keyshm_http_verdict), 0, 0, KEYSHM_MARK_INIT, KEYSHM_HTTP_SCOPE_NONE, KEYSHM_HTTP_RETRY_NONE, -1, \
            "", KEYSHM_HTTP_BUDGET_INIT, KEYSHM_HTTP_BUDGET_INIT, KEYSHM_HTTP_BUDGET_INIT, KEYSHM_HTTP_BUDGET_INIT,     \
            KEYSHM_HTTP_SCOPE_NONE, NULL                                                                                \
    }
void keyshm_http_verdict_init(struct keyshm_http_verdict *verdict, size_t size);

/*
 * Read an answer by the rules of `provider`. Whatever came: an answer that cannot be read is judged by what can, and in doubt
 * the weaker mark is the verdict. Set ret_verdict->size before; only so many bytes are written. Nothing but memory is touched, and
 * the clock, if response->now_unix_ms is 0; but the first call in a process reads the rules, unless keyshm_http_load() has.
 *
 * The time is linear in the sizes of header and body. The body of a success is not looked at, unless it is a stream, or
 * the provider is known to answer 200 with errors.
 *
 * -EINVAL   the name of a provider that no pool can have, a status or transport that is none, a NULL with a length above 0,
 *           or a struct without its size
 * -E2BIG    a field of a later version is set
 * -ENOMEM
 */
int keyshm_http_judge(const char *provider, const struct keyshm_http_response *response,
                      struct keyshm_http_verdict *ret_verdict);

/*
 * Tell the pool what the verdict says of the key that `pick` gave: make the mark, note a success, and observe what is left of
 * budgets (keyshm_mark(), keyshm_success(), keyshm_observe()), each with the pick's stamp. Of tokens, input and output it
 * is the least. Call it before the lease of the request is given back.
 *
 * `model` is the number of the model that the request was for; 0: none. What a verdict says about one model is reported for
 * that; with 0 it is about the whole key or group, since nothing else would keep a pick for model 0 away. A verdict about a
 * provider is none about a key and changes nothing.
 *
 * Takes no lock. Errors as keyshm_mark(); -EINVAL also for a model that the pool does not have.
 */
int keyshm_http_report(keyshm_pool *pool, const struct keyshm_pick *pick, unsigned model,
                       const struct keyshm_http_verdict *verdict);

/*
 * Read the files *.json of a directory, in the order of their names, in place of those that were read before; NULL: of the
 * directory that is usual (see Rules above), which need not exist. If one is bad, fn_or_null is told with the file, the line and
 * the reason, for each, and nothing changes. Verdicts that are under way in other threads are by the rules before.
 *
 * The memory of rules that were replaced is kept, since another thread may be reading them; loading the same again takes none.
 *
 * -EINVAL   a bad file
 * -ENOENT, -ENOTDIR, -EACCES, -ENOMEM, ...  from opendir(3), open(2), read(2)
 */
int keyshm_http_load(const char *directory_or_null, keyshm_problem_fn *fn_or_null, void *user);

/*
 * The rules in force as JSON (keyshm-providers(5), "OUTPUT"): of the provider of this name, with the general ones that
 * are behind them; NULL: of all. The caller frees the string with free(3).
 *
 * -EINVAL   the name of a provider that no pool can have
 * -ENOMEM
 */
int keyshm_http_describe(const char *provider_or_null, char **ret_json);

#ifdef __cplusplus
}
#endif

#endif
