# SPDX-License-Identifier: MIT
import ctypes
import datetime
import inspect
import logging
import math
import os
import signal
import threading
import time

import pytest

import keyshm


def test_open_create_attach(named):
    with pytest.raises(keyshm.NotFound) as caught:
        keyshm.Pool.attach(named)
    assert isinstance(caught.value, FileNotFoundError) and caught.value.filename == named
    with keyshm.open(named, capacity=8) as first:
        first.add("sk-in-a-named-pool-000000001")
        with keyshm.open(named, capacity=99) as second, keyshm.Pool.attach(named) as third:
            assert second.next_secret() == third.next_secret() == "sk-in-a-named-pool-000000001"
            assert second.info().capacity == 8
        with pytest.raises(keyshm.Exists) as caught:
            keyshm.Pool.create(named)
        assert isinstance(caught.value, FileExistsError)
        assert named in keyshm.pools()
        assert not first.is_replaced
        keyshm.unlink(named)
        assert first.is_replaced
    with pytest.raises(keyshm.NotFound):
        keyshm.unlink(named)


def test_read_only(named):
    with keyshm.open(named) as pool, keyshm.Pool.attach(named, read_only=True) as observer:
        key = pool.add("sk-in-a-named-pool-000000001")
        assert observer.read_only and not pool.read_only
        assert [state.id for state in observer.states()] == [key]
        for call in (observer.next, observer.lease, lambda: observer.add("x"), lambda: observer.rate_limited(key)):
            with pytest.raises(keyshm.ReadOnly):
                call()
        observer.get(key)


def test_a_truncated_segment(named):
    with keyshm.open(named):
        files = [entry for entry in os.listdir("/dev/shm") if entry.endswith(named)]
    assert len(files) == 1
    with open(f"/dev/shm/{files[0]}", "r+b") as file:
        file.truncate(100)
    with pytest.raises(keyshm.Damaged):
        keyshm.Pool.attach(named)


def test_another_layout(named):
    keyshm.open(named).close()
    path, = [f"/dev/shm/{entry}" for entry in os.listdir("/dev/shm") if entry.endswith(named)]
    with open(path, "r+b") as file:
        file.seek(8)  # after the magic number
        file.write(b"\xff")
    with pytest.raises(keyshm.WrongLayout):
        keyshm.Pool.attach(named)


def test_a_stopped_holder_of_the_mutex():
    """Membership waits for it without the GIL, and no longer than it should; picks and marks do not wait."""
    with keyshm.Pool.anonymous("test", lock_timeout=0.3) as pool:
        key = pool.add("sk-of-one-key-00000000000000")
        holder = os.fork()
        if holder == 0:
            while True:
                try:
                    pool.set_metadata(key, "note", "x")
                except keyshm.Error:
                    pass
        while True:
            os.kill(holder, signal.SIGSTOP)
            os.waitpid(holder, os.WUNTRACED)
            if pool.info().mutex_holder_pid == holder:
                break
            os.kill(holder, signal.SIGCONT)
        turns = []
        thread = threading.Thread(target=lambda: turns.extend(pool.next() for _ in range(100)))
        try:
            thread.start()
            with pytest.raises(keyshm.LockTimeout) as caught:
                pool.add("sk-another-0000000000000000")
            assert isinstance(caught.value, TimeoutError) and pool.info().mutex_held > 0
            pool.rate_limited(key, 0)
            thread.join(60)
            assert len(turns) == 100
        finally:
            os.kill(holder, signal.SIGKILL)
            os.waitpid(holder, 0)
        pool.add("sk-another-0000000000000000")
        assert pool.info().recoveries == 1 and pool.verify() == []


