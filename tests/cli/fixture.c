/* SPDX-License-Identifier: MIT */

/*
 * Operations that the tests of the programs need and the programs do not offer:
 *
 * cli-fixture create POOL MS             a pool with a lock timeout of MS milliseconds
 * cli-fixture metadata POOL ID NAME TEXT
 * cli-fixture group POOL NAME            find or make the group, and print its id
 * cli-fixture set-group POOL ID GROUP    put a key in the group with this id
 * cli-fixture remove-group POOL GROUP
 * cli-fixture model POOL NAME            find or make the model, and print its number
 * cli-fixture pause POOL ID              a key or a group
 * cli-fixture mark POOL ID MODEL SCOPE STATUS REASON MS  mark it: MODEL is a number, SCOPE key or group, MS -: no time is said
 * cli-fixture mark-in-turn POOL ID MODEL a key or a group is limited and made available for the model, again and again
 * cli-fixture limit POOL ID MODEL LIMIT AMOUNT MS BURST  one of its limits: requests, tokens, requests_long, tokens_long or in_flight
 * cli-fixture lease POOL COUNT MODEL TOKENS  take so many leases, say so, and hold them until killed
 * cli-fixture hold POOL                  take the mutex, say so, and keep it until killed
 * cli-fixture hold-as POOL UID           the same, and become another user
 * cli-fixture change POOL                the same, in the middle of a membership change
 * cli-fixture add-and-stop POOL KEY      add a key, and stop (SIGSTOP) in the middle of it
 * cli-fixture work POOL                  pick keys and mark them, again and again
 * cli-fixture spoil POOL                 the key in slot 0 is not in the index any more
 * cli-fixture break-word POOL            the state word of slot 0 is none that keyshm writes
 * cli-fixture tear POOL                  an event whose record was never written
 * cli-fixture layout                     print the name of the layout
 */

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "key_index.h"
#include "keyshm.h"
#include "lock.h"
#include "pool.h"

static int create(char **arguments)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *pool;
    options.lock_timeout_ms = strtol(arguments[1], NULL, 10);
    int r = keyshm_create(&pool, arguments[0], &options);
    if (r == 0)
        keyshm_close(pool);
    return r;
}

static int metadata(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_set_metadata(pool, strtoull(arguments[1], NULL, 10), arguments[2], arguments[3]);
    keyshm_close(pool);
    return r;
}

static int group(char **arguments)
{
    keyshm_pool *pool;
    keyshm_id id = 0;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_group(pool, arguments[1], &id);
    if (r == 0)
        printf("%llu\n", (unsigned long long)id);
    keyshm_close(pool);
    return r;
}

static int set_group(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_set_group(pool, strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10));
    keyshm_close(pool);
    return r;
}

static int remove_group(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_remove_group(pool, strtoull(arguments[1], NULL, 10));
    keyshm_close(pool);
    return r;
}

static int model(char **arguments)
{
    keyshm_pool *pool;
    unsigned number = 0;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_model(pool, arguments[1], &number);
    if (r == 0)
        printf("%u\n", number);
    keyshm_close(pool);
    return r;
}

static int pause_it(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_pause(pool, strtoull(arguments[1], NULL, 10));
    keyshm_close(pool);
    return r;
}

static int mark(char **arguments)
{
    keyshm_pool *pool;
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    int r = keyshm_status_from_name(arguments[4], &mark.status);
    if (r == 0)
        r = keyshm_reason_from_name(arguments[5], &mark.reason);
    if (r == 0)
        r = keyshm_attach(&pool, arguments[0]);
    if (r != 0)
        return r;
    mark.model = (unsigned)strtoul(arguments[2], NULL, 10);
    mark.scope = strcmp(arguments[3], "group") == 0 ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY;
    if (strcmp(arguments[6], "-") != 0)
        mark.duration_ms = strtoll(arguments[6], NULL, 10);
    r = keyshm_mark(pool, strtoull(arguments[1], NULL, 10), &mark);
    keyshm_close(pool);
    return r;
}

static struct keyshm_rate *rate_of(struct keyshm_limits *limits, const char *name)
{
    if (strcmp(name, "requests") == 0)
        return &limits->requests;
    if (strcmp(name, "tokens") == 0)
        return &limits->tokens;
    if (strcmp(name, "requests_long") == 0)
        return &limits->requests_long;
    return strcmp(name, "tokens_long") == 0 ? &limits->tokens_long : NULL;
}

static int limit(char **arguments)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_id id = strtoull(arguments[1], NULL, 10);
    unsigned model = (unsigned)strtoul(arguments[2], NULL, 10);
    struct keyshm_rate *rate = rate_of(&limits, arguments[3]);
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r == 0)
        r = keyshm_get_limits(pool, id, model, &limits);
    if (rate != NULL) {
        rate->amount = strtoull(arguments[4], NULL, 10);
        rate->per_ms = strtoll(arguments[5], NULL, 10);
        rate->burst = strtoull(arguments[6], NULL, 10);
    } else {
        limits.in_flight = (unsigned)strtoul(arguments[4], NULL, 10);
    }
    if (r == 0)
        r = keyshm_set_limits(pool, id, model, &limits);
    keyshm_close(pool);
    return r;
}

static int take(const char *name, keyshm_pool **ret_pool)
{
    struct lock_guard guard;
    int r = keyshm_attach(ret_pool, name);
    return r < 0 ? r : lock_take(*ret_pool, &guard);
}

