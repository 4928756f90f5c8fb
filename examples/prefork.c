/* SPDX-License-Identifier: MIT */

/*
 * A prefork worker pool that shares its API keys through keyshm: a supervisor opens the pool, forks the workers, and
 * replaces those that die. A worker picks a key, sends a real HTTP request with it, and has libkeyshm-http judge the answer
 * by the rules of the provider and report it: it is about the key, or all keys of its account, for one model or for all.
 * The next pick of every other worker takes that into account. What another key can have answered is asked again at once.
 *
 * When the supervisor is killed, the pool stays. A supervisor that is started then takes the pool over with all that is
 * known of the keys. While one is alive, another refuses to start. At its regular end it removes the pool.
 *
 *     prefork --url https://api.openai.com/v1/models --provider openai --seconds 60 < file-of-keys
 *     prefork --url https://api.openai.com/v1/models --provider openai --model gpt-4o --model o3 keys/acme keys/bolt
 *     prefork --url https://api.anthropic.com/v1/models --pool anthropic --header 'x-api-key: {key}' \
 *         --header 'anthropic-version: 2023-06-01' --model claude-opus-4-1 keys/acme
 *
 * What an account may use can be said before. Then requests are counted before they are sent, and none is refused for being
 * one too many:
 *
 *     prefork --url https://api.openai.com/v1/models --model o3 --limits acme/o3=500/60,80 keys/acme
 *
 * Signals are blocked in every process and taken only by sigtimedwait(2), which is also the only way of waiting. So there
 * is no signal handler, no request is interrupted, and any wait ends at once when there is something to do.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <keyshm-http.h>

#define WORKERS_MAX 1024
#define SECONDS_MAX (INT64_C(366) * 24 * 60 * 60)
#define PACE_MAX_MS (INT64_C(60) * 60 * 1000)

#define CONNECT_TIMEOUT_MS 3000L
#define REQUEST_TIMEOUT_MS 10000L

/* A worker that is asked to stop finishes its request first. */
#define STOP_GRACE_MS (REQUEST_TIMEOUT_MS + 1000)

/* A worker's place is filled at most this often, so that workers that die at once do not keep the machine busy. */
#define RESPAWN_INTERVAL_MS 1000

/* After an answer that no other key would change, if it does not say how long nobody should ask. */
#define ERROR_PAUSE_MS 500

/* With so many keys a request is tried. Most refusals take a key out, so that the next try is with another; not all do. */
#define TRIES_MAX 5

/* What comes back from a bench is given to one request, and to the others when that has succeeded, or after this time. */
#define PROBE_MS 10000

/* How often to signal a worker again that does not end. */
#define KILL_INTERVAL_MS 100

/* Look again at least this often when no key is available: another process may add one, or mark one available. */
#define KEY_WAIT_MAX_MS 100

/* As many as a pool has by default. */
#define MODELS_MAX 8
#define ACCOUNTS_MAX 64
#define LIMITS_MAX 256

#define LIMIT_REQUESTS_MAX INT64_C(1000000000)

/* The supervisor's name in the list of the pool's workers. */
#define SUPERVISOR_NAME "supervisor"

/* How long a supervisor waits for one that was started at the same time to give way, and how often it looks. */
#define RIVAL_WAIT_MS 5000
#define RIVAL_POLL_MS 20

/* Far more than a list of keys takes. It is read in pieces of this size at least. */
#define INPUT_MAX ((size_t)16 * 1024 * 1024)
#define INPUT_PIECE 4096

/* How long a signal may go unnoticed while keys are read. */
#define INPUT_POLL_MS 100

/* Of an answer's header so much is kept; one of an unknown server may be of any length. */
#define HEADERS_MAX 128
#define HEADER_BYTES_MAX 16384

/* Fields of a request's header, and the place of the key in one. */
#define REQUEST_HEADERS_MAX 8
#define REQUEST_HEADER_MAX 1024
#define KEY_PLACE "{key}"

/* ------------------------------------------------------------------------------------------------------------------
 * Settings and statistics
 */

/* How many requests of an account, or of each key, are sent. */
struct limit {
    const char *account; /* the name of its file; "": each key that has no other limits */
    const char *model;   /* NULL: of all together */
    struct keyshm_limits limits;
};

static const char *account_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash != NULL ? slash + 1 : file;
}

struct settings {
    unsigned workers;
    int64_t run_ms;  /* 0: until a signal */
    int64_t pace_ms; /* between two requests of a worker */
    const char *url;
    const char *pool_name;
    const char *provider; /* whose rules a new pool has; NULL: those of its name */
    unsigned header_count;
    const char *headers[REQUEST_HEADERS_MAX + 1]; /* of a request */
    unsigned model_count;
    const char *models[MODELS_MAX];
    unsigned limit_count;
    struct limit limits[LIMITS_MAX];
    char *const *files; /* of keys, one for each account; up to NULL. None: standard input */
};

/* What a request is for. */
struct target {
    unsigned model; /* 0: whatever the model */
    char *url;
};

/* Of requests: those that succeeded, made one of three marks, or made none; what helps the last is in their name. */
enum counter { REQUESTS, OK, RATE_LIMITED, QUOTA_EXCEEDED, INVALID, OTHER_KEY, LATER, NEVER, RESPAWNED, COUNTERS };

static const char *const counter_names[COUNTERS] = {
    [REQUESTS] = "requests",
    [OK] = "ok",
    [RATE_LIMITED] = "rate_limited",
    [QUOTA_EXCEEDED] = "quota_exceeded",
    [INVALID] = "invalid",
    [OTHER_KEY] = "other_key",
    [LATER] = "later",
    [NEVER] = "never",
    [RESPAWNED] = "respawned",
};

/* In memory that all processes share. Lock-free atomics, because a worker that is killed could leave a lock held. */
struct statistics {
    _Atomic uint64_t count[COUNTERS];
};
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "counters must work across processes");