def test_options():
    with keyshm.Pool.anonymous("test", capacity=5, key_max=40, default_cooldown=datetime.timedelta(seconds=7), lock_timeout=1.5,
                               workers_max=300, groups_max=1, models_max=1, in_flight_max=3, group_in_flight_max=9,
                               provider_rules="openai") as pool:
        info = pool.info()
        assert (info.capacity, info.key_max, info.in_flight_max, info.group_in_flight_max) == (5, 40, 3, 9)
        assert pool.policy.cooldown == 7 and pool.rules == info.rules == "openai" and info.name == pool.name == "test"
        pool.group("one")
        with pytest.raises(keyshm.Error) as caught:
            pool.group("two")
        assert caught.value.errno == 28
        with pytest.raises(keyshm.InvalidArgument, match="longer|bytes|long"):
            pool.add("x" * 41)
    for wrong, error in (({"size": 5}, TypeError), ({"capacity": 0}, keyshm.InvalidArgument), ({"capacity": 2**40}, ValueError),
                         ({"capacity": "5"}, TypeError), ({"owner": "nobody-of-this-name"}, ValueError)):
        with pytest.raises(error):
            keyshm.Pool.anonymous("test", **wrong)
    with pytest.raises(keyshm.InvalidArgument, match="provider name"):
        keyshm.open("../etc")


def test_exceptions():
    bases = {
        "Exhausted": (), "Empty": (), "NotFound": (FileNotFoundError,), "Exists": (FileExistsError,), "Stale": (LookupError,),
        "LockTimeout": (TimeoutError,), "WrongLayout": (), "Damaged": (), "ReadOnly": (), "InvalidArgument": (ValueError,),
        "AccessDenied": (PermissionError,),
    }
    for name, others in bases.items():
        kind = getattr(keyshm, name)
        assert kind.__module__ == "keyshm" and kind.__doc__
        assert issubclass(kind, keyshm.Error) and all(issubclass(kind, other) for other in others)
    assert issubclass(keyshm.Error, OSError)


def test_membership(pool, keys):
    with pytest.raises(keyshm.Exists) as caught:
        pool.add(keys[1])
    assert caught.value.id == pool.find(keys[1]) == pool.add(keys[1], exist_ok=True)
    added = pool.add("sk-one-more-0000000000000000")
    assert pool.find("sk-one-more-0000000000000000") == added
    pool.remove(added)
    with pytest.raises(keyshm.Stale):
        pool.remove(added)
    assert pool.replace_keys([keys[0], "sk-new-00000000000000000000", keys[0]]) == (1, 1, 3)
    with pytest.raises(keyshm.InvalidArgument, match="number 2"):
        pool.replace_keys(["sk-fine-000000000000000000", "not fine "])
    assert [state.masked for state in pool.states()] == ["sk-…0001", "sk-…0000"]
    with pytest.raises(TypeError):
        pool.replace_keys("sk-one-string-is-no-list")
    with pytest.raises(TypeError):
        pool.replace_keys([1])


def test_keys_of_a_group(pool, keys):
    pool.group("team")
    assert pool.replace_keys(["sk-team-0000000000000000001"], group="team") == (0, 1, 0)
    assert pool.replace_keys(["sk-team-0000000000000000002"], group="team") == (0, 1, 1)
    assert len(pool.states()) == 5
    pool.add("sk-team-0000000000000000003", "team")
    assert pool.groups()[0].keys == 2 and pool.states()[4].group == pool.find_group("team")
    with pytest.raises(keyshm.Error) as caught:
        pool.remove_group("team")
    assert caught.value.errno == 16
    pool.replace_keys([], group="team")
    pool.remove_group("team")
    with pytest.raises(keyshm.NotFound):
        pool.find_group("team")
    with pytest.raises(keyshm.NotFound):
        pool.add("sk-team-0000000000000000004", "team")


def test_order(pool, keys):
    pool.set_priority(keys[0], 1)
    pool.set_weight(keys[1], 3)
    taken = [pool.next_secret() for _ in range(50)]
    assert keys[0] not in taken and abs(taken.count(keys[1]) - 3 * taken.count(keys[2])) <= 3
    for call in (pool.set_priority, pool.set_weight):
        with pytest.raises(keyshm.InvalidArgument):
            call(keys[0], 16)
        with pytest.raises(TypeError):
            call(keys[0], "1")


def test_notes(pool, keys):
    pool.set_metadata(keys[0], "owner", "team é")
    assert pool.get_metadata(keys[0], "owner") == "team é" and pool.states()[0].metadata == {"owner": "team é"}
    pool.set_metadata(keys[0], "owner", None)
    with pytest.raises(keyshm.NotFound):
        pool.get_metadata(keys[0], "owner")
    with pytest.raises(keyshm.InvalidArgument):
        pool.set_metadata(keys[0], "bad name", "x")


