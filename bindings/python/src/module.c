/* SPDX-License-Identifier: MIT */
#include "module.h"

/* The module keyshm._keyshm: its state, and what begins and ends with the interpreter. */

bool module_is_gone(const struct module_state *state)
{
    if (state->timedelta != NULL && state->pool_type != NULL && state->key_type != NULL && state->lease_type != NULL)
        return false;
    PyErr_SetString(PyExc_RuntimeError, "the interpreter is ending");
    return true;
}

PyObject *module_function(const char *file, const char *name)
{
    PyObject *module = PyImport_ImportModule(file);
    PyObject *function = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return function;
}

PyObject *module_record(const char *name, PyObject *values_or_null)
{
    PyObject *type = values_or_null != NULL ? module_function("keyshm._records", name) : NULL;
    PyObject *record = type != NULL ? PyObject_CallObject(type, values_or_null) : NULL;
    Py_XDECREF(type);
    Py_XDECREF(values_or_null);
    return record;
}

/* ---- functions ---- */

/* set_log_level(level=None) */
METHOD(module_set_log_level)
{
    static const struct signature signature = {"set_log_level", 0, 1, {"level"}};
    PyObject *values[1];
    if (take_arguments(&signature, arguments, count, names, values) < 0 ||
        log_start(PyModule_GetState(self), values[0] != NULL ? values[0] : Py_None) < 0)
        return NULL;
    Py_RETURN_NONE;
}

NO_ARGUMENTS(module_at_exit)
{
    struct module_state *state = PyModule_GetState(self);
    PyObject *result = leases_return_all(state);
    log_flush(state);
    log_stop(state);
    state->is_exiting = true;
    return result;
}

static PyMethodDef module_methods[] = {
    {"open", AS_METHOD(module_open), METH_FASTCALL | METH_KEYWORDS,
     "open($module, name, /, **options)\n--\n\n"
     "Attach to the pool of this name, or create it. See Pool.create() for the options; a pool that exists keeps its "
     "own."},
    {"unlink", AS_METHOD(module_unlink), METH_FASTCALL | METH_KEYWORDS,
     "unlink($module, /, name, *, owner=None)\n--\n\n"
     "Remove the name of a pool. Processes that are attached keep it. NotFound."},
    {"pools", module_pools, METH_NOARGS,
     "pools($module, /)\n--\n\nThe names of the pools of the effective user, sorted."},
    {"judge", AS_METHOD(module_judge), METH_FASTCALL | METH_KEYWORDS,
     "judge($module, /, rules, response=None, *, status=None, headers=None, body=None)\n--\n\n"
     "The Verdict on a response by the rules of this name, as Pool.report() has it, without a pool."},
    {"set_log_level", AS_METHOD(module_set_log_level), METH_FASTCALL | METH_KEYWORDS,
     "set_log_level($module, /, level=None)\n--\n\n"
     "From which level on, as in the logging module, messages go to the logger 'keyshm'. None: that of the logger, which "
     "is\n"
     "otherwise looked at when a pool is opened."},
    {"_at_exit", module_at_exit, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---- begin and end ---- */

static int add_constants(PyObject *module)
{
    char version[32];
    unsigned number = keyshm_version();
    PyOS_snprintf(version, sizeof(version), "%u.%u.%u", number >> 16, number >> 8 & 0xff, number & 0xff);
    return PyModule_AddStringConstant(module, "__version__", version) == 0 &&
                   PyModule_AddStringConstant(module, "layout", keyshm_layout_name()) == 0
               ? 0
               : -1;
}

static int import_timedelta(struct module_state *state)
{
    state->timedelta = module_function("datetime", "timedelta");
    return state->timedelta != NULL ? 0 : -1;
}

/* What atexit calls holds the module, so its state is there. */
static int register_exit(PyObject *module)
{
    PyObject *at_exit = PyObject_GetAttrString(module, "_at_exit");
    PyObject *registration = at_exit != NULL ? module_function("atexit", "register") : NULL;
    PyObject *result = registration != NULL ? PyObject_CallFunctionObjArgs(registration, at_exit, NULL) : NULL;
    int r = result != NULL ? 0 : -1;
    Py_XDECREF(result);
    Py_XDECREF(registration);
    Py_XDECREF(at_exit);
    return r;
}

static int module_exec(PyObject *module)
{
    struct module_state *state = PyModule_GetState(module);
    state->local = local_new();
    return state->local != NULL && import_timedelta(state) == 0 && errors_add(module, state) == 0 &&
                   types_add(module, state) == 0 && add_constants(module) == 0 && register_exit(module) == 0
               ? 0
               : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct module_state *state = PyModule_GetState(module);
    Py_VISIT(state->pool_type);
    Py_VISIT(state->key_type);
    Py_VISIT(state->lease_type);
    Py_VISIT(state->timedelta);
    for (int kind = 0; kind < ERROR_KIND_COUNT; kind++)
        Py_VISIT(state->exceptions[kind]);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->pool_type);
    Py_CLEAR(state->key_type);
    Py_CLEAR(state->lease_type);
    Py_CLEAR(state->timedelta);
    for (int kind = 0; kind < ERROR_KIND_COUNT; kind++)
        Py_CLEAR(state->exceptions[kind]);
    return 0;
}

/* A thread that Python does not know may still be writing a message: then the memory stays. */
static void module_free(void *module)
{
    struct module_state *state = PyModule_GetState(module);
    module_clear(module);
    state->is_exiting = true;
    log_stop(state);
    if (!state->owns_log)
        local_free(state->local);
}

/* Each version of Python knows some of these only, and refuses a module with one that it does not know; the headers of the limited
 * interface of 3.10 have none of their names. */
#define SLOT_MULTIPLE_INTERPRETERS 3 /* Py_mod_multiple_interpreters, since 3.12 */
#define PER_INTERPRETER_GIL ((void *)2)
#define SLOT_GIL 4 /* Py_mod_gil, since 3.13 */
#define GIL_NOT_USED ((void *)1)

static PyModuleDef_Slot slots_3_10[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};
static PyModuleDef_Slot slots_3_12[] = {
    {Py_mod_exec, (void *)module_exec},
    {SLOT_MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL},
    {0, NULL},
};
static PyModuleDef_Slot slots_3_13[] = {
    {Py_mod_exec, (void *)module_exec},
    {SLOT_MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL},
    {SLOT_GIL, GIL_NOT_USED},
    {0, NULL},
};

#define MODULE(slots)                                                                                                  \
    {                                                                                                                  \
        PyModuleDef_HEAD_INIT, .m_name = "_keyshm", .m_doc = "The part of keyshm that is written in C.",               \
                               .m_size = sizeof(struct module_state), .m_methods = module_methods, .m_slots = (slots), \
                               .m_traverse = module_traverse, .m_clear = module_clear, .m_free = module_free           \
    }

static PyModuleDef module_3_10 = MODULE(slots_3_10);
static PyModuleDef module_3_12 = MODULE(slots_3_12);
static PyModuleDef module_3_13 = MODULE(slots_3_13);

static long python_version(void)
{
    PyObject *version = PySys_GetObject("hexversion");
    return version != NULL ? PyLong_AsLong(version) : 0;
}

PyMODINIT_FUNC PyInit__keyshm(void);

PyMODINIT_FUNC PyInit__keyshm(void)
{
    long version = python_version();
    return PyModuleDef_Init(version >= 0x030d0000 ? &module_3_13 : version >= 0x030c0000 ? &module_3_12 : &module_3_10);
}
