/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <math.h>
#include <string.h>

/* ---- arguments ---- */

static unsigned names_count(const struct signature *signature)
{
    unsigned count = 0;
    while (count < sizeof(signature->names) / sizeof(signature->names[0]) && signature->names[count] != NULL)
        count++;
    return count;
}

static int index_of(const struct signature *signature, unsigned end, PyObject *name)
{
    for (unsigned i = 0; i < end; i++) {
        if (PyUnicode_CompareWithASCIIString(name, signature->names[i]) == 0)
            return (int)i;
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", signature->function, name);
    return -1;
}

static int take_named(const struct signature *signature, unsigned end, PyObject *const *arguments, PyObject *names,
                      PyObject **ret_values)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(names); i++) {
        int at = index_of(signature, end, PyTuple_GetItem(names, i));
        if (at < 0)
            return -1;
        if (ret_values[at] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", signature->function,
                         signature->names[at]);
            return -1;
        }
        ret_values[at] = arguments[i];
    }
    return 0;
}

int take_arguments(const struct signature *signature, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                   PyObject **ret_values)
{
    unsigned end = names_count(signature);
    for (unsigned i = 0; i < end; i++)
        ret_values[i] = NULL;
    if (count > (Py_ssize_t)signature->positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %u positional arguments (%zd given)", signature->function,
                     signature->positional, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        ret_values[i] = arguments[i];
    if (names != NULL && take_named(signature, end, arguments + count, names, ret_values) < 0)
        return -1;
    for (unsigned i = 0; i < signature->required; i++) {
        if (ret_values[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", signature->function,
                         signature->names[i]);
            return -1;
        }
    }
    return 0;
}

/* ---- durations ---- */

/* Rounded up: what is said to last a time does not end before. The library shortens what is too long, and warns. */
static int ms_of_seconds(double seconds, const char *name, int64_t *ret_ms)
{
    double ms = ceil(seconds * 1000);
    if (isnan(ms)) {
        PyErr_Format(PyExc_ValueError, "%s is not a number", name);
        return -1;
    }
    if (isinf(seconds) && seconds > 0)
        *ret_ms = KEYSHM_UNTIL_MARKED;
    else if (ms >= (double)KEYSHM_UNTIL_MARKED)
        *ret_ms = KEYSHM_UNTIL_MARKED - 1;
    else
        *ret_ms = ms > 0 ? (int64_t)ms : 0;
    return 0;
}

static int seconds_of(struct module_state *state, PyObject *value, const char *name, double *ret_seconds)
{
    PyObject *seconds = NULL;
    if (module_is_gone(state))
        return -1;
    int is_timedelta = PyObject_IsInstance(value, state->timedelta);
    if (is_timedelta < 0)
        return -1;
    if (is_timedelta != 0)
        seconds = PyObject_CallMethod(value, "total_seconds", NULL);
    else if (PyFloat_Check(value) || PyLong_Check(value))
        seconds = PyNumber_Float(value);
    else
        PyErr_Format(PyExc_TypeError, "%s must be seconds (a number) or a timedelta", name);
    if (seconds == NULL)
        return -1;
    *ret_seconds = PyFloat_AsDouble(seconds);
    Py_DECREF(seconds);
    return 0;
}

int duration_from(struct module_state *state, PyObject *value_or_null, const char *name, int64_t missing, int64_t *ret_ms)
{
    double seconds;
    if (value_or_null == NULL || value_or_null == Py_None) {
        *ret_ms = missing;
        return 0;
    }
    return seconds_of(state, value_or_null, name, &seconds) == 0 ? ms_of_seconds(seconds, name, ret_ms) : -1;
}

PyObject *seconds_from(int64_t ms)
{
    if (ms < 0)
        Py_RETURN_NONE;
    return PyFloat_FromDouble(ms == KEYSHM_UNTIL_MARKED ? (double)INFINITY : (double)ms / 1000);
}

/* ---- text ---- */

static PyObject *encoded(PyObject *text)
{
    return PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
}

const char *text_from(PyObject *value, const char *name, PyObject **ret_owner)
{
    const char *text = NULL;
    Py_ssize_t length = 0;
    char *bytes = NULL;
    *ret_owner = NULL;
    if (PyUnicode_Check(value)) {
        text = PyUnicode_AsUTF8AndSize(value, &length);
        if (text != NULL) {
            *ret_owner = Py_NewRef(value);
        } else {
            PyErr_Clear();
            *ret_owner = encoded(value);
        }
    } else if (PyBytes_Check(value)) {
        *ret_owner = Py_NewRef(value);
    } else {
        PyErr_Format(PyExc_TypeError, "%s must be a str", name);
    }
    if (*ret_owner != NULL && text == NULL && PyBytes_AsStringAndSize(*ret_owner, &bytes, &length) == 0)
        text = bytes;
    if (text != NULL && strlen(text) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s has a NUL in it", name);
        text = NULL;
    }
    if (text == NULL)
        Py_CLEAR(*ret_owner);
    return text;
}

PyObject *text_to(const char *text, size_t length)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "surrogateescape");
}

PyObject *text_or_none(const char *text)
{
    if (text == NULL || text[0] == '\0')
        Py_RETURN_NONE;
    return text_to(text, strlen(text));
}

/* ---- numbers ---- */

int unsigned_from(PyObject *value, const char *name, uint64_t *ret_value)
{
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be an int", name);
        return -1;
    }
    *ret_value = PyLong_AsUnsignedLongLong(value);
    if (*ret_value == UINT64_MAX && PyErr_Occurred() != NULL) {
        PyErr_Format(PyExc_ValueError, "%s must be from 0 to 2**64 - 1", name);
        return -1;
    }
    return 0;
}

int choice_from(PyObject *value, const char *name, const char *const *choices, int *ret_choice)
{
    for (int i = 0; PyUnicode_Check(value) && choices[i] != NULL; i++) {
        if (PyUnicode_CompareWithASCIIString(value, choices[i]) == 0) {
            *ret_choice = i;
            return 0;
        }
    }
    PyErr_Format(PyUnicode_Check(value) ? PyExc_ValueError : PyExc_TypeError, "%s: there is no %R", name, value);
    return -1;
}

static int number_by_name(PyObject *value, const char *kind, int (*find)(const char *name, void *ret_number),
                          void *ret_number)
{
    PyObject *holder;
    const char *name = text_from(value, kind, &holder);
    int r = name != NULL ? find(name, ret_number) : 0;
    if (r < 0)
        PyErr_Format(PyExc_ValueError, "%s: there is no %R", kind, value);
    Py_XDECREF(holder);
    return name != NULL && r == 0 ? 0 : -1;
}

static int find_status(const char *name, void *ret_number)
{
    return keyshm_status_from_name(name, ret_number);
}

static int find_reason(const char *name, void *ret_number)
{
    return keyshm_reason_from_name(name, ret_number);
}

int status_from(PyObject *value, enum keyshm_status *ret_status)
{
    return number_by_name(value, "status", find_status, ret_status);
}

int reason_from(PyObject *value, enum keyshm_reason *ret_reason)
{
    return number_by_name(value, "reason", find_reason, ret_reason);
}