static struct statistics *create_statistics(void)
{
    void *memory = mmap(NULL, sizeof(struct statistics), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static void count_one(struct statistics *statistics, enum counter counter)
{
    atomic_fetch_add_explicit(&statistics->count[counter], 1, memory_order_relaxed);
}

static void print_statistics(struct statistics *statistics)
{
    for (int counter = 0; counter < COUNTERS; counter++)
        printf("%s %" PRIu64 "\n", counter_names[counter], atomic_load(&statistics->count[counter]));
}

/* ------------------------------------------------------------------------------------------------------------------
 * Time and signals
 */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SIGHUP too: a terminal that is closed must not leave the pool behind. */
static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    return signals;
}

static sigset_t supervisor_signals(void)
{
    sigset_t signals = stop_signals();
    sigaddset(&signals, SIGCHLD);
    return signals;
}

/* Not SIGINT: Ctrl-C goes to the whole process group, and the supervisor stops the workers. */
static sigset_t worker_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    return signals;
}

/* Wait for one of the (blocked) signals and return it; 0 when none came within that time. */
static int wait_for_signal(const sigset_t *signals, int64_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    int signal_number = sigtimedwait(signals, NULL, &timeout);
    return signal_number > 0 ? signal_number : 0;
}

static void prepare_signals(void)
{
    sigset_t signals = supervisor_signals();
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL); /* if our parent ignored it, so would we, and never learn of a worker's death */
    signal(SIGPIPE, SIG_IGN); /* a server that hangs up is a failed request, not the end of the worker */
}

/* ------------------------------------------------------------------------------------------------------------------
 * A request and its answer
 */

struct answer {
    CURLcode result; /* of the transfer */
    long status;     /* 0: none came */
    size_t header_count, text_length, body_length;
    struct keyshm_http_header headers[HEADERS_MAX];
    char text[HEADER_BYTES_MAX]; /* which the headers point into */
    char body[KEYSHM_HTTP_BODY_MAX];
};

/* A line of the header without its end. Blanks around a value are none of it. */
static void keep_field(struct answer *answer, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || answer->header_count == HEADERS_MAX || length > HEADER_BYTES_MAX - answer->text_length)
        return;
    struct keyshm_http_header *header = &answer->headers[answer->header_count++];
    header->name = answer->text + answer->text_length;
    header->name_length = (size_t)(colon - line);
    header->value = header->name + header->name_length + 1;
    header->value_length = length - header->name_length - 1;
    memcpy(answer->text + answer->text_length, line, length);
    answer->text_length += length;
    while (header->value_length > 0 && header->value[0] == ' ') {
        header->value++;
        header->value_length--;
    }
}

/* libcurl's header callback, called for each line. An answer that follows a provisional one (100) begins anew. */
static size_t keep_header(char *data, size_t size, size_t count, void *user)
{
    struct answer *answer = user;
    size_t length = size * count;
    while (length > 0 && isspace((unsigned char)data[length - 1]))
        length--;
    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
        answer->header_count = answer->text_length = 0;
    else
        keep_field(answer, data, length);
    return size * count;
}

/* libcurl's write callback. Reports everything as taken, even what did not fit: otherwise the transfer would fail. */
static size_t keep_body(char *data, size_t size, size_t count, void *user)
{
    struct answer *answer = user;
    size_t length = size * count;
    size_t room = sizeof(answer->body) - answer->body_length;
    size_t kept = length < room ? length : room;

    memcpy(answer->body + answer->body_length, data, kept);
    answer->body_length += kept;
    return length;
}

/* libcurl copies the key, into its list of headers and into the request it sends, and does not wipe what it frees. */
static void wipe_and_free(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

static void *wipe_and_realloc(void *memory, size_t size)
{
    void *larger = malloc(size);
    if (memory == NULL || larger == NULL)
        return larger;
    size_t old_size = malloc_usable_size(memory);
    memcpy(larger, memory, old_size < size ? old_size : size);
    wipe_and_free(memory);
    return larger;
}

static bool prepare_libcurl(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, wipe_and_realloc, strdup, calloc) == CURLE_OK;
}

/* The key goes to the server named by --url and to nobody else: not to where it redirects, not through a proxy. */
static CURL *create_client(void)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return NULL;
    if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, REQUEST_TIMEOUT_MS) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body) != CURLE_OK) {
        curl_easy_cleanup(curl);
        return NULL;
    }
    return curl;
}

/* False: there is no memory. */
static bool append_header(struct curl_slist **list, const char *header, const char *key)
{
    char text[REQUEST_HEADER_MAX + KEYSHM_KEY_MAX + 1];
    const char *place = strstr(header, KEY_PLACE);
    if (place != NULL)
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - header), header, key, place + strlen(KEY_PLACE));
    struct curl_slist *longer = curl_slist_append(*list, place != NULL ? text : header);
    explicit_bzero(text, sizeof(text));
    *list = longer != NULL ? longer : *list;
    return longer != NULL;
}

/* NULL when there is no memory. Free with curl_slist_free_all(). */
static struct curl_slist *create_headers(const struct settings *settings, const struct keyshm_pick *pick)
{
    struct curl_slist *list = NULL;
    for (unsigned i = 0; i < settings->header_count; i++) {
        if (!append_header(&list, settings->headers[i], pick->key)) {
            curl_slist_free_all(list);
            return NULL;
        }
    }
    return list;
}

static void send_request(CURL *curl, const char *url, struct curl_slist *headers, struct answer *ret_answer)
{
    ret_answer->header_count = ret_answer->text_length = ret_answer->body_length = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_answer);
    ret_answer->result = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
}

/* Send a request with this key. */
static void ask(CURL *curl, const struct settings *settings, const char *url, const struct keyshm_pick *pick,
                struct answer *ret_answer)
{
    struct curl_slist *headers = create_headers(settings, pick);
    ret_answer->status = 0;
    ret_answer->result = CURLE_OUT_OF_MEMORY;
    if (headers != NULL)
        send_request(curl, url, headers, ret_answer);
    curl_slist_free_all(headers);
}

/* What has no name of its own broke off. None of them says anything about a key. */
static enum keyshm_http_transport transport_of(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return KEYSHM_HTTP_TRANSPORT_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return KEYSHM_HTTP_TRANSPORT_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return KEYSHM_HTTP_TRANSPORT_DNS;
    case CURLE_COULDNT_CONNECT:
        return KEYSHM_HTTP_TRANSPORT_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return KEYSHM_HTTP_TRANSPORT_TLS;
    default:
        return KEYSHM_HTTP_TRANSPORT_RESET;
    }
}

