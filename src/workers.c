/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool_clock.h"
#include "process.h"

/* What one search for a row may cost: the rows that it passes, and the processes that it looks at in /proc, each some
 * 25 us. It goes on where it stopped, ENTRY_AGAIN_MS later. */
#define SEARCH_ROWS_MAX 1024
#define SEARCH_LOOKS_MAX 8
#define ENTRY_AGAIN_MS 1000

/* How long a row is kept for a process of which nobody can tell whether it is alive. */
#define UNKNOWN_KEPT_MS (24 * 60 * 60 * 1000)

/* How often a row that changes while it is read is read again. */
#define READ_TRIES_MAX 100

/* ---- the owner word ---- */

#define OWNER_FLAGS (WORKER_COUNT_STEP - 1)

static pid_t owner_process(uint64_t owner)
{
    return (pid_t)(owner >> 32);
}

/* The next owner of a row; not filled in yet. */
static uint64_t owner_after(uint64_t before, uint32_t process, bool is_foreign)
{
    uint64_t count = ((before & ~OWNER_FLAGS) + WORKER_COUNT_STEP) & UINT32_MAX;
    return (uint64_t)process << 32 | count | (is_foreign ? WORKER_IS_FOREIGN : 0);
}

/* ---- is it alive? ---- */

/* What a row says of its owner. */
struct identity {
    pid_t process;
    uint64_t pid_namespace; /* 0: not known */
    uint64_t started_ticks; /* 0: not known */
};

static struct identity identity_in(const struct layout_worker *row, uint64_t owner)
{
    return (struct identity){
        .process = owner_process(owner),
        .pid_namespace = atomic_load_explicit(&row->pid_namespace, memory_order_acquire),
        .started_ticks = atomic_load_explicit(&row->started_ticks, memory_order_acquire),
    };
}

/* 1: yes, 0: no, -1: not known. */
static int is_alive(const struct identity *identity, uint64_t own_namespace, char *ret_state)
{
    struct process_look look;
    *ret_state = '\0';
    if (own_namespace == 0 || identity->pid_namespace != own_namespace)
        return -1;
    if (kill(identity->process, 0) != 0 && errno == ESRCH)
        return 0;
    if (process_look(identity->process, &look) < 0)
        return -1;
    /* A process whose main thread has ended is a zombie in /proc while its other threads go on. */
    if (look.state == 'X' || (look.state == 'Z' && look.threads <= 1))
        return 0;
    if (identity->started_ticks == 0)
        return -1;
    if (look.started_ticks != identity->started_ticks)
        return 0;
    *ret_state = look.state;
    return 1;
}

/* The same of the owner of a row. */
static int is_owner_alive(const struct keyshm_pool *pool, const struct layout_worker *row, uint64_t owner)
{
    char state;
    struct identity identity = identity_in(row, owner);
    return is_alive(&identity, workers_pid_namespace(pool), &state);
}

bool workers_has_ended(const struct keyshm_pool *pool, uint64_t token)
{
    /* The number comes from the segment. */
    const struct layout_worker *row = &pool->workers[((token >> 32) - 1) % pool->settings.worker_rows];
    /* acquire: pairs with the release in fill(). */
    uint64_t owner = atomic_load_explicit(&row->owner, memory_order_acquire);
    if ((uint32_t)owner != (uint32_t)token)
        return true;
    return is_owner_alive(pool, row, owner) == 0;
}

/* The owner word of a row, if it is this owner's, who may have closed the attachment; 0: it is not. */
static uint64_t owner_with_count(const struct keyshm_pool *pool, uint32_t row, uint64_t count)
{
    if (row >= pool->settings.worker_rows)
        return 0;
    /* acquire: pairs with the release in fill(). */
    uint64_t owner = atomic_load_explicit(&pool->workers[row].owner, memory_order_acquire);
    return ((owner / WORKER_COUNT_STEP ^ count) & UINT16_MAX) == 0 ? owner : 0;
}