_Noreturn static void wait_to_be_killed(void)
{
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}

static int lease(char **arguments)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    unsigned long count = strtoul(arguments[1], NULL, 10);
    request.model = (unsigned)strtoul(arguments[2], NULL, 10);
    request.tokens = strtoull(arguments[3], NULL, 10);
    for (unsigned long i = 0; i < count && r == 0; i++)
        r = keyshm_acquire(pool, &request, &lease);
    if (r < 0)
        return r;
    wait_to_be_killed();
}

static int hold(char **arguments)
{
    keyshm_pool *pool;
    int r = take(arguments[0], &pool);
    if (r < 0)
        return r;
    wait_to_be_killed();
}

static int hold_as(char **arguments)
{
    keyshm_pool *pool;
    uid_t uid = (uid_t)strtoul(arguments[1], NULL, 10);
    int r = take(arguments[0], &pool);
    if (r == 0 && setresuid(uid, uid, uid) < 0)
        r = -errno;
    if (r < 0)
        return r;
    wait_to_be_killed();
}

static int change(char **arguments)
{
    keyshm_pool *pool;
    int r = take(arguments[0], &pool);
    if (r < 0)
        return r;
    atomic_fetch_add(&pool->header->change_count, 1);
    wait_to_be_killed();
}

/* Where the key of add_and_stop() will be: not to be written to, until it has stopped at that. */
static void *guarded;
static size_t guarded_bytes;

static void stop_at_first_write(int signal_number)
{
    (void)signal_number;
    if (mprotect(guarded, guarded_bytes, PROT_READ | PROT_WRITE) < 0)
        _exit(1);
    raise(SIGSTOP);
}

/* A slot is written to in the middle of a change alone: so this process stops there, and has the mutex. */
static int add_and_stop(char **arguments)
{
    struct sigaction action = {.sa_handler = stop_at_first_write};
    keyshm_pool *pool;
    keyshm_id id;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char *slot = (unsigned char *)pool_slot(pool, atomic_load(&pool->header->lowest_free));
    guarded = slot - (uintptr_t)slot % page;
    guarded_bytes = (size_t)(slot - (unsigned char *)guarded) + pool->settings.slot_bytes;
    if (sigaction(SIGSEGV, &action, NULL) < 0 || mprotect(guarded, guarded_bytes, PROT_READ) < 0)
        return -errno;
    r = keyshm_add(pool, arguments[1], &id);
    keyshm_close(pool);
    return r;
}

static int work(char **arguments)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int r = keyshm_attach(&pool, arguments[0]);
    while (r == 0 || r == -EAGAIN || r == -ESTALE) {
        r = keyshm_next(pool, &pick);
        if (r == 0)
            r = keyshm_mark_available(pool, pick.id);
    }
    return r;
}

static int spoil(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    index_delete(pool, atomic_load(&pool_slot(pool, 0)->key_hash), 0);
    keyshm_close(pool);
    return 0;
}

static int break_word(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    atomic_fetch_or(&pool->words[0], UINT64_C(0xff) << 56);
    keyshm_close(pool);
    return 0;
}

static int tear(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    atomic_fetch_add(&pool->header->event_classes[0].next, 1);
    keyshm_close(pool);
    return 0;
}

static int print_layout(char **arguments)
{
    (void)arguments;
    puts(keyshm_layout_name());
    return 0;
}

/* For a while it changes as fast as a pool of a thousand keys is read, and then it stays as it is long enough to be read. */
static int mark_in_turn(char **arguments)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    keyshm_id id = strtoull(arguments[1], NULL, 10);
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    mark.model = (unsigned)strtoul(arguments[2], NULL, 10);
    mark.duration_ms = KEYSHM_UNTIL_MARKED;
    for (unsigned i = 0; r == 0; i++) {
        mark.status = i % 2 == 0 ? KEYSHM_RATE_LIMITED : KEYSHM_AVAILABLE;
        r = keyshm_mark(pool, id, &mark);
        /* Each 21st state lasts, and of these each second one is available. */
        usleep(i % 21 != 0 ? 1000 : 50000);
    }
    return r;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int argument_count;
        int (*run)(char **arguments);
    } commands[] = {
        {"create", 2, create},       {"metadata", 4, metadata},
        {"hold", 1, hold},           {"hold-as", 2, hold_as},
        {"change", 1, change},       {"add-and-stop", 2, add_and_stop},
        {"work", 1, work},           {"spoil", 1, spoil},
        {"tear", 1, tear},           {"break-word", 1, break_word},
        {"layout", 0, print_layout}, {"group", 2, group},
        {"set-group", 3, set_group}, {"remove-group", 2, remove_group},
        {"model", 2, model},         {"pause", 2, pause_it},
        {"limit", 7, limit},         {"lease", 4, lease},
        {"mark", 7, mark},           {"mark-in-turn", 3, mark_in_turn},
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (argc != commands[i].argument_count + 2 || strcmp(argv[1], commands[i].name) != 0)
            continue;
        int r = commands[i].run(argv + 2);
        if (r < 0)
            fprintf(stderr, "cli-fixture: %s: %s\n", argv[1], keyshm_strerror(r));
        return r < 0 ? 1 : 0;
    }
    fprintf(stderr, "cli-fixture: wrong usage\n");
    return 1;
}