/* By the rules of the pool's provider. */
static void judge(keyshm_pool *pool, const struct answer *answer, struct keyshm_http_verdict *ret_verdict)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    response.status = (int)answer->status;
    response.transport = transport_of(answer->result);
    response.headers = answer->headers;
    response.header_count = answer->header_count;
    response.body = answer->body;
    response.body_length = answer->body_length;
    *ret_verdict = (struct keyshm_http_verdict)KEYSHM_HTTP_VERDICT_INIT;
    int error = keyshm_http_judge(keyshm_provider_rules(pool), &response, ret_verdict);
    if (error == 0)
        return;
    fprintf(stderr, "prefork: worker %d: cannot judge an answer: %s\n", (int)getpid(), keyshm_strerror(error));
    ret_verdict->retry = KEYSHM_HTTP_RETRY_LATER;
}

/* ------------------------------------------------------------------------------------------------------------------
 * A worker
 */

struct worker {
    keyshm_pool *pool;
    CURL *curl;
    const struct settings *settings;
    struct statistics *statistics;
    const struct target *targets;
    unsigned target_count;
    unsigned turn;  /* of the targets: counts on */
    unsigned tries; /* of the request that is tried again, so far */
    struct answer answer;
};

static enum counter counter_of(const struct keyshm_http_verdict *verdict)
{
    if (verdict->is_success)
        return OK;
    if (verdict->marks && verdict->mark.status == KEYSHM_INVALID)
        return INVALID;
    if (verdict->marks)
        return verdict->mark.status == KEYSHM_QUOTA_EXCEEDED ? QUOTA_EXCEEDED : RATE_LIMITED;
    if (verdict->retry == KEYSHM_HTTP_RETRY_OTHER_KEY)
        return OTHER_KEY;
    return verdict->retry == KEYSHM_HTTP_RETRY_LATER ? LATER : NEVER;
}

/* Tell every worker what the answer says. */
static void report(keyshm_pool *pool, const struct keyshm_pick *pick, const struct keyshm_http_verdict *verdict)
{
    int error = keyshm_http_report(pool, pick, pick->model, verdict);
    if (error < 0 && error != -ESTALE) /* -ESTALE: somebody removed the key meanwhile, and that is fine */
        fprintf(stderr, "prefork: worker %d: cannot report an answer: %s\n", (int)getpid(), keyshm_strerror(error));
}

/* What a mark says is in the pool. A rule's name comes from the rules, so it holds nothing of the answer. */
static void log_error(const struct answer *answer, const struct keyshm_http_verdict *verdict)
{
    if (answer->result != CURLE_OK)
        fprintf(stderr, "prefork: worker %d: %s\n", (int)getpid(), curl_easy_strerror(answer->result));
    else
        fprintf(stderr, "prefork: worker %d: the server answered %ld (%s)\n", (int)getpid(), answer->status,
                verdict->rule != NULL ? verdict->rule : "which no rule knows");
}

/* How long to wait before the next request. One that another key can have answered is that next request. */
static int64_t pause_ms(struct worker *worker, const struct keyshm_http_verdict *verdict)
{
    bool is_tried_again = verdict->retry == KEYSHM_HTTP_RETRY_OTHER_KEY && worker->tries + 1 < TRIES_MAX;
    worker->tries = is_tried_again ? worker->tries + 1 : 0;
    if (is_tried_again) {
        worker->turn--;
        return 0;
    }
    if (verdict->retry == KEYSHM_HTTP_RETRY_NONE)
        return worker->settings->pace_ms;
    return verdict->retry == KEYSHM_HTTP_RETRY_LATER && verdict->wait_ms > 0 ? verdict->wait_ms : ERROR_PAUSE_MS;
}

/* After a failed pick: how long to wait for a key, in milliseconds, or the error if it has another reason. */
static int64_t wait_for_key_ms(const struct worker *worker, int error)
{
    if (error != -EAGAIN && error != -ENOKEY) {
        fprintf(stderr, "prefork: worker %d: no key: %s\n", (int)getpid(), keyshm_strerror(error));
        return error;
    }
    int64_t wait_ms = KEY_WAIT_MAX_MS;
    for (unsigned i = 0; i < worker->target_count; i++) {
        struct keyshm_request request = KEYSHM_REQUEST_INIT;
        request.model = worker->targets[i].model;
        int64_t hint_ms = keyshm_wait_hint_ms(worker->pool, &request);
        wait_ms = hint_ms >= 0 && hint_ms < wait_ms ? hint_ms : wait_ms;
    }
    return wait_ms;
}

/* The models take turns. One for which no key is available does not hold up the others, also not when it was refused before. */
static int pick_key(struct worker *worker, struct keyshm_lease *ret_lease, const struct target **ret_target)
{
    int error = -EAGAIN;
    for (unsigned i = 0; i < worker->target_count && error == -EAGAIN; i++) {
        struct keyshm_request request = KEYSHM_REQUEST_INIT;
        *ret_target = &worker->targets[worker->turn++ % worker->target_count];
        request.model = (*ret_target)->model;
        error = keyshm_acquire(worker->pool, &request, ret_lease);
        if (error < 0)
            worker->tries = 0;
    }
    return error;
}

/* Pick, use, report. Returns how long to wait before the next time, in milliseconds, or a negative error. */
static int64_t use_next_key(struct worker *worker)
{
    const struct target *target;
    struct keyshm_lease lease;
    struct keyshm_http_verdict verdict;

    int error = pick_key(worker, &lease, &target);
    if (error < 0)
        return wait_for_key_ms(worker, error);

    count_one(worker->statistics, REQUESTS);
    ask(worker->curl, worker->settings, target->url, &lease.pick, &worker->answer);
    explicit_bzero(lease.pick.key, lease.pick.key_length);

    judge(worker->pool, &worker->answer, &verdict);
    report(worker->pool, &lease.pick, &verdict);
    keyshm_release(worker->pool, &lease);

    count_one(worker->statistics, counter_of(&verdict));
    if (!verdict.is_success && !verdict.marks)
        log_error(&worker->answer, &verdict);
    return pause_ms(worker, &verdict);
}

