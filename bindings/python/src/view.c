/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a pool looks like: copies as records of keyshm/_records.py, whose fields are in the order in which they are given here. */

/* A list of `count` records, each made of an element of an array. */
typedef PyObject *record_fn(pool_object *self, const void *element);

static PyObject *list_of(pool_object *self, const void *elements, size_t count, size_t element_bytes, record_fn *make)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *record = make(self, (const char *)elements + i * element_bytes);
        if (record == NULL || PyList_SetItem(list, (Py_ssize_t)i, record) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *number_or_none(int64_t number)
{
    if (number < 0)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(number);
}

static PyObject *id_or_none(keyshm_id id)
{
    if (id == 0)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong(id);
}

/* What is -1 in the library where it has no end. */
static PyObject *cooldown(int64_t left_ms)
{
    return seconds_from(left_ms == -1 ? KEYSHM_UNTIL_MARKED : left_ms);
}

/* ---- keys and groups ---- */

static const char *const benched_by_names[] = {"key", "key_model", "group", "group_model", "pause", "budget", "cap"};
#define BENCHED_BY_COUNT (sizeof(benched_by_names) / sizeof(benched_by_names[0]))

static PyObject *benched_by(unsigned bits)
{
    PyObject *names = PyTuple_New(__builtin_popcount(bits & ((1u << BENCHED_BY_COUNT) - 1)));
    Py_ssize_t at = 0;
    for (size_t i = 0; names != NULL && i < BENCHED_BY_COUNT; i++) {
        if ((bits >> i & 1) != 0 && PyTuple_SetItem(names, at++, PyUnicode_FromString(benched_by_names[i])) < 0)
            Py_CLEAR(names);
    }
    return names;
}

static PyObject *marked(const uint64_t *counts)
{
    PyObject *dict = PyDict_New();
    for (int status = 0; dict != NULL && status < KEYSHM_STATUS_COUNT; status++) {
        PyObject *number = PyLong_FromUnsignedLongLong(counts[status]);
        if (number == NULL || PyDict_SetItemString(dict, keyshm_status_name((enum keyshm_status)status), number) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(number);
    }
    return dict;
}

static PyObject *metadata(const struct keyshm_key_snapshot *key)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < key->metadata_count; i++) {
        const struct keyshm_metadata *note = (const void *)((const char *)key->metadata + i * key->element_bytes);
        PyObject *value = text_to(note->value, strlen(note->value));
        if (value == NULL || PyDict_SetItemString(dict, note->name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *key_record(pool_object *self, const void *element)
{
    const struct keyshm_key_snapshot *key = element;
    return module_record(
        "KeyState",
        Py_BuildValue("(KIssNNOOIIIINNNNNNNKKNsN)", (unsigned long long)key->id, key->slot,
                      keyshm_status_name(key->status), keyshm_reason_name(key->reason), cooldown(key->cooldown_left_ms),
                      benched_by(key->benched_by), key->is_paused ? Py_True : Py_False,
                      key->is_probing ? Py_True : Py_False, key->streak, key->priority, key->weight, key->in_flight,
                      number_or_none(key->in_flight_cap != 0 ? (int64_t)key->in_flight_cap : -1),
                      number_or_none(key->requests_left), number_or_none(key->requests_burst),
                      number_or_none(key->tokens_left), number_or_none(key->tokens_burst), id_or_none(key->group),
                      seconds_from(key->last_used_ago_ms), (unsigned long long)key->error_count,
                      (unsigned long long)key->picks, marked(key->marked), key->masked_key, metadata(key)));
}

static PyObject *group_record(pool_object *self, const void *element)
{
    const struct keyshm_group_snapshot *group = element;
    return module_record("GroupState",
                         Py_BuildValue("(KNIN)", (unsigned long long)group->id, text_to(group->name, strlen(group->name)),
                                       group->keys, key_record(self, &group->state)));
}

static int take_snapshot(pool_object *self, keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot)
{
    int r;
    WITHOUT_GIL(r = keyshm_snapshot(pool, ret_snapshot));
    if (r < 0)
        raise_error(self->state, r, NULL);
    return r;
}

/* As a pick for the model sees them. The notes are those of the snapshot. */
static int see_for_model(pool_object *self, keyshm_pool *pool, struct keyshm_snapshot *snapshot, unsigned model)
{
    for (unsigned i = 0; i < snapshot->count; i++) {
        struct keyshm_key_snapshot *key = (void *)((char *)snapshot->keys + i * snapshot->keys_bytes), seen;
        int r = keyshm_inspect(pool, key->id, model, sizeof(seen), &seen);
        if (r == -EINVAL)
            return raise_error(self->state, r, "model"), -1;
        if (r < 0)
            continue; /* it was removed meanwhile: what was known stands */
        seen.metadata_count = key->metadata_count;
        seen.metadata = key->metadata;
        seen.element_bytes = key->element_bytes;
        *key = seen;
    }
    return 0;
}

static PyObject *states(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_snapshot *snapshot;
    PyObject *list = NULL;
    unsigned model;
    if (known_model_from(self, pool, values[0], &model) < 0 || take_snapshot(self, pool, &snapshot) < 0)
        return NULL;
    if (model == 0 || see_for_model(self, pool, snapshot, model) == 0)
        list = list_of(self, snapshot->keys, snapshot->count, snapshot->keys_bytes, key_record);
    keyshm_snapshot_free(snapshot);
    return list;
}

METHOD(pool_states)
{
    static const struct signature signature = {"states", 0, 1, {"model"}};
    return pool_call(self, &signature, arguments, count, names, states);
}

static PyObject *inspect(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_key_snapshot key;
    struct subject subject;
    unsigned model;
    if (subject_from(self, pool, values[0], &subject) < 0 || known_model_from(self, pool, values[1], &model) < 0)
        return NULL;
    int r = keyshm_inspect(pool, subject.id, model, sizeof(key), &key);
    return r == 0 ? key_record(self, &key) : raise_error(self->state, r, NULL);
}

METHOD(pool_inspect)
{
    static const struct signature signature = {"inspect", 1, 2, {"key", "model"}};
    return pool_call(self, &signature, arguments, count, names, inspect);
}

static PyObject *groups(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_snapshot *snapshot;
    if (take_snapshot(self, pool, &snapshot) < 0)
        return NULL;
    PyObject *list = list_of(self, snapshot->groups, snapshot->group_count, snapshot->groups_bytes, group_record);
    keyshm_snapshot_free(snapshot);
    return list;
}

METHOD(pool_groups)
{
    static const struct signature signature = {"groups", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, groups);
}

static PyObject *model_name_of(pool_object *self, const void *element)
{
    return text_to(element, strlen(element));
}

static PyObject *models(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_snapshot *snapshot;
    if (take_snapshot(self, pool, &snapshot) < 0)
        return NULL;
    PyObject *list = list_of(self, snapshot->models, snapshot->model_count, snapshot->models_bytes, model_name_of);
    keyshm_snapshot_free(snapshot);
    return list;
}

METHOD(pool_models)
{
    static const struct signature signature = {"models", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, models);
}

static PyObject *info_record(const struct keyshm_snapshot *snapshot)
{
    return module_record("PoolInfo",
                         Py_BuildValue("(ssIIIddikskIIINN)", snapshot->provider, snapshot->provider_rules,
                                       snapshot->capacity, snapshot->key_max, snapshot->count,
                                       (double)snapshot->created_unix_ms / 1000, (double)snapshot->age_ms / 1000,
                                       (int)snapshot->creator_pid, (unsigned long)snapshot->creator_uid,
                                       snapshot->creator_name, (unsigned long)snapshot->recoveries, snapshot->waiting,
                                       snapshot->in_flight_max, snapshot->group_in_flight_max,
                                       number_or_none(snapshot->mutex_holder_pid > 0 ? snapshot->mutex_holder_pid : -1),
                                       seconds_from(snapshot->mutex_held_ms)));
}

static PyObject *info(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_snapshot *snapshot;
    if (take_snapshot(self, pool, &snapshot) < 0)
        return NULL;
    PyObject *record = info_record(snapshot);
    keyshm_snapshot_free(snapshot);
    return record;
}

METHOD(pool_info)
{
    static const struct signature signature = {"info", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, info);
}

/* ---- availability ---- */

static PyObject *available_count(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    unsigned model;
    if (known_model_from(self, pool, values[0], &model) < 0)
        return NULL;
    int r = keyshm_available_count_for(pool, model);
    return r >= 0 ? PyLong_FromLong(r) : raise_error(self->state, r, NULL);
}

METHOD(pool_available_count)
{
    static const struct signature signature = {"available_count", 0, 1, {"model"}};
    return pool_call(self, &signature, arguments, count, names, available_count);
}

static PyObject *is_available(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    unsigned model;
    if (subject_from(self, pool, values[0], &subject) < 0 || known_model_from(self, pool, values[1], &model) < 0)
        return NULL;
    int r = keyshm_is_available_for(pool, subject.id, model);
    return r >= 0 ? PyBool_FromLong(r) : raise_error(self->state, r, NULL);
}

METHOD(pool_is_available)
{
    static const struct signature signature = {"is_available", 1, 2, {"key", "model"}};
    return pool_call(self, &signature, arguments, count, names, is_available);
}

static PyObject *reset_expired(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    int r = keyshm_reset_expired_cooldowns(pool);
    return r >= 0 ? PyLong_FromLong(r) : raise_error(self->state, r, NULL);
}

METHOD(pool_reset_expired_cooldowns)
{
    static const struct signature signature = {"reset_expired_cooldowns", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, reset_expired);
}

/* ---- workers and leases ---- */

static PyObject *worker_record(pool_object *self, const void *element)
{
    const struct keyshm_worker *worker = element;
    PyObject *is_alive = worker->is_alive < 0 ? Py_None : worker->is_alive ? Py_True : Py_False;
    const char state[] = {worker->state, '\0'};
    return module_record("Worker",
                         Py_BuildValue("(iNOONKd)", (int)worker->pid, text_to(worker->name, strlen(worker->name)),
                                       is_alive, worker->has_closed ? Py_True : Py_False, text_or_none(state),
                                       (unsigned long long)worker->picks, (double)worker->attached_ago_ms / 1000));
}

static PyObject *workers(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_worker_list *found;
    int r;
    WITHOUT_GIL(r = keyshm_workers(pool, &found));
    if (r < 0)
        return raise_error(self->state, r, NULL);
    PyObject *list = list_of(self, found->workers, found->count, found->element_bytes, worker_record);
    keyshm_worker_list_free(found);
    return list;
}

METHOD(pool_workers)
{
    static const struct signature signature = {"workers", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, workers);
}

static PyObject *held_record(pool_object *self, const void *element)
{
    const struct keyshm_held *held = element;
    return module_record("HeldLease", Py_BuildValue("(KIiNdK)", (unsigned long long)held->id, held->model, (int)held->pid,
                                                    text_to(held->name, strlen(held->name)), (double)held->held_ms / 1000,
                                                    (unsigned long long)held->tokens));
}

static PyObject *leases(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_lease_list *found;
    int r;
    WITHOUT_GIL(r = keyshm_leases(pool, &found));
    if (r < 0)
        return raise_error(self->state, r, NULL);
    PyObject *list = list_of(self, found->leases, found->count, found->element_bytes, held_record);
    keyshm_lease_list_free(found);
    return list;
}

METHOD(pool_leases)
{
    static const struct signature signature = {"leases", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, leases);
}

static PyObject *reap(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    uint64_t pid = 0;
    if (values[0] != NULL && unsigned_from(values[0], "pid", &pid) < 0)
        return NULL;
    int r = keyshm_reap(pool, pid <= INT32_MAX ? (pid_t)pid : -1);
    return r >= 0 ? PyLong_FromLong(r) : raise_error(self->state, r, "pid");
}

METHOD(pool_reap)
{
    static const struct signature signature = {"reap", 0, 1, {"pid"}};
    return pool_call(self, &signature, arguments, count, names, reap);
}

static PyObject *set_worker_name(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    PyObject *holder;
    const char *name = text_from(values[0], "name", &holder);
    if (name == NULL)
        return NULL;
    int r = keyshm_set_worker_name(pool, name);
    Py_DECREF(holder);
    return none_or_error(self->state, r);
}

METHOD(pool_set_worker_name)
{
    static const struct signature signature = {"set_worker_name", 1, 1, {"name"}};
    return pool_call(self, &signature, arguments, count, names, set_worker_name);
}

NO_ARGUMENTS(pool_after_fork)
{
    pool_object *object = (pool_object *)self;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    int r = keyshm_after_fork(pool);
    pool_leave(object);
    return none_or_error(object->state, r);
}

/* ---- events ---- */

static PyObject *status_or_none(int status)
{
    return status >= 0 ? PyUnicode_FromString(keyshm_status_name((enum keyshm_status)status)) : Py_NewRef(Py_None);
}

static PyObject *event_record(pool_object *self, const void *element)
{
    static const char *const scopes[] = {"key", "group"};
    const struct keyshm_event *event = element;
    return module_record("Event", Py_BuildValue("(sKddiNIssNNNNN)", keyshm_event_kind_name(event->kind),
                                                (unsigned long long)event->number, (double)event->unix_us / 1e6,
                                                (double)event->ago_ms / 1000, (int)event->pid, id_or_none(event->id),
                                                event->model, scopes[event->scope == KEYSHM_SCOPE_GROUP],
                                                keyshm_reason_name(event->reason), status_or_none(event->from),
                                                status_or_none(event->to), seconds_from(event->duration_ms),
                                                number_or_none(event->dead_pid != 0 ? (int64_t)event->dead_pid : -1),
                                                text_or_none(event->masked_key)));
}

static int cursor_from(PyObject *value, struct keyshm_event_cursor *cursor)
{
    if (value == NULL || value == Py_None)
        return 0;
    PyObject *own = PyTuple_Check(value) ? Py_NewRef(value) : PyObject_GetAttrString(value, "cursor");
    if (own == NULL)
        return -1;
    int r = PyTuple_Check(own) && PyTuple_Size(own) == KEYSHM_EVENT_CLASS_COUNT ? 0 : -1;
    if (r < 0)
        PyErr_SetString(PyExc_TypeError, "after must be what events() returned, or its cursor");
    for (int i = 0; r == 0 && i < KEYSHM_EVENT_CLASS_COUNT; i++)
        r = unsigned_from(PyTuple_GetItem(own, i), "after", &cursor->next[i]);
    Py_DECREF(own);
    return r;
}

static PyObject *events(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_event_cursor cursor = {{0}};
    struct keyshm_event_list *found;
    int r;
    if (cursor_from(values[0], &cursor) < 0)
        return NULL;
    WITHOUT_GIL(r = keyshm_events(pool, &cursor, &found));
    if (r < 0)
        return raise_error(self->state, r, NULL);
    PyObject *list = list_of(self, found->events, found->count, found->element_bytes, event_record);
    PyObject *record =
        list == NULL
            ? NULL
            : module_record("Events",
                            Py_BuildValue("(N(KKK)KK)", list, (unsigned long long)cursor.next[0],
                                          (unsigned long long)cursor.next[1], (unsigned long long)cursor.next[2],
                                          (unsigned long long)found->missing, (unsigned long long)found->overwritten));
    keyshm_event_list_free(found);
    return record;
}

METHOD(pool_events)
{
    static const struct signature signature = {"events", 0, 1, {"after"}};
    return pool_call(self, &signature, arguments, count, names, events);
}

/* ---- soundness ---- */

/* Without memory the number of problems is told all the same. */
static void add_problem(const char *problem, void *list)
{
    PyObject *text = PyUnicode_DecodeUTF8(problem, (Py_ssize_t)strlen(problem), "replace");
    if (text == NULL || PyList_Append(list, text) < 0)
        PyErr_Clear();
    Py_XDECREF(text);
}

static PyObject *verify(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    PyObject *problems = PyList_New(0);
    int r = problems != NULL ? keyshm_verify(pool, add_problem, problems) : 0;
    if (r < 0) {
        Py_CLEAR(problems);
        raise_error(self->state, r, NULL);
    }
    return problems;
}

METHOD(pool_verify)
{
    static const struct signature signature = {"verify", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, verify);
}

/* ---- all pools ---- */

NO_ARGUMENTS(module_pools)
{
    struct module_state *state = PyModule_GetState(self);
    struct keyshm_pool_list *found;
    int r = keyshm_list_pools(geteuid(), &found);
    if (r < 0)
        return raise_error(state, r, NULL);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < found->count; i++) {
        const char *name = (const char *)found->providers + i * found->providers_bytes;
        const char *layout = (const char *)found->layouts + i * found->layouts_bytes;
        PyObject *text = strcmp(layout, keyshm_layout_name()) == 0 ? PyUnicode_FromString(name) : Py_NewRef(Py_None);
        if (text == NULL || (text != Py_None && PyList_Append(list, text) < 0))
            Py_CLEAR(list);
        Py_XDECREF(text);
    }
    keyshm_pool_list_free(found);
    return list;
}
