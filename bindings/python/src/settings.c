/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <string.h>

/* The policy and the limits of a pool. Durations that have no end are infinity, whatever number the library has for that. */

/* ---- policy ---- */

/* Each field once, in the order of the record Policy. */
static const struct policy_field {
    const char *name;
    size_t offset;
    enum { POLICY_DURATION, POLICY_DURATION_OR_NEVER, POLICY_NUMBER } kind; /* OR_NEVER: 0 is without end */
} policy_fields[] = {
    {"cooldown", offsetof(struct keyshm_policy, cooldown_ms), POLICY_DURATION_OR_NEVER},
    {"cooldown_max", offsetof(struct keyshm_policy, cooldown_max_ms), POLICY_DURATION},
    {"streak_forget", offsetof(struct keyshm_policy, streak_forget_ms), POLICY_DURATION},
    {"invalid_retry", offsetof(struct keyshm_policy, invalid_retry_ms), POLICY_DURATION},
    {"quota_retry", offsetof(struct keyshm_policy, quota_retry_ms), POLICY_DURATION},
    {"probe", offsetof(struct keyshm_policy, probe_ms), POLICY_DURATION},
    {"lease_max", offsetof(struct keyshm_policy, lease_max_ms), POLICY_DURATION_OR_NEVER},
    {"cooldown_growth_percent", offsetof(struct keyshm_policy, cooldown_growth_percent), POLICY_NUMBER},
    {"invalid_after", offsetof(struct keyshm_policy, invalid_after), POLICY_NUMBER},
};
#define POLICY_FIELD_COUNT (sizeof(policy_fields) / sizeof(policy_fields[0]))

static PyObject *policy_value(const struct keyshm_policy *policy, const struct policy_field *field)
{
    const void *at = (const char *)policy + field->offset;
    if (field->kind == POLICY_NUMBER)
        return PyLong_FromUnsignedLong(*(const unsigned *)at);
    int64_t ms = *(const int64_t *)at;
    return seconds_from(field->kind == POLICY_DURATION_OR_NEVER && ms == 0 ? KEYSHM_UNTIL_MARKED : ms);
}

GETTER(pool_get_policy)
{
    pool_object *object = (pool_object *)self;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    keyshm_get_policy(pool, &policy);
    pool_leave(object);
    PyObject *values = PyTuple_New(POLICY_FIELD_COUNT);
    for (size_t i = 0; values != NULL && i < POLICY_FIELD_COUNT; i++) {
        PyObject *value = policy_value(&policy, &policy_fields[i]);
        if (value == NULL || PyTuple_SetItem(values, (Py_ssize_t)i, value) < 0)
            Py_CLEAR(values);
    }
    return module_record("Policy", values);
}

static int set_policy_field(struct module_state *state, struct keyshm_policy *policy, const struct policy_field *field,
                            PyObject *value)
{
    void *at = (char *)policy + field->offset;
    uint64_t number;
    if (field->kind == POLICY_NUMBER) {
        if (unsigned_from(value, field->name, &number) < 0)
            return -1;
        *(unsigned *)at = number <= UINT32_MAX ? (unsigned)number : UINT32_MAX;
        return 0;
    }
    if (duration_from(state, value, field->name, KEYSHM_UNTIL_MARKED, at) < 0)
        return -1;
    if (field->kind == POLICY_DURATION_OR_NEVER && *(int64_t *)at == KEYSHM_UNTIL_MARKED)
        *(int64_t *)at = 0;
    return 0;
}

static const struct policy_field *find_policy_field(PyObject *name)
{
    for (size_t i = 0; i < POLICY_FIELD_COUNT; i++) {
        if (PyUnicode_CompareWithASCIIString(name, policy_fields[i].name) == 0)
            return &policy_fields[i];
    }
    PyErr_Format(PyExc_TypeError, "there is no field '%U' of a policy", name);
    return NULL;
}

METHOD(pool_set_policy)
{
    pool_object *object = (pool_object *)self;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    if (count != 0) {
        PyErr_SetString(PyExc_TypeError, "set_policy() takes no positional arguments");
        return NULL;
    }
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    int r = keyshm_get_policy(pool, &policy), is_bad = 0;
    for (Py_ssize_t i = 0; r == 0 && !is_bad && names != NULL && i < PyTuple_Size(names); i++) {
        const struct policy_field *field = find_policy_field(PyTuple_GetItem(names, i));
        is_bad = field == NULL || set_policy_field(object->state, &policy, field, arguments[i]) < 0;
    }
    if (r == 0 && !is_bad)
        r = keyshm_set_policy(pool, &policy);
    pool_leave(object);
    return is_bad ? NULL : none_or_error(object->state, r);
}