static int work(struct worker *worker)
{
    worker->curl = prepare_libcurl() ? create_client() : NULL;
    if (worker->curl == NULL) {
        fprintf(stderr, "prefork: cannot set up libcurl\n");
        return EXIT_FAILURE;
    }
    sigset_t signals = worker_signals();
    int64_t wait_ms = 0;
    while (wait_ms >= 0 && wait_for_signal(&signals, wait_ms) == 0)
        wait_ms = use_next_key(worker);

    curl_easy_cleanup(worker->curl);
    return wait_ms >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The supervisor
 */

/* A place for a worker: its process, and when it may be filled again. */
struct place {
    pid_t pid; /* 0: nobody */
    bool used_before;
    int64_t fill_at_ms;
};

struct supervisor {
    struct settings settings;
    struct statistics *statistics;
    keyshm_pool *pool;
    unsigned target_count;
    struct target targets[MODELS_MAX];
    struct place places[WORKERS_MAX];
};

/* A worker must not outlive its supervisor, because nothing would ever stop it. The signal is sent when the parent dies
 * from now on; getppid() shows whether it has died already. */
static void die_with(pid_t supervisor_pid)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor_pid)
        _exit(EXIT_FAILURE);
}

/* The child uses the attachment it inherits. It ends with _exit(), because stdio's buffers hold output of the supervisor. */
static pid_t fork_worker(const struct supervisor *supervisor)
{
    pid_t supervisor_pid = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        struct worker worker = {
            .pool = supervisor->pool,
            .settings = &supervisor->settings,
            .statistics = supervisor->statistics,
            .targets = supervisor->targets,
            .target_count = supervisor->target_count,
        };
        die_with(supervisor_pid);
        _exit(work(&worker));
    }
    return pid;
}

static void fill_place(struct supervisor *supervisor, struct place *place)
{
    place->fill_at_ms = now_ms() + RESPAWN_INTERVAL_MS;
    pid_t pid = fork_worker(supervisor);
    if (pid < 0) {
        fprintf(stderr, "prefork: cannot fork: %s\n", strerror(errno));
        return;
    }
    place->pid = pid;
    if (place->used_before) {
        count_one(supervisor->statistics, RESPAWNED);
        fprintf(stderr, "prefork: worker %d takes the place of one that ended\n", (int)pid);
    }
    place->used_before = true;
}

/* Fill every empty place whose time has come. Returns the time of the next one, in the clock of now_ms(). */
static int64_t fill_places(struct supervisor *supervisor)
{
    int64_t next_ms = INT64_MAX;
    for (unsigned i = 0; i < supervisor->settings.workers; i++) {
        struct place *place = &supervisor->places[i];
        if (place->pid == 0 && place->fill_at_ms <= now_ms())
            fill_place(supervisor, place);
        if (place->pid == 0 && place->fill_at_ms < next_ms)
            next_ms = place->fill_at_ms;
    }
    return next_ms;
}

static void log_end(pid_t pid, int wait_status)
{
    if (WIFSIGNALED(wait_status))
        fprintf(stderr, "prefork: worker %d died: %s\n", (int)pid, strsignal(WTERMSIG(wait_status)));
    else if (WEXITSTATUS(wait_status) != EXIT_SUCCESS)
        fprintf(stderr, "prefork: worker %d failed\n", (int)pid);
}

/* Several deaths can be one SIGCHLD. What a worker had in flight is given back at once. */
static void reap_workers(struct supervisor *supervisor)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        log_end(pid, wait_status);
        keyshm_reap(supervisor->pool, pid);
        for (unsigned i = 0; i < supervisor->settings.workers; i++) {
            if (supervisor->places[i].pid == pid)
                supervisor->places[i].pid = 0;
        }
    }
}

/* Keep the places filled until the time is up or a signal to stop arrives. */
static void supervise(struct supervisor *supervisor)
{
    sigset_t signals = supervisor_signals();
    int64_t end_ms = supervisor->settings.run_ms > 0 ? now_ms() + supervisor->settings.run_ms : INT64_MAX;
    int signal_number = 0;

    while ((signal_number == 0 || signal_number == SIGCHLD) && now_ms() < end_ms) {
        reap_workers(supervisor);
        int64_t wake_at_ms = fill_places(supervisor);
        int64_t wait_ms = (wake_at_ms < end_ms ? wake_at_ms : end_ms) - now_ms();
        signal_number = wait_for_signal(&signals, wait_ms > 0 ? wait_ms : 0);
    }
}

/* Signal every worker that is left. Returns how many they are. */
static unsigned signal_workers(const struct supervisor *supervisor, int signal_number)
{
    unsigned left = 0;
    for (unsigned i = 0; i < supervisor->settings.workers; i++) {
        if (supervisor->places[i].pid != 0) {
            kill(supervisor->places[i].pid, signal_number);
            left++;
        }
    }
    return left;
}

