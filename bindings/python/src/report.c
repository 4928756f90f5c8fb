/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <string.h>

/* What a provider answered, judged by libkeyshm-http. What the response object of which library it is, keyshm/_response.py knows. */

static const char *const transports[] = {"ok", "timeout", "dns", "connect", "tls", "reset", "refused_stream", NULL};
static const char *const scopes[] = {"none", "key", "group", "model", "provider"};
static const char *const retries[] = {"none", "other_key", "later", "never"};

/* An answer, and the headers that it points to. */
struct answer {
    struct keyshm_http_response response;
    struct keyshm_http_header *headers;
};

static int read_bytes(PyObject *value, const char **ret_bytes, size_t *ret_length)
{
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(value, &bytes, &length) < 0)
        return -1;
    *ret_bytes = bytes;
    *ret_length = (size_t)length;
    return 0;
}

static int read_header(PyObject *pair, struct keyshm_http_header *header)
{
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "a header is no pair");
        return -1;
    }
    return read_bytes(PyTuple_GetItem(pair, 0), &header->name, &header->name_length) == 0 &&
                   read_bytes(PyTuple_GetItem(pair, 1), &header->value, &header->value_length) == 0
               ? 0
               : -1;
}

static int read_headers(PyObject *list, struct answer *answer)
{
    size_t count = (size_t)PyList_Size(list);
    answer->headers = PyMem_Calloc(count + 1, sizeof(*answer->headers));
    if (answer->headers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (read_header(PyList_GetItem(list, (Py_ssize_t)i), &answer->headers[i]) < 0)
            return -1;
    }
    answer->response.headers = count != 0 ? answer->headers : NULL;
    answer->response.header_count = count;
    return 0;
}

/* `read` is what _response.read() returned: (status, transport, headers, body). */
static int answer_from(PyObject *read, struct answer *answer)
{
    PyObject *transport, *headers, *body;
    int number = 0;
    if (!PyArg_ParseTuple(read, "iOOO", &answer->response.status, &transport, &headers, &body) ||
        choice_from(transport, "transport", transports, &number) < 0 || read_headers(headers, answer) < 0)
        return -1;
    answer->response.transport = (enum keyshm_http_transport)number;
    return body == Py_None ? 0 : read_bytes(body, &answer->response.body, &answer->response.body_length);
}

static PyObject *budget_record(const struct keyshm_http_budget *budget)
{
    if (budget->limit < 0 && budget->remaining < 0 && budget->reset_ms < 0)
        Py_RETURN_NONE;
    return module_record(
        "Budget", Py_BuildValue("(NNN)", budget->limit >= 0 ? PyLong_FromLongLong(budget->limit) : Py_NewRef(Py_None),
                                budget->remaining >= 0 ? PyLong_FromLongLong(budget->remaining) : Py_NewRef(Py_None),
                                seconds_from(budget->reset_ms)));
}

static PyObject *verdict_record(const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_mark *mark = &verdict->mark;
    bool marks = verdict->marks != 0;
    bool is_timed = marks && mark->duration_ms != KEYSHM_NO_RETRY_AFTER &&
                    (mark->status == KEYSHM_RATE_LIMITED || mark->status == KEYSHM_QUOTA_EXCEEDED);
    return module_record("Verdict", Py_BuildValue("(OzNzssNNNNNNNs)", verdict->is_success ? Py_True : Py_False,
                                                  marks ? keyshm_status_name(mark->status) : NULL,
                                                  seconds_from(is_timed ? mark->duration_ms : -1),
                                                  marks ? keyshm_reason_name(mark->reason) : NULL, scopes[verdict->scope],
                                                  retries[verdict->retry], seconds_from(verdict->wait_ms),
                                                  text_or_none(verdict->model), text_or_none(verdict->rule),
                                                  budget_record(&verdict->requests), budget_record(&verdict->tokens),
                                                  budget_record(&verdict->input_tokens),
                                                  budget_record(&verdict->output_tokens), scopes[verdict->budget_scope]));
}

/* (status, transport, headers, body) of a response object, or of its parts. */
static PyObject *read_response(PyObject *const *values)
{
    PyObject *read = module_function("keyshm._response", "read"), *result = NULL;
    PyObject *parts[4];
    for (int i = 0; i < 4; i++)
        parts[i] = values[i] != NULL ? values[i] : Py_None;
    if (read != NULL)
        result = PyObject_CallFunctionObjArgs(read, parts[0], parts[1], parts[2], parts[3], NULL);
    Py_XDECREF(read);
    return result;
}

/* *ret_verdict of a response, by the rules of this name. */
static int judge(struct module_state *state, const char *rules, PyObject *const *values,
                 struct keyshm_http_verdict *ret_verdict)
{
    struct answer answer = {.response = KEYSHM_HTTP_RESPONSE_INIT};
    PyObject *read = read_response(values);
    int r = read != NULL ? answer_from(read, &answer) : -1;
    if (r == 0) {
        r = keyshm_http_judge(rules, &answer.response, ret_verdict);
        if (r < 0)
            raise_error(state, r, "response");
    }
    PyMem_Free(answer.headers);
    Py_XDECREF(read);
    return r;
}

/* The values: the key, the response, its status, headers and body, and the model. */
static PyObject *report(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    struct keyshm_pick pick;
    struct subject subject;
    unsigned model;
    if (subject_from(self, pool, values[0], &subject) < 0 ||
        model_from(self, pool, values[5], subject.model, &model) < 0 ||
        judge(self->state, keyshm_provider_rules(pool), values + 1, &verdict) < 0)
        return NULL;
    subject_as_pick(&subject, &pick);
    int r = keyshm_http_report(pool, &pick, model, &verdict);
    return r == 0 ? verdict_record(&verdict) : raise_error(self->state, r, NULL);
}

METHOD(pool_report)
{
    static const struct signature signature = {"report", 1, 2, {"key", "response", "status", "headers", "body", "model"}};
    return pool_call(self, &signature, arguments, count, names, report);
}

METHOD(key_report)
{
    static const struct signature signature = {"report", 0, 1, {"response", "status", "headers", "body", "model"}};
    pool_object *object = ((key_object *)self)->pool;
    PyObject *values[9] = {self}, *result = NULL;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (take_arguments(&signature, arguments, count, names, values + 1) == 0)
        result = report(object, pool, values);
    log_flush(object->state);
    pool_leave(object);
    return result;
}

/* judge(rules, response=None, *, status=None, headers=None, body=None) */
METHOD(module_judge)
{
    static const struct signature signature = {"judge", 1, 2, {"rules", "response", "status", "headers", "body"}};
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    struct module_state *state = PyModule_GetState(self);
    PyObject *values[8], *holder, *result = NULL;
    if (take_arguments(&signature, arguments, count, names, values) < 0)
        return NULL;
    const char *rules = text_from(values[0], "rules", &holder);
    if (rules != NULL && judge(state, rules, values + 1, &verdict) == 0)
        result = verdict_record(&verdict);
    Py_XDECREF(holder);
    return result;
}
