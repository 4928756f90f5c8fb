/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "process.h"

/* /proc has the age of a process to the tick of its clock. */
#define AGE_TOLERANCE_MS 20

/* How often a row that changes while it is read is read again. */
#define READ_TRIES_MAX 100

/* ---- the owner word ---- */

#define OWNER_IS_FILLED UINT64_C(1)

static uint64_t owner_make(uint32_t process, uint64_t before)
{
    /* The low half counts on, so that no two owners of a row have the same word. */
    return (uint64_t)process << 32 | (((before & ~OWNER_IS_FILLED) + 2) & UINT32_MAX);
}

static pid_t owner_process(uint64_t owner)
{
    return (pid_t)(owner >> 32);
}

/* ---- is it alive? ---- */

/* For a process in this PID namespace. A process that is younger than the row only has the same number. */
static bool is_dead(pid_t process, uint64_t attached_ms, char *ret_state)
{
    struct process_look look;
    *ret_state = '\0';
    if (process_look(process, &look) < 0)
        return kill(process, 0) != 0 && errno == ESRCH;
    *ret_state = look.state;
    return look.state == 'Z' || look.state == 'X' || look.started_ms > attached_ms + AGE_TOLERANCE_MS;
}

/* Is the row free, or its owner dead? A row that is not filled in yet has no start time to compare. */
static bool can_be_taken(const struct layout_worker *row, uint64_t owner, uint64_t pid_namespace)
{
    char state;
    pid_t process = owner_process(owner);
    if (process == 0)
        return true;
    if ((owner & OWNER_IS_FILLED) == 0)
        return kill(process, 0) != 0 && errno == ESRCH;
    return atomic_load_explicit(&row->pid_namespace, memory_order_relaxed) == pid_namespace &&
           is_dead(process, atomic_load_explicit(&row->attached_ms, memory_order_relaxed), &state);
}

/* ---- for the process itself ---- */

uint32_t workers_ask_process_id(const struct keyshm_pool *pool)
{
    uint32_t pid = (uint32_t)getpid();
    if (pool->local != NULL)
        atomic_store_explicit(&pool->local->pid, pid, memory_order_relaxed);
    return pid;
}

static void fill(struct layout_worker *row, uint64_t owner, uint64_t pid_namespace)
{
    union {
        char bytes[PROCESS_NAME_SIZE];
        uint64_t words[PROCESS_NAME_SIZE / 8];
    } name;
    process_own_name(name.bytes);
    atomic_store_explicit(&row->picks, 0, memory_order_relaxed);
    atomic_store_explicit(&row->attached_ms, clock_boot_ms(), memory_order_relaxed);
    atomic_store_explicit(&row->pid_namespace, pid_namespace, memory_order_relaxed);
    for (int i = 0; i < PROCESS_NAME_SIZE / 8; i++)
        atomic_store_explicit(&row->name[i], name.words[i], memory_order_relaxed);
    /* release: pairs with the acquire in read_row(). */
    atomic_store_explicit(&row->owner, owner | OWNER_IS_FILLED, memory_order_release);
}

/* Take a free row, or one of a dead process. */
static uint32_t take_row(const struct keyshm_pool *pool)
{
    uint32_t rows = pool->settings.worker_rows;
    uint64_t pid_namespace = process_pid_namespace();
    uint64_t from = atomic_load_explicit(&pool->header->workers_cursor, memory_order_relaxed);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t number = (uint32_t)((from + i) % rows);
        struct layout_worker *row = &pool->workers[number];
        uint64_t before = atomic_load_explicit(&row->owner, memory_order_acquire);
        uint64_t owner = owner_make(workers_process_id(pool), before);
        if (!can_be_taken(row, before, pid_namespace) ||
            !atomic_compare_exchange_strong_explicit(&row->owner, &before, owner, memory_order_relaxed,
                                                     memory_order_relaxed))
            continue;
        fill(row, owner, pid_namespace);
        atomic_store_explicit(&pool->header->workers_cursor, number + 1, memory_order_relaxed);
        return number + 1;
    }
    atomic_fetch_add_explicit(&pool->header->workers_unlisted, 1, memory_order_relaxed);
    return WORKER_NONE;
}