/* Ask all workers to stop, and kill those that do not in time. None is left when this returns. */
static void stop_workers(struct supervisor *supervisor)
{
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);

    int64_t kill_at_ms = now_ms() + STOP_GRACE_MS;
    for (;;) {
        reap_workers(supervisor);
        int64_t left_ms = kill_at_ms - now_ms();
        if (signal_workers(supervisor, left_ms > 0 ? SIGTERM : SIGKILL) == 0)
            return;
        wait_for_signal(&child_ended, left_ms > 0 ? left_ms : KILL_INTERVAL_MS);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * The models
 */

/* URL/MODEL for each model; without models, URL. */
static bool make_targets(struct supervisor *supervisor)
{
    const struct settings *settings = &supervisor->settings;
    supervisor->target_count = settings->model_count > 0 ? settings->model_count : 1;
    for (unsigned i = 0; i < supervisor->target_count; i++) {
        struct target *target = &supervisor->targets[i];
        const char *model = settings->models[i];
        int error = model != NULL ? keyshm_model(supervisor->pool, model, &target->model) : 0;
        if (error < 0) {
            fprintf(stderr, "prefork: cannot make the model '%s': %s\n", model, keyshm_strerror(error));
            return false;
        }
        if (asprintf(&target->url, "%s%s%s", settings->url, model != NULL ? "/" : "", model != NULL ? model : "") < 0) {
            fprintf(stderr, "prefork: no memory\n");
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The keys
 */

/* The keys of one account, or those on standard input. Read as one text, into which `keys` points. */
struct key_list {
    int fd;
    const char *source; /* the name of the file */
    char *text;
    size_t length, size;
    size_t count;
    const char **keys;
    unsigned *line_numbers; /* of each key */
};

static void free_keys(struct key_list *list)
{
    wipe_and_free(list->text);
    free(list->keys);
    free(list->line_numbers);
    if (list->fd > STDIN_FILENO)
        close(list->fd);
}

/* Wait for input, or for a signal to stop. */
static bool input_is_ready(const struct key_list *list)
{
    struct pollfd input = {.fd = list->fd, .events = POLLIN};
    sigset_t signals = stop_signals();
    while (poll(&input, 1, INPUT_POLL_MS) == 0) {
        if (wait_for_signal(&signals, 0) != 0)
            return false;
    }
    return true;
}

/* Room for one more piece, and for a NUL. The text that is moved is wiped where it was. */
static bool make_room(struct key_list *list)
{
    if (list->size - list->length > INPUT_PIECE)
        return true;
    size_t size = 2 * list->size + INPUT_PIECE + 1;
    char *larger = size <= INPUT_MAX ? wipe_and_realloc(list->text, size) : NULL;
    if (larger == NULL) {
        fprintf(stderr, "prefork: %s: no room for so many keys\n", list->source);
        return false;
    }
    list->text = larger;
    list->size = size;
    return true;
}

/* Not by stdio, which keeps a copy in its buffer. */
static bool read_input(struct key_list *list)
{
    while (input_is_ready(list) && make_room(list)) {
        ssize_t length = read(list->fd, list->text + list->length, list->size - list->length - 1);
        if (length < 0) {
            fprintf(stderr, "prefork: cannot read %s: %s\n", list->source, strerror(errno));
            return false;
        }
        if (length == 0)
            return true;
        list->length += (size_t)length;
    }
    return false;
}

static bool make_arrays(struct key_list *list)
{
    size_t lines = 1;
    for (size_t i = 0; i < list->length; i++)
        lines += list->text[i] == '\n';
    list->keys = calloc(lines, sizeof(*list->keys));
    list->line_numbers = calloc(lines, sizeof(*list->line_numbers));
    if (list->keys == NULL || list->line_numbers == NULL)
        fprintf(stderr, "prefork: no memory\n");
    return list->keys != NULL && list->line_numbers != NULL;
}

/* A key a line. Blank lines and lines that begin with # are none. Lines may end as in DOS. */
static bool take_lines(struct key_list *list)
{
    char *end = list->text + list->length, *next;
    unsigned line_number = 1;
    *end = '\0';
    for (char *line = list->text; line < end; line = next, line_number++) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        next = line_end != NULL ? line_end + 1 : end;
        if (line_end == NULL)
            line_end = end;
        if (line_end > line && line_end[-1] == '\r')
            line_end--;
        *line_end = '\0';
        if (line[0] == '#' || line == line_end)
            continue;
        if (strlen(line) != (size_t)(line_end - line)) {
            fprintf(stderr, "prefork: %s: there is a NUL on line %u\n", list->source, line_number);
            return false;
        }
        list->line_numbers[list->count] = line_number;
        list->keys[list->count++] = line;
    }
    if (list->count == 0)
        fprintf(stderr, "prefork: %s: no keys (one a line)\n", list->source);
    return list->count > 0;
}

/* A bad key is named by its line, never by its bytes. */
static bool check_keys(keyshm_pool *pool, const struct key_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        keyshm_id id;
        if (keyshm_find(pool, list->keys[i], &id) == -EINVAL) {
            fprintf(stderr, "prefork: %s: the key on line %u is not valid\n", list->source, list->line_numbers[i]);
            return false;
        }
    }
    return true;
}

static bool read_keys(keyshm_pool *pool, struct key_list *list)
{
    return read_input(list) && make_arrays(list) && take_lines(list) && check_keys(pool, list);
}

static bool open_list(const char *path, struct key_list *ret_list)
{
    *ret_list = (struct key_list){.fd = open(path, O_RDONLY | O_CLOEXEC), .source = path};
    if (ret_list->fd < 0)
        fprintf(stderr, "prefork: cannot open %s: %s\n", path, strerror(errno));
    return ret_list->fd >= 0;
}

/* A key that is there already keeps what is known of it. */
static int add_to_group(keyshm_pool *pool, const char *key, keyshm_id group)
{
    struct keyshm_key_snapshot known;
    keyshm_id id;
    int error = keyshm_add_to_group(pool, key, group, &id);
    if (error != -EEXIST)
        return error;
    error = keyshm_inspect(pool, id, 0, sizeof(known), &known);
    return error == 0 && known.group != group ? keyshm_set_group(pool, id, group) : error;
}

/* The group of an account is called as its file. */
static int add_account(keyshm_pool *pool, const struct key_list *list)
{
    keyshm_id group;
    int error = keyshm_group(pool, account_of(list->source), &group);
    for (size_t i = 0; i < list->count && error == 0; i++)
        error = add_to_group(pool, list->keys[i], group);
    if (error < 0)
        fprintf(stderr, "prefork: %s: cannot add its keys: %s\n", list->source, keyshm_strerror(error));
    return error;
}

/* Make the pool hold the keys of these lists, and no others. Those that it has already keep what is known of them. */
static bool replace_keys(keyshm_pool *pool, const struct key_list *lists, size_t list_count)
{
    size_t count = 0, all = 0;
    for (size_t i = 0; i < list_count; i++)
        count += lists[i].count;
    const char **keys = calloc(count, sizeof(*keys));
    int error = keys != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < list_count && error == 0; i++)
        for (size_t k = 0; k < lists[i].count; k++)
            keys[all++] = lists[i].keys[k];
    if (error == 0)
        error = keyshm_replace_keys(pool, keys, count, NULL);
    if (error < 0)
        fprintf(stderr, "prefork: cannot replace the keys of the pool: %s\n", keyshm_strerror(error));
    free(keys);
    return error == 0;
}

/* All lists are read and checked before the pool is changed. */
static bool take_keys_from_files(keyshm_pool *pool, char *const *files)
{
    struct key_list lists[ACCOUNTS_MAX];
    size_t count = 0;
    bool taken = true;
    for (; taken && files[count] != NULL; count++)
        taken = open_list(files[count], &lists[count]) && read_keys(pool, &lists[count]);
    for (size_t i = 0; taken && i < count; i++)
        taken = add_account(pool, &lists[i]) == 0;
    if (taken)
        taken = replace_keys(pool, lists, count);
    for (size_t i = 0; i < count; i++)
        free_keys(&lists[i]);
    return taken;
}

/* Keys do not come by the command line, because every user can read that. */
static bool take_keys_from_stdin(keyshm_pool *pool)
{
    struct key_list list = {.fd = STDIN_FILENO, .source = "standard input"};
    bool taken = read_keys(pool, &list) && replace_keys(pool, &list, 1);
    free_keys(&list);
    return taken;
}

static bool take_keys(keyshm_pool *pool, const struct settings *settings)
{
    return settings->files[0] != NULL ? take_keys_from_files(pool, settings->files) : take_keys_from_stdin(pool);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The limits
 */

static int set_limit(keyshm_pool *pool, const struct limit *limit)
{
    keyshm_id account = 0;
    unsigned model = 0;
    int error = 0;
    if (limit->account[0] != '\0')
        error = keyshm_find_group(pool, limit->account, &account);
    if (error == 0 && limit->model != NULL)
        error = keyshm_find_model(pool, limit->model, &model);
    return error == 0 ? keyshm_set_limits(pool, account, model, &limit->limits) : error;
}

static bool set_limits(keyshm_pool *pool, const struct settings *settings)
{
    int error = 0;
    for (unsigned i = 0; i < settings->limit_count && error == 0; i++)
        error = set_limit(pool, &settings->limits[i]);
    if (error < 0)
        fprintf(stderr, "prefork: cannot set limits: %s\n", keyshm_strerror(error));
    return error == 0;
}

/* ------------------------------------------------------------------------------------------------------------------
 * One supervisor to a pool
 */

/* Another supervisor of the pool. */
struct rival {
    pid_t pid;       /* 0: there is none */
    bool is_certain; /* that it is alive */
    bool was_first;
};

static const struct keyshm_worker *worker_at(const struct keyshm_worker_list *list, size_t i)
{
    const void *worker = (const char *)list->workers + i * list->element_bytes;
    return worker;
}

/* It was not killed and has not closed the pool, as far as can be told. */
static bool is_supervisor(const struct keyshm_worker *worker)
{
    return worker->is_alive != 0 && strcmp(worker->name, SUPERVISOR_NAME) == 0;
}

/* The caller's own row; NULL: it is not listed. A process of another PID namespace may have the same pid: then, at worst,
 * the caller takes its own row for that one's, and refuses to start. */
static const struct keyshm_worker *find_self(const struct keyshm_worker_list *list)
{
    const struct keyshm_worker *self = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct keyshm_worker *worker = worker_at(list, i);
        if (is_supervisor(worker) && worker->pid == getpid())
            self = worker;
    }
    return self;
}

static bool was_before(const struct keyshm_worker *worker, const struct keyshm_worker *self_or_null)
{
    if (self_or_null == NULL || worker->attached_ago_ms != self_or_null->attached_ago_ms)
        return self_or_null == NULL || worker->attached_ago_ms > self_or_null->attached_ago_ms;
    return worker->pid < self_or_null->pid;
}

/* Of several the one that says most: first one of which it is not certain whether it is alive, then the one that was
 * there first. With pid 0: there is none. */
static int find_rival(keyshm_pool *pool, struct rival *ret_rival)
{
    struct keyshm_worker_list *list;
    int error = keyshm_workers(pool, &list);
    if (error < 0)
        return error;
    const struct keyshm_worker *self = find_self(list), *rival = NULL;
    for (size_t i = 0; i < list->count; i++) { /* the longest attached first */
        const struct keyshm_worker *worker = worker_at(list, i);
        if (is_supervisor(worker) && worker != self && (rival == NULL || (rival->is_alive > 0 && worker->is_alive < 0)))
            rival = worker;
    }
    *ret_rival = (struct rival){.pid = 0};
    if (rival != NULL)
        *ret_rival = (struct rival){rival->pid, rival->is_alive > 0, was_before(rival, self)};
    keyshm_worker_list_free(list);
    return 0;
}

static void log_rival(const struct rival *rival, const char *pool_name)
{
    if (rival->is_certain)
        fprintf(stderr,
                "prefork: process %d is the supervisor of the pool '%s' already\n"
                "Stop it, or take another pool (--pool).\n",
                (int)rival->pid, pool_name);
    else
        fprintf(stderr,
                "prefork: process %d is the supervisor of the pool '%s', and it cannot be told whether it is alive:\n"
                "it was started in another PID namespace (a container), or /proc is not mounted here.\n"
                "Start prefork where that process was started, or take another pool (--pool). If the process has ended,\n"
                "remove the pool, with all that is known of its keys: keyshm-ctl destroy %s\n",
                (int)rival->pid, pool_name, pool_name);
}

/* Become the only supervisor of the pool, or say why not.
 *
 * Of two that start at once, the one that attached later gives way. It may have looked before the other one had its
 * name, and stay. So the other one waits until it is gone, and if it stays, gives way itself. */
static bool become_supervisor(keyshm_pool *pool, const char *pool_name)
{
    sigset_t signals = stop_signals();
    int64_t give_up_at_ms = now_ms() + RIVAL_WAIT_MS;
    struct rival rival = {.pid = 0};

    int error = keyshm_set_worker_name(pool, SUPERVISOR_NAME);
    /* Between the store of the name and the loads of the others', so that one of two at least sees the other. */
    atomic_thread_fence(memory_order_seq_cst);
    if (error == 0)
        error = find_rival(pool, &rival);
    while (error == 0 && rival.pid != 0 && rival.is_certain && !rival.was_first && now_ms() < give_up_at_ms) {
        if (wait_for_signal(&signals, RIVAL_POLL_MS) != 0)
            return false;
        error = find_rival(pool, &rival);
    }
    if (error < 0)
        fprintf(stderr, "prefork: cannot look for another supervisor: %s\n", keyshm_strerror(error));
    else if (rival.pid != 0)
        log_rival(&rival, pool_name);
    return error == 0 && rival.pid == 0;
}

/* Workers report successes, so what comes back from a bench can be given to one request first. This cannot fail: the pool
 * is new, and ours. */
static void turn_probes_on(keyshm_pool *pool)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_get_policy(pool, &policy);
    policy.probe_ms = PROBE_MS;
    keyshm_set_policy(pool, &policy);
}