def test_policy(pool):
    before = pool.policy
    assert before == keyshm.Policy()
    pool.set_policy(cooldown=2.5, invalid_after=3, lease_max=math.inf)
    assert pool.policy == before._replace(cooldown=2.5, invalid_after=3, lease_max=math.inf)
    pool.policy = before
    assert pool.policy == before
    pool.set_policy(cooldown=math.inf)
    key = pool.next()
    key.rate_limited()
    assert pool.inspect(key).cooldown == math.inf
    for wrong, error in (({"speed": 1}, TypeError), ({"cooldown": "5"}, TypeError), ({"invalid_after": 0}, keyshm.InvalidArgument)):
        with pytest.raises(error):
            pool.set_policy(**wrong)
    with pytest.raises(TypeError):
        pool.policy = {}


def test_limits(pool, keys):
    assert pool.limits == keyshm.Limits()
    pool.set_limits(requests=60, in_flight=3)
    assert pool.limits.requests == keyshm.Rate(60, 60.0, 10, "at_pick") and pool.limits.in_flight == 3
    pool.set_limits(keys[0], tokens=keyshm.Rate(1000, per=10, burst=500, charge="at_pick"))
    assert pool.get_limits(keys[0]) == keyshm.Limits(tokens=keyshm.Rate(1000, 10.0, 500, "at_pick"))
    assert pool.get_limits(keys[1]) == pool.limits
    pool.clear_limits(keys[0])
    assert pool.get_limits(keys[0]) == pool.limits
    pool.set_limits(pool.group("g"), model="large", requests=(5, 1))
    assert pool.get_limits(pool.find_group("g"), model="large").requests.amount == 5
    pool.limits = keyshm.Limits(requests_long=keyshm.Rate(1000))
    assert pool.limits.requests_long.per == 86400
    pool.limits = None
    assert pool.limits == keyshm.Limits()
    for wrong, error in (({"requests": "60"}, TypeError), ({"requests": (1, 2, 3, 4, 5)}, ValueError), ({"in_flight": 9999},
                         keyshm.InvalidArgument), ({"tokens": (5, 60, 1, "later")}, ValueError), ({"requests": -1}, ValueError)):
        with pytest.raises(error):
            pool.set_limits(**wrong)


def test_a_budget_is_used_up(pool):
    pool.set_limits(requests=keyshm.Rate(60, 60, 1))
    for _ in range(4):
        pool.next()
    with pytest.raises(keyshm.Exhausted) as caught:
        pool.next()
    assert 0 < caught.value.retry_in <= 1.05
    assert {state.benched_by for state in pool.states()} == {("budget",)} and pool.states()[0].requests_left == 0


def test_observations(pool, keys):
    pool.observe(keys[0], requests_left=0, requests_reset=20)
    assert pool.inspect(keys[0]).reason == "budget" and 19 < pool.inspect(keys[0]).cooldown <= 20.05


def test_models(pool, recwarn):
    assert pool.model("first") == 1 and pool.model("first") == 1
    for number in range(7):
        pool.lease(model=f"model-{number}").release()
    with pytest.warns(RuntimeWarning, match="models_max"):
        with pool.lease(model="one-too-many") as key:
            assert key.model is None
    recwarn.clear()
    with pool.lease(model="another") as key:
        key.rate_limited(5, model="a-third")
    assert len(recwarn) == 0
    with pool.lease(model=2) as key:
        assert key.model == "model-0"
    with pytest.raises(keyshm.InvalidArgument):
        pool.lease(model=99)
    for call in (pool.available_count, pool.states):
        with pytest.raises(keyshm.NotFound):
            call("unknown")
    with pytest.raises(keyshm.InvalidArgument):
        pool.lease(model=" bad name")


def test_events(pool, keys):
    pool.next().rate_limited(30)
    events = pool.events()
    assert [event.kind for event in events] == ["added"] * 4 + ["marked"] and len(events) == 5
    last = events[-1]
    assert (last.before, last.after, last.reason, last.masked) == ("available", "rate_limited", "rate_limit", "sk-…0001")
    assert 29 < last.duration <= 30.05 and last.pid == os.getpid() and last.id == pool.find(keys[0])
    assert list(pool.events(after=events)) == []
    pool.pause(keys[1])
    assert [event.kind for event in pool.events(after=events.cursor)] == ["paused"]
    with pytest.raises(TypeError):
        pool.events(after=(1, 2))