int pool_set_policy_whole(PyObject *self, PyObject *value, void *closure)
{
    pool_object *object = (pool_object *)self;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    if (value == NULL || !PyTuple_Check(value) || PyTuple_Size(value) != (Py_ssize_t)POLICY_FIELD_COUNT) {
        PyErr_SetString(PyExc_TypeError, "policy must be a keyshm.Policy");
        return -1;
    }
    for (size_t i = 0; i < POLICY_FIELD_COUNT; i++) {
        if (set_policy_field(object->state, &policy, &policy_fields[i], PyTuple_GetItem(value, (Py_ssize_t)i)) < 0)
            return -1;
    }
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return -1;
    PyObject *result = none_or_error(object->state, keyshm_set_policy(pool, &policy));
    pool_leave(object);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

/* ---- limits ---- */

static const char *const charges[] = {"at_pick", "at_release", NULL};

static PyObject *rate_record(const struct keyshm_rate *rate)
{
    if (rate->amount == 0)
        Py_RETURN_NONE;
    return module_record("Rate", Py_BuildValue("(KdKs)", (unsigned long long)rate->amount, (double)rate->per_ms / 1000,
                                               (unsigned long long)rate->burst, charges[rate->charge]));
}

static PyObject *limits_record(const struct keyshm_limits *limits)
{
    return module_record("Limits", Py_BuildValue("(NNNNN)", rate_record(&limits->requests), rate_record(&limits->tokens),
                                                 rate_record(&limits->requests_long), rate_record(&limits->tokens_long),
                                                 limits->in_flight != 0 ? PyLong_FromUnsignedLong(limits->in_flight)
                                                                        : Py_NewRef(Py_None)));
}

/* (amount, per, burst, charge), of which only the first is needed. */
static int rate_from_tuple(struct module_state *state, PyObject *value, const char *name, struct keyshm_rate *rate)
{
    Py_ssize_t size = PyTuple_Size(value);
    int charge;
    if (size < 1 || size > 4) {
        PyErr_Format(PyExc_ValueError, "%s must be a number, or (amount, per, burst, charge)", name);
        return -1;
    }
    PyObject *per = size > 1 ? PyTuple_GetItem(value, 1) : Py_None;
    PyObject *burst = size > 2 ? PyTuple_GetItem(value, 2) : Py_None;
    PyObject *when = size > 3 ? PyTuple_GetItem(value, 3) : Py_None;
    if (unsigned_from(PyTuple_GetItem(value, 0), name, &rate->amount) < 0 ||
        duration_from(state, per, name, rate->per_ms, &rate->per_ms) < 0 ||
        (burst != Py_None && unsigned_from(burst, name, &rate->burst) < 0))
        return -1;
    if (when == Py_None)
        return 0;
    if (choice_from(when, name, charges, &charge) < 0)
        return -1;
    rate->charge = (enum keyshm_charge)charge;
    return 0;
}

static int rate_from(struct module_state *state, PyObject *value, const char *name, struct keyshm_rate *rate)
{
    if (value == NULL || value == Py_None)
        return 0;
    return PyTuple_Check(value) ? rate_from_tuple(state, value, name, rate) : unsigned_from(value, name, &rate->amount);
}

/* The fields of the record Limits. */
static int limits_from(struct module_state *state, PyObject *const *values, struct keyshm_limits *limits)
{
    uint64_t in_flight = 0;
    if (rate_from(state, values[0], "requests", &limits->requests) < 0 ||
        rate_from(state, values[1], "tokens", &limits->tokens) < 0 ||
        rate_from(state, values[2], "requests_long", &limits->requests_long) < 0 ||
        rate_from(state, values[3], "tokens_long", &limits->tokens_long) < 0)
        return -1;
    if (values[4] != NULL && values[4] != Py_None && unsigned_from(values[4], "in_flight", &in_flight) < 0)
        return -1;
    limits->in_flight = in_flight <= UINT32_MAX ? (unsigned)in_flight : UINT32_MAX;
    return 0;
}

static int set_limits_of(keyshm_pool *pool, keyshm_id id, unsigned model, const struct keyshm_limits *limits_or_null)
{
    int r;
    WITHOUT_GIL(r = keyshm_set_limits(pool, id, model, limits_or_null));
    return r;
}

/* A key, a group's id, or None: those of every key that has none of its own. */
static int limited_from(pool_object *self, keyshm_pool *pool, PyObject *value, keyshm_id *ret_id)
{
    struct subject subject = {0};
    if (value != NULL && value != Py_None && subject_from(self, pool, value, &subject) < 0)
        return -1;
    *ret_id = subject.id;
    return 0;
}

static PyObject *set_limits(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_id id;
    unsigned model;
    if (limited_from(self, pool, values[0], &id) < 0 || model_from(self, pool, values[1], 0, &model) < 0 ||
        limits_from(self->state, values + 2, &limits) < 0)
        return NULL;
    return none_or_error(self->state, set_limits_of(pool, id, model, &limits));
}

METHOD(pool_set_limits)
{
    static const struct signature signature = {
        "set_limits", 0, 1, {"key", "model", "requests", "tokens", "requests_long", "tokens_long", "in_flight"}};
    return pool_call(self, &signature, arguments, count, names, set_limits);
}

static PyObject *clear_limits(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    keyshm_id id;
    unsigned model;
    if (limited_from(self, pool, values[0], &id) < 0 || known_model_from(self, pool, values[1], &model) < 0)
        return NULL;
    return none_or_error(self->state, set_limits_of(pool, id, model, NULL));
}

METHOD(pool_clear_limits)
{
    static const struct signature signature = {"clear_limits", 0, 1, {"key", "model"}};
    return pool_call(self, &signature, arguments, count, names, clear_limits);
}

static PyObject *get_limits(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_id id;
    unsigned model;
    if (limited_from(self, pool, values[0], &id) < 0 || known_model_from(self, pool, values[1], &model) < 0)
        return NULL;
    int r = keyshm_get_limits(pool, id, model, &limits);
    return r == 0 ? limits_record(&limits) : raise_error(self->state, r, NULL);
}

METHOD(pool_get_limits)
{
    static const struct signature signature = {"get_limits", 0, 1, {"key", "model"}};
    return pool_call(self, &signature, arguments, count, names, get_limits);
}

GETTER(pool_limits)
{
    return pool_get_limits(self, NULL, 0, NULL);
}

int pool_set_limits_whole(PyObject *self, PyObject *value, void *closure)
{
    pool_object *object = (pool_object *)self;
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    PyObject *values[5];
    bool is_none = value == Py_None;
    if (!is_none && (value == NULL || !PyTuple_Check(value) || PyTuple_Size(value) != 5)) {
        PyErr_SetString(PyExc_TypeError, "limits must be a keyshm.Limits, or None");
        return -1;
    }
    for (Py_ssize_t i = 0; !is_none && i < 5; i++)
        values[i] = PyTuple_GetItem(value, i);
    if (!is_none && limits_from(object->state, values, &limits) < 0)
        return -1;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return -1;
    PyObject *result = none_or_error(object->state, set_limits_of(pool, 0, 0, is_none ? NULL : &limits));
    pool_leave(object);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static PyObject *observe(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    static const char *const scopes[] = {"key", "group", NULL};
    static const char *const names[] = {"requests_left", "tokens_left"};
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    struct subject subject;
    int64_t *const left[] = {&observation.requests_left, &observation.tokens_left};
    int64_t *const resets_ms[] = {&observation.requests_reset_ms, &observation.tokens_reset_ms};
    int scope = KEYSHM_SCOPE_KEY;
    if (subject_from(self, pool, values[0], &subject) < 0 ||
        model_from(self, pool, values[5], 0, &observation.model) < 0 ||
        (values[6] != NULL && choice_from(values[6], "scope", scopes, &scope) < 0))
        return NULL;
    observation.scope = (enum keyshm_scope)scope;
    for (int i = 0; i < 2; i++) {
        PyObject *number = values[1 + 2 * i];
        if (number != NULL && number != Py_None && unsigned_from(number, names[i], (uint64_t *)left[i]) < 0)
            return NULL;
        if (*left[i] < -1)
            *left[i] = INT64_MAX;
        if (duration_from(self->state, values[2 + 2 * i], "reset", -1, resets_ms[i]) < 0)
            return NULL;
    }
    return none_or_error(self->state, keyshm_observe(pool, subject.id, &observation));
}

METHOD(pool_observe)
{
    static const struct signature signature = {
        "observe", 1, 1, {"key", "requests_left", "requests_reset", "tokens_left", "tokens_reset", "model", "scope"}};
    return pool_call(self, &signature, arguments, count, names, observe);
}