/* One that is there keeps its policy. */
static int make_or_attach(keyshm_pool **ret_pool, const struct settings *settings)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.provider_rules = settings->provider;
    for (;;) {
        int error = keyshm_create(ret_pool, settings->pool_name, &options);
        if (error == 0)
            turn_probes_on(*ret_pool);
        if (error != -EEXIST)
            return error;
        error = keyshm_attach(ret_pool, settings->pool_name);
        if (error != -ENOENT) /* it was removed in between */
            return error;
    }
}

/* The rules of a pool stay. To go by other ones than asked for would be a surprise. */
static bool has_rules(keyshm_pool *pool, const struct settings *settings)
{
    const char *rules = keyshm_provider_rules(pool);
    bool has_them = settings->provider == NULL || strcmp(rules, settings->provider) == 0;
    if (!has_them)
        fprintf(
            stderr,
            "prefork: the pool '%s' is there already, with the rules of '%s' (--provider). Take another pool (--pool),\n"
            "or remove this one, with all that is known of its keys: keyshm-ctl destroy %s\n",
            settings->pool_name, rules, settings->pool_name);
    return has_them;
}

/* Open the pool, whether it is there or not, as its only supervisor. A supervisor that ends unlinks the pool before it
 * closes it: one that is found closed has made this pool useless, and there is a new one to open. */
