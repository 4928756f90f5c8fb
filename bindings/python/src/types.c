/* SPDX-License-Identifier: MIT */
#include "module.h"

/* The three types: every name that Python sees of them, with its arguments and what help() says. The arguments are those of the
 * signatures in the functions; the tests compare both with the stub. */

static PyMethodDef pool_methods[] = {
    {"open", AS_METHOD(pool_open), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "open($type, name, /, **options)\n"
     "--\n"
     "\n"
     ""
     "Attach to the pool of this name, or create it. See create() for the options; a pool that exists keeps its own."},
    {"create", AS_METHOD(pool_create), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "create($type, name, /, **options)\n"
     "--\n"
     "\n"
     ""
     "Create a pool. Exists: there is one.\n"
     "\n"
     "Options: capacity (keys, default 1024), key_max (bytes, 512), default_cooldown (seconds, 60), lock_timeout "
     "(seconds, 5),\n"
     "owner (a user's name or number, root only), workers_max, groups_max (64), models_max (8), in_flight_max (16),\n"
     "group_in_flight_max (64), provider_rules (whose answers report() is given; default: the name)."},
    {"attach", AS_METHOD(pool_attach), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "attach($type, /, name, *, owner=None, read_only=False)\n"
     "--\n"
     "\n"
     ""
     "Attach to a pool that exists. NotFound, WrongLayout, Damaged, AccessDenied."},
    {"anonymous", AS_METHOD(pool_anonymous), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "anonymous($type, name, /, **options)\n"
     "--\n"
     "\n"
     ""
     "Create a pool without a name, for this process and those that it forks. The options are those of create()."},
    {"close", pool_close, METH_NOARGS,
     "close($self, /)\n"
     "--\n"
     "\n"
     ""
     "Detach. The pool goes on for others; leases that this process holds are given back. Later calls are a ValueError."},
    {"__enter__", pool_enter_with, METH_NOARGS, NULL},
    {"__exit__", AS_METHOD(pool_exit_with), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"__reduce__", not_pickled, METH_NOARGS, NULL},
    {"next", pool_next, METH_NOARGS,
     "next($self, /)\n"
     "--\n"
     "\n"
     ""
     "Pick the next available key, a Key. Exhausted: none is available now. Empty: there is none."},
    {"next_secret", pool_next_secret, METH_NOARGS,
     "next_secret($self, /)\n"
     "--\n"
     "\n"
     ""
     "The same, but the bare key as a str. It has no stamp and no mask: keep it out of logs."},
    {"get", AS_METHOD(pool_get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, key)\n"
     "--\n"
     "\n"
     ""
     "A Key of this id, whatever its status. It does not count as a pick. Stale."},
    {"next_available_in", pool_next_available_in, METH_NOARGS,
     "next_available_in($self, /)\n"
     "--\n"
     "\n"
     ""
     "Seconds until a key is available: 0.0 if one is, None if that is not known."},
    {"lease", AS_METHOD(pool_lease), METH_FASTCALL | METH_KEYWORDS,
     "lease($self, /, *, model=None, tokens=0, affinity=None, wait=None, soonest=False)\n"
     "--\n"
     "\n"
     ""
     "A key for one request, a Lease, to be used in a `with` statement or given back with release().\n"
     "\n"
     "model: its name (or number); one that is new is made known to the pool. tokens: how many the request will use, as "
     "far as is\n"
     "known. affinity: an int or str; the same one gets the same key. wait: seconds or a timedelta, infinity without "
     "end; other threads\n"
     "go on meanwhile, and Ctrl-C ends it. soonest: when none is available, the one that is first; see Lease.benched. "
     "Exhausted, Empty."},
    {"alease", AS_METHOD(pool_alease), METH_FASTCALL | METH_KEYWORDS,
     "alease($self, /, *, model=None, tokens=0, affinity=None, wait=None, soonest=False)\n"
     "--\n"
     "\n"
     ""
     "lease() for asyncio, where the event loop goes on while it waits: `lease = await pool.alease(wait=5)`, or\n"
     "`async with pool.alease(wait=5) as key:`."},
    {"wait_hint", AS_METHOD(pool_wait_hint), METH_FASTCALL | METH_KEYWORDS,
     "wait_hint($self, /, *, model=None, tokens=0)\n"
     "--\n"
     "\n"
     ""
     "Seconds until a key can be had for such a request, places and budgets included; None if that is not known."},
    {"add", AS_METHOD(pool_add), METH_FASTCALL | METH_KEYWORDS,
     "add($self, /, key, group=None, *, exist_ok=False)\n"
     "--\n"
     "\n"
     ""
     "Add a key, and return its id. Exists: it is in the pool, with this `id`. group: its name or id."},
    {"remove", AS_METHOD(pool_remove), METH_FASTCALL | METH_KEYWORDS,
     "remove($self, /, key)\n"
     "--\n"
     "\n"
     ""
     "Remove a key, and wipe it. Stale."},
    {"find", AS_METHOD(pool_find), METH_FASTCALL | METH_KEYWORDS,
     "find($self, /, key)\n"
     "--\n"
     "\n"
     ""
     "The id of a key. NotFound: it is not in the pool."},
    {"replace_keys", AS_METHOD(pool_replace_keys), METH_FASTCALL | METH_KEYWORDS,
     "replace_keys($self, /, keys, *, group=None)\n"
     "--\n"
     "\n"
     ""
     "Make the pool, or the group, hold exactly these keys; those that it has keep their state. Returns a Replaced.\n"
     "\n"
     "All are checked before anything changes: InvalidArgument names the first that is no key by its number in the "
     "list."},
    {"set_priority", AS_METHOD(pool_set_priority), METH_FASTCALL | METH_KEYWORDS,
     "set_priority($self, /, key, priority)\n"
     "--\n"
     "\n"
     ""
     "0 (the default) to 3: a key is picked when none of a lower number is available."},
    {"set_weight", AS_METHOD(pool_set_weight), METH_FASTCALL | METH_KEYWORDS,
     "set_weight($self, /, key, weight)\n"
     "--\n"
     "\n"
     ""
     "1 (the default) to 15: the key's share of the turns."},
    {"set_metadata", AS_METHOD(pool_set_metadata), METH_FASTCALL | METH_KEYWORDS,
     "set_metadata($self, /, key, name, value)\n"
     "--\n"
     "\n"
     ""
     "Set a note of a key, or delete it with None. Notes are shown: never a secret."},
    {"get_metadata", AS_METHOD(pool_get_metadata), METH_FASTCALL | METH_KEYWORDS,
     "get_metadata($self, /, key, name)\n"
     "--\n"
     "\n"
     ""
     "A note of a key. NotFound."},
    {"group", AS_METHOD(pool_group), METH_FASTCALL | METH_KEYWORDS,
     "group($self, /, name)\n"
     "--\n"
     "\n"
     ""
     "The id of the group of this name, which is made if there is none."},
    {"find_group", AS_METHOD(pool_find_group), METH_FASTCALL | METH_KEYWORDS,
     "find_group($self, /, name)\n"
     "--\n"
     "\n"
     ""
     "The id of a group. NotFound."},
    {"set_group", AS_METHOD(pool_set_group), METH_FASTCALL | METH_KEYWORDS,
     "set_group($self, /, key, group)\n"
     "--\n"
     "\n"
     ""
     "Move a key to a group (its name or id), or out of its group (None)."},
    {"remove_group", AS_METHOD(pool_remove_group), METH_FASTCALL | METH_KEYWORDS,
     "remove_group($self, /, group)\n"
     "--\n"
     "\n"
     ""
     "Remove a group, which must have no keys."},
    {"model", AS_METHOD(pool_model), METH_FASTCALL | METH_KEYWORDS,
     "model($self, /, name)\n"
     "--\n"
     "\n"
     ""
     "The number of the model of this name, which is made if there is none."},
    {"repair", AS_METHOD(pool_repair), METH_FASTCALL | METH_KEYWORDS,
     "repair($self, /)\n"
     "--\n"
     "\n"
     ""
     "Clean up as after the death of a process that was changing the pool. Never required."},
    {"rate_limited", AS_METHOD(pool_rate_limited), METH_FASTCALL | METH_KEYWORDS,
     "rate_limited($self, /, key, retry_after=None, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "The provider refused it for now. key: a Key, an id, or the key itself; of the first it uses the stamp.\n"
     "\n"
     "retry_after: seconds or a timedelta; None: the policy's cooldown; infinity: until marked available. model: what it "
     "is about; None:\n"
     "the model of a lease, otherwise all. scope: 'key', or 'group' for all keys of its group. reason: such as "
     "'rate_limit'."},
    {"quota_exceeded", AS_METHOD(pool_quota_exceeded), METH_FASTCALL | METH_KEYWORDS,
     "quota_exceeded($self, /, key, reset=None, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "The allowance is used up: until `reset`, seconds or a timedelta; None: as the policy says, or until marked. model: "
     "None is all."},
    {"invalid", AS_METHOD(pool_invalid), METH_FASTCALL | METH_KEYWORDS,
     "invalid($self, /, key, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "The provider does not accept the key: it is not picked until it is marked available, or as the policy says."},
    {"available", AS_METHOD(pool_available), METH_FASTCALL | METH_KEYWORDS,
     "available($self, /, key, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "Make the key available now. Of a Key, not if something bad was marked after it was picked."},
    {"success", AS_METHOD(pool_success), METH_FASTCALL | METH_KEYWORDS,
     "success($self, /, key)\n"
     "--\n"
     "\n"
     ""
     "The request has succeeded: the end of failures in a row, and of a probe. It ends no bench."},
    {"report", AS_METHOD(pool_report), METH_FASTCALL | METH_KEYWORDS,
     "report($self, /, key, response=None, *, status=None, headers=None, body=None, model=None)\n"
     "--\n"
     "\n"
     ""
     "Mark the key by what the provider answered, by the rules of the pool. Returns a Verdict.\n"
     "\n"
     "response: of httpx, requests, aiohttp, urllib3, http.client or urllib; or an exception of theirs; or give its "
     "parts. A body is\n"
     "read only if it was read before."},
    {"pause", AS_METHOD(pool_pause), METH_FASTCALL | METH_KEYWORDS,
     "pause($self, /, key)\n"
     "--\n"
     "\n"
     ""
     "Take a key or group out, whatever it is marked."},
    {"resume", AS_METHOD(pool_resume), METH_FASTCALL | METH_KEYWORDS,
     "resume($self, /, key)\n"
     "--\n"
     "\n"
     ""
     "Let it in again."},
    {"mark_all_available", AS_METHOD(pool_mark_all_available), METH_FASTCALL | METH_KEYWORDS,
     "mark_all_available($self, /, statuses=None)\n"
     "--\n"
     "\n"
     ""
     "Lift every bench of these statuses; None: rate_limited and quota_exceeded. Returns of how many keys and groups."},
    {"set_policy", AS_METHOD(pool_set_policy), METH_FASTCALL | METH_KEYWORDS,
     "set_policy($self, /, **fields)\n"
     "--\n"
     "\n"
     ""
     "Set fields of the policy, as in Policy, for all processes at once. The others stay."},
    {"set_limits", AS_METHOD(pool_set_limits), METH_FASTCALL | METH_KEYWORDS,
     "set_limits($self, /, key=None, *, model=None, requests=None, tokens=None, requests_long=None, tokens_long=None, "
     "in_flight=None)\n"
     "--\n"
     "\n"
     ""
     "Set the limits of a key or a group's id, as a whole or for a model; None: of every key that has none of its own.\n"
     "\n"
     "A limit is a number for each minute (_long: for each day), or a Rate. in_flight: so many requests at the same "
     "time."},
    {"clear_limits", AS_METHOD(pool_clear_limits), METH_FASTCALL | METH_KEYWORDS,
     "clear_limits($self, /, key=None, *, model=None)\n"
     "--\n"
     "\n"
     ""
     "It has no limits of its own any longer, and what was used is forgotten."},
    {"get_limits", AS_METHOD(pool_get_limits), METH_FASTCALL | METH_KEYWORDS,
     "get_limits($self, /, key=None, *, model=None)\n"
     "--\n"
     "\n"
     ""
     "The Limits in force."},
    {"observe", AS_METHOD(pool_observe), METH_FASTCALL | METH_KEYWORDS,
     "observe($self, /, key, *, requests_left=None, requests_reset=None, tokens_left=None, tokens_reset=None, "
     "model=None, scope='key')\n"
     "--\n"
     "\n"
     ""
     "What a provider says is left, and until when. report() does this. It only ever makes a budget smaller."},
    {"states", AS_METHOD(pool_states), METH_FASTCALL | METH_KEYWORDS,
     "states($self, /, model=None)\n"
     "--\n"
     "\n"
     ""
     "A KeyState of each key, as a pick for the model sees it."},
    {"inspect", AS_METHOD(pool_inspect), METH_FASTCALL | METH_KEYWORDS,
     "inspect($self, /, key, model=None)\n"
     "--\n"
     "\n"
     ""
     "The KeyState of one key or group, without notes."},
    {"groups", AS_METHOD(pool_groups), METH_FASTCALL | METH_KEYWORDS,
     "groups($self, /)\n"
     "--\n"
     "\n"
     ""
     "A GroupState of each group."},
    {"models", AS_METHOD(pool_models), METH_FASTCALL | METH_KEYWORDS,
     "models($self, /)\n"
     "--\n"
     "\n"
     ""
     "The names of the models; the first has the number 1."},
    {"info", AS_METHOD(pool_info), METH_FASTCALL | METH_KEYWORDS,
     "info($self, /)\n"
     "--\n"
     "\n"
     ""
     "The settings of the pool, a PoolInfo."},
    {"available_count", AS_METHOD(pool_available_count), METH_FASTCALL | METH_KEYWORDS,
     "available_count($self, /, model=None)\n"
     "--\n"
     "\n"
     ""
     "How many keys can be picked now."},
    {"is_available", AS_METHOD(pool_is_available), METH_FASTCALL | METH_KEYWORDS,
     "is_available($self, /, key, model=None)\n"
     "--\n"
     "\n"
     ""
     "Whether this key can be picked now."},
    {"reset_expired_cooldowns", AS_METHOD(pool_reset_expired_cooldowns), METH_FASTCALL | METH_KEYWORDS,
     "reset_expired_cooldowns($self, /)\n"
     "--\n"
     "\n"
     ""
     "Record the end of each cooldown that is over. Never required. Returns of how many."},
    {"workers", AS_METHOD(pool_workers), METH_FASTCALL | METH_KEYWORDS,
     "workers($self, /)\n"
     "--\n"
     "\n"
     ""
     "A Worker for each process that is or was attached, the longest attached first."},
    {"leases", AS_METHOD(pool_leases), METH_FASTCALL | METH_KEYWORDS,
     "leases($self, /)\n"
     "--\n"
     "\n"
     ""
     "A HeldLease for each that has a place, the oldest first."},
    {"reap", AS_METHOD(pool_reap), METH_FASTCALL | METH_KEYWORDS,
     "reap($self, /, pid=0)\n"
     "--\n"
     "\n"
     ""
     "Give back what dead workers hold: of one that a supervisor knows to be dead, or of all. Returns how many leases."},
    {"set_worker_name", AS_METHOD(pool_set_worker_name), METH_FASTCALL | METH_KEYWORDS,
     "set_worker_name($self, /, name)\n"
     "--\n"
     "\n"
     ""
     "A name for this process in workers(), of 1 to 15 bytes."},
    {"after_fork", pool_after_fork, METH_NOARGS,
     "after_fork($self, /)\n"
     "--\n"
     "\n"
     ""
     "Optional, in a child: do at once what its first pick would do."},
    {"events", AS_METHOD(pool_events), METH_FASTCALL | METH_KEYWORDS,
     "events($self, /, after=None)\n"
     "--\n"
     "\n"
     ""
     "The Events that are kept; with what an earlier call returned, those since then."},
    {"verify", AS_METHOD(pool_verify), METH_FASTCALL | METH_KEYWORDS,
     "verify($self, /)\n"
     "--\n"
     "\n"
     ""
     "Check every invariant, and return what is violated: nothing."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef pool_getset[] = {
    {"name", pool_get_name, NULL, "The name of the pool.", NULL},
    {"closed", pool_get_closed, NULL, "Whether close() was called.", NULL},
    {"read_only", pool_get_read_only, NULL, "Whether it was attached read-only.", NULL},
    {"rules", pool_get_rules, NULL, "The name of the rules by which report() judges.", NULL},
    {"is_replaced", pool_get_is_replaced, NULL, "Whether the pool's name leads to another pool now: attach again.", NULL},
    {"policy", pool_get_policy, pool_set_policy_whole,
     "How marks are understood, a Policy. See set_policy() for single fields.", NULL},
    {"limits", pool_limits, pool_set_limits_whole,
     "The Limits of every key that has none of its own; None takes them away.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef key_methods[] = {
    {"rate_limited", AS_METHOD(key_rate_limited), METH_FASTCALL | METH_KEYWORDS,
     "rate_limited($self, /, retry_after=None, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "The provider refused it for now.\n"
     "\n"
     "retry_after: seconds or a timedelta; None: the policy's cooldown; infinity: until marked available. model: what it "
     "is about; None:\n"
     "the model of a lease, otherwise all. scope: 'key', or 'group' for all keys of its group. reason: such as "
     "'rate_limit'."},
    {"quota_exceeded", AS_METHOD(key_quota_exceeded), METH_FASTCALL | METH_KEYWORDS,
     "quota_exceeded($self, /, reset=None, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "The allowance is used up: until `reset`, seconds or a timedelta; None: as the policy says, or until marked. model: "
     "None is all."},
    {"invalid", AS_METHOD(key_invalid), METH_FASTCALL | METH_KEYWORDS,
     "invalid($self, /, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "The provider does not accept the key: it is not picked until it is marked available, or as the policy says."},
    {"available", AS_METHOD(key_available), METH_FASTCALL | METH_KEYWORDS,
     "available($self, /, *, model=None, scope='key', reason=None, stamp=None)\n"
     "--\n"
     "\n"
     ""
     "Make the key available now, unless something bad was marked after it was picked."},
    {"success", key_success, METH_NOARGS,
     "success($self, /)\n"
     "--\n"
     "\n"
     ""
     "The request has succeeded: the end of failures in a row, and of a probe. It ends no bench."},
    {"report", AS_METHOD(key_report), METH_FASTCALL | METH_KEYWORDS,
     "report($self, /, response=None, *, status=None, headers=None, body=None, model=None)\n"
     "--\n"
     "\n"
     ""
     "Mark the key by what the provider answered, by the rules of the pool. Returns a Verdict.\n"
     "\n"
     "response: of httpx, requests, aiohttp, urllib3, http.client or urllib; or an exception of theirs; or give its "
     "parts. A body is\n"
     "read only if it was read before."},
    {"__reduce__", not_pickled, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef key_getset[] = {
    {"secret", key_get_secret, NULL, "The key itself: what goes into the request's header, and nowhere else.", NULL},
    {"id", key_get_id, NULL, "The number of the key in its pool. It is never used again.", NULL},
    {"masked", key_get_masked, NULL, "The key as logs may show it, such as 'sk-\xe2\x80\xa6wXyz'.", NULL},
    {"model", key_get_model, NULL, "The name of the model that it was leased for, or None.", NULL},
    {"pool", key_get_pool, NULL, "The pool that it is of.", NULL},
    {"stamp", key_get_stamp, NULL, "What was known of the key when it was picked. Marks of this object have it.", NULL},
    {"benched", key_get_benched, NULL,
     "0.0; or, with soonest=True, seconds until the key is available: wait for so long before it is used.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef lease_methods[] = {
    {"__enter__", lease_enter, METH_NOARGS, NULL},
    {"__exit__", AS_METHOD(lease_exit), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"release", lease_release, METH_NOARGS,
     "release($self, /)\n"
     "--\n"
     "\n"
     ""
     "Give it back, once; again, it does nothing. False: it was given or taken back before, or is a parent process's."},
    {"cancel", lease_cancel, METH_NOARGS,
     "cancel($self, /)\n"
     "--\n"
     "\n"
     ""
     "In place of release(): the request was not sent, so what it was charged is given back."},
    {"settle", AS_METHOD(lease_settle), METH_FASTCALL | METH_KEYWORDS,
     "settle($self, /, tokens)\n"
     "--\n"
     "\n"
     ""
     "Say what the request has used, once, before it is given back. Without that it is charged the estimate."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef lease_getset[] = {
    {"is_held", lease_get_is_held, NULL, "Whether it is to be given back, by this process.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static char pool_doc[] =
    "One process's attachment to a pool of keys in shared memory: make one with keyshm.open(), or Pool.create(),\n"
    "Pool.attach() or Pool.anonymous().\n\n"
    "It may be used by any thread, and by the children of fork(). A call that takes a key takes a Key, an id, or the key "
    "itself.";
static char key_doc[] =
    "A picked key: `secret`, and methods that say what the provider answered. str() and repr() show it masked.";
static char lease_doc[] =
    "A key that is lent for one request: use it in a `with` statement, or give it back with release().\n\n"
    "One that is forgotten is given back, with a ResourceWarning. A child of fork() does not hold its parent's leases.";

static PyType_Slot pool_slots[] = {
    {Py_tp_doc, pool_doc},         {Py_tp_dealloc, (void *)pool_dealloc}, {Py_tp_repr, (void *)pool_repr},
    {Py_tp_methods, pool_methods}, {Py_tp_getset, pool_getset},           {0, NULL},
};
static PyType_Slot key_slots[] = {
    {Py_tp_doc, key_doc},         {Py_tp_dealloc, (void *)key_dealloc}, {Py_tp_repr, (void *)key_repr},
    {Py_tp_str, (void *)key_str}, {Py_tp_hash, (void *)key_hash},       {Py_tp_richcompare, (void *)key_compare},
    {Py_tp_methods, key_methods}, {Py_tp_getset, key_getset},           {0, NULL},
};
static PyType_Slot lease_slots[] = {
    {Py_tp_doc, lease_doc},
    {Py_tp_dealloc, (void *)key_dealloc},
    {Py_tp_hash, (void *)key_hash},
    {Py_tp_richcompare, (void *)key_compare},
    {Py_tp_methods, lease_methods},
    {Py_tp_getset, lease_getset},
    {0, NULL},
};

#define TYPE_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION)
#define SECRET_OFFSET ((int)offsetof(key_object, secret))

static PyType_Spec pool_spec = {"keyshm.Pool", (int)sizeof(pool_object), 0, TYPE_FLAGS, pool_slots};
static PyType_Spec key_spec = {"keyshm.Key", SECRET_OFFSET, 1, TYPE_FLAGS | Py_TPFLAGS_BASETYPE, key_slots};
static PyType_Spec lease_spec = {"keyshm.Lease", SECRET_OFFSET, 1, TYPE_FLAGS, lease_slots};

static int add_type(PyObject *module, PyType_Spec *spec, PyObject *base_or_null, PyObject **ret_type)
{
    PyObject *bases = base_or_null != NULL ? PyTuple_Pack(1, base_or_null) : NULL;
    *ret_type = base_or_null == NULL || bases != NULL ? PyType_FromModuleAndSpec(module, spec, bases) : NULL;
    Py_XDECREF(bases);
    return *ret_type != NULL ? PyModule_AddType(module, (PyTypeObject *)*ret_type) : -1;
}

int types_add(PyObject *module, struct module_state *state)
{
    return add_type(module, &pool_spec, NULL, &state->pool_type) == 0 &&
                   add_type(module, &key_spec, NULL, &state->key_type) == 0 &&
                   add_type(module, &lease_spec, state->key_type, &state->lease_type) == 0
               ? 0
               : -1;
}