bool workers_has_left(const struct keyshm_pool *pool, uint32_t row, uint64_t count)
{
    uint64_t owner = owner_with_count(pool, row, count);
    if (owner == 0 || (owner & WORKER_HAS_CLOSED) != 0)
        return true;
    return is_owner_alive(pool, &pool->workers[row], owner) == 0;
}

bool workers_is_attached(const struct keyshm_pool *pool, uint32_t row)
{
    /* acquire: pairs with the release in fill(). */
    uint64_t owner = atomic_load_explicit(&pool->workers[row].owner, memory_order_acquire);
    if ((owner & (WORKER_IS_FILLED | WORKER_HAS_CLOSED)) != WORKER_IS_FILLED)
        return false;
    return is_owner_alive(pool, &pool->workers[row], owner) != 0;
}

bool workers_is_own(const struct keyshm_pool *pool, uint32_t row, uint64_t count)
{
    uint64_t owner = owner_with_count(pool, row, count), own_namespace = workers_pid_namespace(pool);
    return owner_process(owner) == (pid_t)workers_process_id(pool) && own_namespace != 0 &&
           identity_in(&pool->workers[row], owner).pid_namespace == own_namespace;
}

pid_t workers_process_of(const struct keyshm_pool *pool, uint32_t row, uint64_t count)
{
    uint64_t owner = owner_with_count(pool, row, count);
    return (owner & WORKER_HAS_CLOSED) == 0 ? owner_process(owner) : 0;
}

bool workers_was_of(const struct keyshm_pool *pool, uint32_t row, uint64_t count, pid_t process)
{
    return owner_process(owner_with_count(pool, row, count)) == process;
}

/* ---- for the process itself ---- */

uint32_t workers_ask_process_id(const struct keyshm_pool *pool)
{
    uint32_t pid = (uint32_t)getpid();
    if (pool->local != NULL)
        atomic_store_explicit(&pool->local->pid, pid, memory_order_relaxed);
    return pid;
}

uint64_t workers_pid_namespace(const struct keyshm_pool *pool)
{
    struct process_local *local = pool->local;
    uint64_t known = local != NULL ? atomic_load_explicit(&local->pid_namespace, memory_order_relaxed) : 0;
    if (known != 0)
        return known;
    known = process_pid_namespace();
    if (local != NULL)
        atomic_store_explicit(&local->pid_namespace, known, memory_order_relaxed);
    return known;
}

/* A search for a row. */
struct search {
    const struct keyshm_pool *pool;
    uint64_t now_ms;
    uint64_t own_namespace;
    bool is_foreign; /* this process, perhaps, to the pool's creator */
    uint32_t rows_max;
    uint32_t looks_left;
};

static struct search begin_search(const struct keyshm_pool *pool, uint64_t now_ms, uint32_t rows_max, uint32_t looks_max)
{
    uint64_t own_namespace = workers_pid_namespace(pool);
    return (struct search){
        .pool = pool,
        .now_ms = now_ms,
        .own_namespace = own_namespace,
        .is_foreign = own_namespace == 0 || own_namespace != pool->settings.pid_namespace,
        .rows_max = rows_max,
        .looks_left = looks_max,
    };
}

/* A row that its owner has not filled in: only its process id is known, and whose it is. */
static bool is_abandoned(struct search *search, uint64_t owner)
{
    if (search->is_foreign || (owner & WORKER_IS_FOREIGN) != 0 || search->looks_left == 0)
        return false;
    search->looks_left--;
    return kill(owner_process(owner), 0) != 0 && errno == ESRCH;
}

static bool has_ended_or_is_forgotten(struct search *search, const struct layout_worker *row, uint64_t owner)
{
    char state;
    struct identity identity = identity_in(row, owner);
    uint64_t attached_ms = atomic_load_explicit(&row->attached_ms, memory_order_relaxed);
    if (search->looks_left == 0)
        return false;
    search->looks_left--;
    int alive = is_alive(&identity, search->own_namespace, &state);
    return alive == 0 || (alive < 0 && attached_ms + UNKNOWN_KEPT_MS < search->now_ms);
}