static keyshm_pool *open_pool(const struct settings *settings)
{
    const char *name = settings->pool_name;
    for (;;) {
        keyshm_pool *pool;
        int error = make_or_attach(&pool, settings);
        if (error < 0) {
            fprintf(stderr, "prefork: cannot open the pool '%s': %s\n", name, keyshm_strerror(error));
            return NULL;
        }
        bool is_ours = become_supervisor(pool, name) && has_rules(pool, settings);
        if (is_ours && keyshm_is_replaced(pool) != 1)
            return pool;
        keyshm_close(pool);
        if (!is_ours)
            return NULL;
    }
}

static bool is_empty(keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    if (keyshm_snapshot(pool, &snapshot) < 0)
        return false;
    bool is_empty = snapshot->count == 0;
    keyshm_snapshot_free(snapshot);
    return is_empty;
}

/* Remove the pool: not if that is another one by now, and not if the given keys were refused and it has some that another
 * supervisor left. */
static void leave_pool(keyshm_pool *pool, const char *name, bool has_run)
{
    if ((has_run || is_empty(pool)) && keyshm_is_replaced(pool) == 0)
        keyshm_unlink(name);
    keyshm_close(pool);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The command line
 */

static void print_usage(FILE *stream)
{
    fprintf(stream, "Usage: prefork --url URL [OPTION]... [FILE]...\n"
                    "Send requests to URL from several processes that share API keys, one a line of\n"
                    "FILE. Each FILE has the keys of one account, and its name is that of the group.\n"
                    "Without one, keys are read from standard input, each of an account of its own.\n"
                    "Lines that begin with # are no keys.\n\n"
                    "  --url URL      where to send GET requests\n"
                    "  --provider NAME\n"
                    "                 whose rules say what the answers mean (default: those of the\n"
                    "                 pool's name, see keyshm-providers(5))\n"
                    "  --header TEXT  a field of the header, with {key} in the place of the key; may\n"
                    "                 be given several times (default Authorization: Bearer {key})\n"
                    "  --model NAME   what a request is for: it is sent to URL/NAME. Several take turns\n"
                    "  --limits [ACCOUNT][/MODEL]=REQUESTS/SECONDS[,BURST]\n"
                    "                 send no more than so many, and so many at once, for this account,\n"
                    "                 or with each key; may be given several times. The pool keeps\n"
                    "                 the limits that it has from before\n"
                    "  --workers N    how many processes (default 4)\n"
                    "  --seconds N    stop after this time; 0, the default: at SIGINT or SIGTERM\n"
                    "  --pace-ms N    how long a worker waits between two requests (default 10)\n"
                    "  --pool NAME    the name of the pool (default prefork)\n"
                    "  --help         print this\n");
}

/* A number from least to most, and nothing else. */
static bool parse_number(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < least || number > most) {
        fprintf(stderr, "prefork: '%s' is not a number from %" PRId64 " to %" PRId64 "\n", text, least, most);
        return false;
    }
    *ret_number = number;
    return true;
}

static bool add_header(const char *text, struct settings *settings)
{
    const char *colon = strchr(text, ':');
    bool is_header = colon != NULL && colon != text && strlen(text) <= REQUEST_HEADER_MAX;
    for (const char *c = text; *c != '\0'; c++)
        is_header &= !iscntrl((unsigned char)*c);
    if (!is_header) {
        fprintf(stderr, "prefork: --header takes NAME: VALUE, of up to %d bytes\n", REQUEST_HEADER_MAX);
        return false;
    }
    if (settings->header_count == REQUEST_HEADERS_MAX) {
        fprintf(stderr, "prefork: more than %d header fields\n", REQUEST_HEADERS_MAX);
        return false;
    }
    settings->headers[settings->header_count++] = text;
    return true;
}

/* Without a place for the key it is a bearer token. */
static void add_key_header(struct settings *settings)
{
    for (unsigned i = 0; i < settings->header_count; i++) {
        if (strstr(settings->headers[i], KEY_PLACE) != NULL)
            return;
    }
    settings->headers[settings->header_count++] = "Authorization: Bearer " KEY_PLACE;
}

static bool add_model(const char *name, struct settings *settings)
{
    if (settings->model_count == MODELS_MAX) {
        fprintf(stderr, "prefork: more than %d models\n", MODELS_MAX);
        return false;
    }
    settings->models[settings->model_count++] = name;
    return true;
}

/* The number between two places of a text. */
static bool parse_part(const char *begin, const char *end, int64_t most, int64_t *ret_number)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%.*s", (int)(end - begin), begin);
    return length < (int)sizeof(text) && parse_number(text, 1, most, ret_number);
}