static void give_back(const struct keyshm_pool *pool, uint32_t row)
{
    _Atomic uint64_t *owner = &pool->workers[row - 1].owner;
    atomic_store_explicit(owner, owner_make(0, atomic_load_explicit(owner, memory_order_relaxed)), memory_order_relaxed);
}

uint32_t workers_enter(const struct keyshm_pool *pool)
{
    uint32_t row = 0;
    if (pool->local == NULL)
        return WORKER_NONE;
    uint32_t taken = take_row(pool);
    /* Another thread may have been first. */
    if (atomic_compare_exchange_strong_explicit(&pool->local->row, &row, taken, memory_order_relaxed,
                                                memory_order_relaxed))
        return taken;
    if (taken != WORKER_NONE)
        give_back(pool, taken);
    return row;
}

void workers_leave(const struct keyshm_pool *pool)
{
    uint32_t row = pool->local != NULL ? atomic_load_explicit(&pool->local->row, memory_order_relaxed) : 0;
    if (row != 0 && row != WORKER_NONE)
        give_back(pool, row);
}

/* ---- for observers ---- */

/* False when the row is free, not filled in, or kept changing. */
static bool read_row(const struct layout_worker *row, struct keyshm_worker *worker, uint64_t *ret_attached_ms,
                     uint64_t *ret_pid_namespace)
{
    uint64_t name[PROCESS_NAME_SIZE / 8];
    for (int tries = 0; tries < READ_TRIES_MAX; tries++) {
        /* acquire: pairs with the release in fill(). */
        uint64_t owner = atomic_load_explicit(&row->owner, memory_order_acquire);
        if (owner_process(owner) <= 0 || (owner & OWNER_IS_FILLED) == 0)
            return false;
        worker->pid = owner_process(owner);
        worker->picks = atomic_load_explicit(&row->picks, memory_order_acquire);
        *ret_attached_ms = atomic_load_explicit(&row->attached_ms, memory_order_acquire);
        *ret_pid_namespace = atomic_load_explicit(&row->pid_namespace, memory_order_acquire);
        for (int i = 0; i < PROCESS_NAME_SIZE / 8; i++)
            name[i] = atomic_load_explicit(&row->name[i], memory_order_acquire);
        memcpy(worker->name, name, sizeof(worker->name));
        worker->name[sizeof(worker->name) - 1] = '\0';
        if (atomic_load_explicit(&row->owner, memory_order_relaxed) == owner)
            return true;
    }
    return false;
}

static void look_at(struct keyshm_worker *worker, uint64_t attached_ms, uint64_t pid_namespace, uint64_t own_namespace)
{
    uint64_t now_ms = clock_boot_ms();
    worker->attached_ago_ms = attached_ms < now_ms ? (int64_t)(now_ms - attached_ms) : 0;
    if (pid_namespace != own_namespace)
        worker->is_alive = -1;
    else
        worker->is_alive = !is_dead(worker->pid, attached_ms, &worker->state);
    if (worker->is_alive == 0)
        worker->state = '\0'; /* it would be the state of another process */
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
    list->workers = calloc(list->capacity, sizeof(*list->workers));
    if (list->workers == NULL) {
        free(list);
        return -ENOMEM;
    }
    uint64_t own_namespace = process_pid_namespace();
    for (uint32_t i = 0; i < pool->settings.worker_rows; i++) {
        struct keyshm_worker *worker = &list->workers[list->count];
        uint64_t attached_ms, pid_namespace;
        if (!read_row(&pool->workers[i], worker, &attached_ms, &pid_namespace))
            continue;
        look_at(worker, attached_ms, pid_namespace, own_namespace);
        list->count++;
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