static bool can_be_taken(struct search *search, const struct layout_worker *row, uint64_t owner)
{
    if (owner_process(owner) == 0 || (owner & WORKER_HAS_CLOSED) != 0)
        return true;
    return (owner & WORKER_IS_FILLED) == 0 ? is_abandoned(search, owner) : has_ended_or_is_forgotten(search, row, owner);
}

union name_words {
    char bytes[PROCESS_NAME_SIZE];
    uint64_t words[PROCESS_NAME_SIZE / 8];
};

static void store_name(struct layout_worker *row, const union name_words *name)
{
    for (int i = 0; i < PROCESS_NAME_SIZE / 8; i++)
        atomic_store_explicit(&row->name[i], name->words[i], memory_order_relaxed);
}

static void fill(const struct search *search, uint32_t number, uint64_t owner)
{
    struct layout_worker *row = &search->pool->workers[number];
    union name_words name;
    struct process_look look;
    bool is_known = process_look(owner_process(owner), &look) == 0;
    process_own_name(name.bytes);
    store_name(row, &name);
    atomic_store_explicit(&row->picks, 0, memory_order_relaxed);
    atomic_store_explicit(&search->pool->waiting[number], 0, memory_order_relaxed);
    atomic_store_explicit(&row->attached_ms, search->now_ms, memory_order_relaxed);
    atomic_store_explicit(&row->pid_namespace, search->own_namespace, memory_order_relaxed);
    atomic_store_explicit(&row->started_ticks, is_known ? look.started_ticks : 0, memory_order_relaxed);
    atomic_store_explicit(&row->image, process_image(), memory_order_relaxed);
    /* release: pairs with the acquire in read_row() and workers_has_ended(). */
    atomic_store_explicit(&row->owner, owner | WORKER_IS_FILLED, memory_order_release);
}

/* Take a free row, or one that its owner needs no more. Returns its token, or 0: then the next search begins behind the
 * rows whose owners were looked at. */
static uint64_t take_row(struct search *search)
{
    const struct keyshm_pool *pool = search->pool;
    uint32_t rows = pool->settings.worker_rows, passed = rows < search->rows_max ? rows : search->rows_max;
    uint64_t from = atomic_load_explicit(&pool->header->workers_cursor, memory_order_relaxed), next = from, token = 0;
    for (uint32_t i = 0; i < passed && token == 0; i++) {
        next += search->looks_left > 0;
        uint32_t number = (uint32_t)((from + i) % rows);
        struct layout_worker *row = &pool->workers[number];
        uint64_t before = atomic_load_explicit(&row->owner, memory_order_acquire);
        uint64_t owner = owner_after(before, workers_process_id(pool), search->is_foreign);
        if (!can_be_taken(search, row, before) ||
            !atomic_compare_exchange_strong_explicit(&row->owner, &before, owner, memory_order_relaxed,
                                                     memory_order_relaxed))
            continue;
        fill(search, number, owner);
        token = (uint64_t)(number + 1) << 32 | (uint32_t)owner | WORKER_IS_FILLED;
    }
    atomic_store_explicit(&pool->header->workers_cursor, token != 0 ? token >> 32 : next, memory_order_relaxed);
    return token;
}

static void close_row(const struct keyshm_pool *pool, uint64_t token)
{
    _Atomic uint64_t *at = &workers_own_row(pool, token)->owner;
    uint64_t owner = atomic_load_explicit(at, memory_order_relaxed);
    if ((uint32_t)owner == (uint32_t)token)
        atomic_compare_exchange_strong_explicit(at, &owner, owner | WORKER_HAS_CLOSED, memory_order_relaxed,
                                                memory_order_relaxed);
}