def test_workers(pool):
    pool.next()
    pool.set_worker_name("pytest")
    worker, = pool.workers()
    assert worker.pid == os.getpid() and worker.name == "pytest" and worker.is_alive and worker.picks == 1


def test_messages_go_to_logging(pool, keys, caplog):
    caplog.set_level(logging.DEBUG, logger="keyshm")
    keyshm.set_log_level()
    try:
        pool.rate_limited(keys[0], 10)
        with pytest.raises(keyshm.Stale):
            pool.remove(77)
    finally:
        keyshm.set_log_level(logging.WARNING)
    levels = {record.levelname for record in caplog.records}
    assert levels == {"INFO", "WARNING"} and {record.name for record in caplog.records} == {"keyshm"}
    assert "sk-…0001" in caplog.text and keys[0] not in caplog.text
    caplog.clear()
    pool.rate_limited(keys[1], 10)
    assert caplog.records == []


def test_messages_of_threads_without_the_gil(pool, keys, caplog):
    """The library calls back in them; what it says is logged by the next call from Python."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "libkeyshm.so" in line}
    if not paths:
        pytest.skip("the library is in the extension")
    library = ctypes.CDLL(paths.pop())  # whose functions are called without the GIL
    stop = threading.Event()

    def attach():
        handle = ctypes.c_void_p()
        while not stop.is_set():
            library.keyshm_attach(ctypes.byref(handle), b"there-is-no-such-pool")

    caplog.set_level(logging.WARNING, logger="keyshm")
    threads = [threading.Thread(target=attach) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        while "there-is-no-such-pool" not in caplog.text or "lost" not in caplog.text:
            with pytest.raises(keyshm.Stale):
                pool.remove(77)
            time.sleep(0.001)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    with pytest.raises(keyshm.Stale):
        pool.remove(77)  # delivers the last ones
    with pytest.raises(keyshm.InvalidArgument, match="space"):
        pool.add(" of this thread")


def documented():
    for kind in (keyshm.Pool, keyshm.Key, keyshm.Lease):
        for name, member in vars(kind).items():
            if not name.startswith("_"):
                yield pytest.param(kind, name, member, id=f"{kind.__name__}.{name}")
    for name in ("open", "unlink", "pools", "judge", "set_log_level"):
        yield pytest.param(None, name, getattr(keyshm, name), id=name)


@pytest.mark.parametrize("kind, name, member", documented())
def test_what_help_says_is_so(pool, kind, name, member):
    """Everything is documented, and takes the arguments that its signature has."""
    assert member.__doc__ and len(member.__doc__) > 10
    if not callable(member) and not isinstance(member, classmethod) and not hasattr(member, "__func__"):
        return
    owner = keyshm if kind is None else pool if kind is keyshm.Pool else pool.next() if kind is keyshm.Key else pool.lease()
    function = getattr(owner, name)
    parameters = inspect.signature(function).parameters.values()
    positional = [object() for one in parameters if one.kind is one.POSITIONAL_ONLY]
    named = {one.name: object() for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    try:
        with pytest.raises(TypeError) as caught:
            function(*positional, **named, zz=1)
    finally:
        if kind is keyshm.Lease:
            owner.release()
    takes_none = not parameters and "takes no keyword arguments" in str(caught.value)
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    assert takes_none or takes_any or "'zz'" in str(caught.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_handler_may_use_the_pool_and_fail(pool, keys, caplog):
    calls = []

    class Handler(logging.Handler):
        def emit(self, record):
            calls.append(record.getMessage())
            pool.rate_limited(keys[1], 20 + len(calls))
            raise RuntimeError("of the handler")

    handler = Handler()
    logger = logging.getLogger("keyshm")
    logger.addHandler(handler)
    caplog.set_level(logging.INFO, logger="keyshm")
    keyshm.set_log_level()
    try:
        pool.rate_limited(keys[0], 10)
    except RuntimeError:
        pytest.fail("it must not come out of a mark")
    finally:
        logger.removeHandler(handler)
        keyshm.set_log_level(logging.WARNING)
    assert 1 <= len(calls) <= 64