/* REQUESTS/SECONDS[,BURST] */
static bool parse_rate(const char *text, struct keyshm_rate *ret_rate)
{
    int64_t requests, seconds, burst = 0;
    const char *slash = strchr(text, '/'), *comma = strchr(text, ',');
    const char *end = text + strlen(text), *seconds_end = comma != NULL ? comma : end;
    if (slash == NULL || slash > seconds_end) {
        fprintf(stderr, "prefork: --limits takes [ACCOUNT][/MODEL]=REQUESTS/SECONDS[,BURST]\n");
        return false;
    }
    if (!parse_part(text, slash, LIMIT_REQUESTS_MAX, &requests) ||
        !parse_part(slash + 1, seconds_end, KEYSHM_DURATION_MAX_MS / 1000, &seconds) ||
        (comma != NULL && !parse_part(comma + 1, end, LIMIT_REQUESTS_MAX, &burst)))
        return false;
    ret_rate->amount = (uint64_t)requests;
    ret_rate->per_ms = seconds * 1000;
    ret_rate->burst = (uint64_t)burst;
    return true;
}

/* The text is kept, in parts. A file's name has no slash, that of a model may have some. */
static bool add_limit(char *text, struct settings *settings)
{
    if (settings->limit_count == LIMITS_MAX) {
        fprintf(stderr, "prefork: more than %d limits\n", LIMITS_MAX);
        return false;
    }
    struct limit *limit = &settings->limits[settings->limit_count++];
    *limit = (struct limit){.account = text, .limits = KEYSHM_LIMITS_INIT};
    char *rate = strrchr(text, '='), *slash = strchr(text, '/');
    if (rate == NULL)
        return parse_rate("", &limit->limits.requests);
    *rate = '\0';
    if (slash != NULL && slash < rate) {
        *slash = '\0';
        limit->model = slash + 1;
    }
    return parse_rate(rate + 1, &limit->limits.requests);
}

static bool parse_option(int option, struct settings *settings)
{
    int64_t number;
    switch (option) {
    case 'u':
        settings->url = optarg;
        return true;
    case 'n':
        settings->pool_name = optarg;
        return true;
    case 'r':
        settings->provider = optarg;
        return true;
    case 'H':
        return add_header(optarg, settings);
    case 'm':
        return add_model(optarg, settings);
    case 'l':
        return add_limit(optarg, settings);
    case 'w':
        if (!parse_number(optarg, 1, WORKERS_MAX, &number))
            return false;
        settings->workers = (unsigned)number;
        return true;
    case 's':
        if (!parse_number(optarg, 0, SECONDS_MAX, &number))
            return false;
        settings->run_ms = number * 1000;
        return true;
    case 'p':
        return parse_number(optarg, 0, PACE_MAX_MS, &settings->pace_ms);
    case 'h':
        print_usage(stdout);
        exit(EXIT_SUCCESS);
    default:
        return false;
    }
}

static bool is_account(const struct settings *settings, const char *name)
{
    bool is_it = false;
    for (char *const *file = settings->files; *file != NULL; file++)
        is_it |= strcmp(account_of(*file), name) == 0;
    return is_it;
}

static bool is_model(const struct settings *settings, const char *name)
{
    bool is_it = false;
    for (unsigned i = 0; i < settings->model_count; i++)
        is_it |= strcmp(settings->models[i], name) == 0;
    return is_it;
}

/* Before the pool is opened, so that nothing has changed when they are wrong. */
static bool check_limits(const struct settings *settings)
{
    for (unsigned i = 0; i < settings->limit_count; i++) {
        const struct limit *limit = &settings->limits[i];
        bool is_known = true;
        if (limit->account[0] != '\0' && !is_account(settings, limit->account)) {
            fprintf(stderr, "prefork: --limits: no FILE has the account '%s'\n", limit->account);
            is_known = false;
        }
        if (limit->model != NULL && !is_model(settings, limit->model)) {
            fprintf(stderr, "prefork: --limits: no --model is '%s'\n", limit->model);
            is_known = false;
        }
        if (!is_known)
            return false;
    }
    return true;
}

static bool parse_command_line(int argc, char **argv, struct settings *ret_settings)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},
        {"provider", required_argument, NULL, 'r'},
        {"header", required_argument, NULL, 'H'},
        {"model", required_argument, NULL, 'm'},
        {"limits", required_argument, NULL, 'l'},
        {"workers", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'},
        {"pace-ms", required_argument, NULL, 'p'},
        {"pool", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *ret_settings = (struct settings){.workers = 4, .pace_ms = 10, .pool_name = "prefork"};

    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!parse_option(option, ret_settings))
            return false;
    }
    add_key_header(ret_settings);
    ret_settings->files = argv + optind;
    if (ret_settings->url == NULL)
        fprintf(stderr, "prefork: --url is missing\n");
    if (argc - optind > ACCOUNTS_MAX)
        fprintf(stderr, "prefork: more than %d accounts\n", ACCOUNTS_MAX);
    return ret_settings->url != NULL && argc - optind <= ACCOUNTS_MAX && check_limits(ret_settings);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void log_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "prefork: %s\n", problem);
}

/* Once, for all workers; and a bad file of rules is told, rather than left out with all others. */
static bool load_rules(void)
{
    int error = keyshm_http_load(NULL, log_problem, NULL);
    if (error < 0)
        fprintf(stderr, "prefork: cannot load the rules of providers: %s\n", keyshm_strerror(error));
    return error == 0;
}

int main(int argc, char **argv)
{
    static struct supervisor supervisor;
    const struct settings *settings = &supervisor.settings;

    if (!parse_command_line(argc, argv, &supervisor.settings)) {
        print_usage(stderr);
        return EXIT_FAILURE;
    }
    prctl(PR_SET_DUMPABLE, 0); /* the keys that a process is using must not end up in a core file */
    prepare_signals();         /* before the pool exists, so that the end of this function is always reached */

    supervisor.statistics = create_statistics();
    if (supervisor.statistics == NULL) {
        fprintf(stderr, "prefork: no memory\n");
        return EXIT_FAILURE;
    }
    supervisor.pool = load_rules() ? open_pool(settings) : NULL;
    if (supervisor.pool == NULL)
        return EXIT_FAILURE;

    bool ready =
        make_targets(&supervisor) && take_keys(supervisor.pool, settings) && set_limits(supervisor.pool, settings);
    if (ready) {
        supervise(&supervisor);
        stop_workers(&supervisor);
        print_statistics(supervisor.statistics);
    }
    leave_pool(supervisor.pool, settings->pool_name, ready);
    return ready ? EXIT_SUCCESS : EXIT_FAILURE;
}