/* Rows that this process had before it called execve(2), which has ended their attachments. */
static void close_rows_of_earlier_images(const struct keyshm_pool *pool)
{
    uint32_t pid = workers_process_id(pool);
    uint64_t own_namespace = workers_pid_namespace(pool);
    struct process_look look;
    if (own_namespace == 0 || process_look((pid_t)pid, &look) < 0)
        return;
    for (uint32_t number = 0; number < pool->settings.worker_rows; number++) {
        const struct layout_worker *row = &pool->workers[number];
        uint64_t owner = atomic_load_explicit(&row->owner, memory_order_acquire);
        struct identity identity = identity_in(row, owner);
        if ((owner & OWNER_FLAGS & ~WORKER_IS_FOREIGN) == WORKER_IS_FILLED && identity.process == (pid_t)pid &&
            identity.pid_namespace == own_namespace && identity.started_ticks == look.started_ticks &&
            atomic_load_explicit(&row->image, memory_order_acquire) != process_image())
            close_row(pool, (uint64_t)(number + 1) << 32 | (uint32_t)owner);
    }
}

/* Remember that there is no row for now. Counted once in a process. */
static void note_unlisted(const struct keyshm_pool *pool, uint64_t now_ms, _Atomic uint64_t *next_at_ms)
{
    bool is_first = atomic_exchange_explicit(next_at_ms, now_ms + ENTRY_AGAIN_MS, memory_order_relaxed) == 0;
    if (is_first && next_at_ms == &pool->local->next_entry_ms)
        atomic_fetch_add_explicit(&pool->header->workers_unlisted, 1, memory_order_relaxed);
}

/* The same as workers_enter(), by a search that begins after *next_at_ms and costs no more than that. */
static uint64_t enter(const struct keyshm_pool *pool, struct search *search, _Atomic uint64_t *next_at_ms)
{
    /* First: a token that another thread puts in its place after the look at it is kept. */
    uint64_t before = atomic_load_explicit(&pool->local->token, memory_order_relaxed);
    uint64_t known = workers_token(pool);
    if (known != 0)
        return known;
    if (search->now_ms < atomic_load_explicit(next_at_ms, memory_order_relaxed))
        return 0;
    uint64_t token = take_row(search);
    if (token == 0) {
        note_unlisted(pool, search->now_ms, next_at_ms);
        return 0;
    }
    /* Another thread may have been first. */
    if (atomic_compare_exchange_strong_explicit(&pool->local->token, &before, token, memory_order_relaxed,
                                                memory_order_relaxed))
        return token;
    close_row(pool, token);
    return before;
}

uint64_t workers_enter(const struct keyshm_pool *pool, uint64_t now_ms)
{
    if (pool->local == NULL)
        return 0;
    struct search search = begin_search(pool, now_ms, SEARCH_ROWS_MAX, SEARCH_LOOKS_MAX);
    return enter(pool, &search, &pool->local->next_entry_ms);
}

uint64_t workers_enter_surely(const struct keyshm_pool *pool, uint64_t now_ms)
{
    uint64_t token = workers_enter(pool, now_ms);
    if (token != 0 || pool->local == NULL)
        return token;
    struct search search = begin_search(pool, now_ms, UINT32_MAX, UINT32_MAX);
    return enter(pool, &search, &pool->local->next_sure_entry_ms);
}

void workers_enter_attached(const struct keyshm_pool *pool, uint64_t now_ms)
{
    if (pool->local == NULL)
        return;
    close_rows_of_earlier_images(pool);
    workers_enter(pool, now_ms);
}

void workers_leave(const struct keyshm_pool *pool)
{
    uint64_t token = workers_token(pool);
    if (token != 0)
        close_row(pool, token);
}

bool workers_name_is_valid(const char *name)
{
    size_t length = strnlen(name, PROCESS_NAME_SIZE);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return length > 0 && length < PROCESS_NAME_SIZE;
}

int workers_set_name(const struct keyshm_pool *pool, const char *name)
{
    union name_words words = {.words = {0}};
    uint64_t token = workers_enter(pool, pool_now_ms(pool));
    if (token == 0)
        return -EUSERS;
    memcpy(words.bytes, name, strlen(name));
    store_name(workers_own_row(pool, token), &words);
    return 0;
}

/* ---- for observers ---- */

/* A row, as it was at one moment. */
struct copied_row {
    uint64_t owner;
    uint64_t picks;
    uint64_t attached_ms;
    struct identity identity;
    union name_words name;
};

/* False when the row is free, not filled in, or kept changing. */
static bool read_row(const struct layout_worker *row, struct copied_row *ret_copy)
{
    for (int tries = 0; tries < READ_TRIES_MAX; tries++) {
        /* acquire: pairs with the release in fill(). */
        struct copied_row copy = {.owner = atomic_load_explicit(&row->owner, memory_order_acquire)};
        if (owner_process(copy.owner) <= 0 || (copy.owner & WORKER_IS_FILLED) == 0)
            return false;
        copy.identity = identity_in(row, copy.owner);
        copy.picks = atomic_load_explicit(&row->picks, memory_order_acquire);
        copy.attached_ms = atomic_load_explicit(&row->attached_ms, memory_order_acquire);
        for (int i = 0; i < PROCESS_NAME_SIZE / 8; i++)
            copy.name.words[i] = atomic_load_explicit(&row->name[i], memory_order_acquire);
        copy.name.bytes[PROCESS_NAME_SIZE - 1] = '\0';
        *ret_copy = copy;
        if (atomic_load_explicit(&row->owner, memory_order_relaxed) == copy.owner)
            return true;
    }
    return false;
}

void workers_name_of(const struct keyshm_pool *pool, uint32_t row, uint64_t count, char ret_name[16])
{
    struct copied_row copy;
    ret_name[0] = '\0';
    if (workers_process_of(pool, row, count) != 0 && read_row(&pool->workers[row], &copy))
        memcpy(ret_name, copy.name.bytes, sizeof(copy.name.bytes));
}

static struct keyshm_worker describe(const struct copied_row *row, uint64_t now_ms, uint64_t own_namespace)
{
    struct keyshm_worker worker = {
        .pid = row->identity.process,
        .has_closed = (row->owner & WORKER_HAS_CLOSED) != 0,
        .picks = row->picks,
        .attached_ago_ms = row->attached_ms < now_ms ? (int64_t)(now_ms - row->attached_ms) : 0,
    };
    memcpy(worker.name, row->name.bytes, sizeof(worker.name));
    if (!worker.has_closed)
        worker.is_alive = is_alive(&row->identity, own_namespace, &worker.state);
    return worker;
}

static int compare_ages(const void *a, const void *b)
{
    int64_t a_ms = ((const struct keyshm_worker *)a)->attached_ago_ms;
    int64_t b_ms = ((const struct keyshm_worker *)b)->attached_ago_ms;
    return a_ms > b_ms ? -1 : a_ms < b_ms;
}

int workers_list(const struct keyshm_pool *pool, struct keyshm_worker_list **ret_list)
{
    struct keyshm_worker_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    list->capacity = pool->settings.worker_rows;
    list->unlisted = atomic_load_explicit(&pool->header->workers_unlisted, memory_order_relaxed);
    list->element_bytes = sizeof(*list->workers);
    list->workers = calloc(list->capacity, sizeof(*list->workers));
    if (list->workers == NULL) {
        free(list);
        return -ENOMEM;
    }
    uint64_t own_namespace = workers_pid_namespace(pool), now_ms = pool_now_ms(pool);
    for (uint32_t i = 0; i < pool->settings.worker_rows; i++) {
        struct copied_row row;
        if (read_row(&pool->workers[i], &row))
            list->workers[list->count++] = describe(&row, now_ms, own_namespace);
    }
    qsort(list->workers, list->count, sizeof(*list->workers), compare_ages);
    *ret_list = list;
    return 0;
}

void keyshm_worker_list_free(struct keyshm_worker_list *list)
{
    if (list != NULL)
        free(list->workers);
    free(list);
}
