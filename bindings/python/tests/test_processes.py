# SPDX-License-Identifier: MIT
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter

import pytest

import keyshm


def start(function):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException as exception:
            os.write(2, f"{type(exception).__name__}: {exception}\n".encode())
        finally:
            os._exit(status)
    return pid


def statuses(pids):
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_children_share_the_pool(pool):
    pids = [start(lambda: [pool.next() for _ in range(100)]) for _ in range(4)]
    assert statuses(pids) == [0] * 4
    assert [state.picks for state in pool.states()] == [100] * 4


def test_a_mark_of_a_child_is_seen(pool, keys, in_child):
    assert in_child(lambda: pool.rate_limited(keys[0], 60)) == 0
    assert keys[0] not in [pool.next_secret() for _ in range(8)]


def test_a_child_that_closes_its_own(pool, in_child):
    assert in_child(pool.close) == 0
    assert in_child(pool.after_fork) == 0
    pool.next()


def test_a_fork_while_another_thread_waits(pool, in_child):
    """The child has one thread; the wait and its count are the parent's."""
    pool.set_limits(in_flight=1)
    leases = [pool.lease() for _ in range(4)]
    thread = threading.Thread(target=lambda: pool.lease(wait=60).release())
    thread.start()
    while pool.info().waiting == 0:
        time.sleep(0.001)

    def child():
        assert pool.available_count() == 0
        try:
            pool.lease(wait=0.15)
        except keyshm.Exhausted:
            pool.close()
            return
        raise AssertionError

    assert in_child(child) == 0
    for lease in leases:
        lease.release()
    thread.join(60)
    assert not thread.is_alive()


def test_messages_are_of_one_process(pool, keys, capfd, in_child):
    """What is logged in the parent is not logged by a child again."""
    stream = os.fdopen(os.dup(2), "w")
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("keyshm")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    keyshm.set_log_level()
    try:
        pool.rate_limited(keys[0], 10)
        assert in_child(lambda: pool.rate_limited(keys[1], 10)) == 0
    finally:
        logger.removeHandler(handler)
        stream.close()
        logger.setLevel(logging.NOTSET)
        keyshm.set_log_level(logging.WARNING)
    lines = [line for line in capfd.readouterr().err.splitlines() if "rate_limited" in line]
    assert len(lines) == 2 and "0001" in lines[0] and "0002" in lines[1]


def test_a_fork_while_messages_are_delivered(pool, keys):
    """The child delivers its own, and none of those that its parent has yet to deliver."""
    children, seen = [], []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())
            if len(seen) == 1:
                children.append(start(child))

    def child():
        seen[:] = ["of the parent"]
        pool.rate_limited(keys[3], 60)
        assert len(seen) == 2 and "0004" in seen[1], seen

    for key in keys[:3]:
        pool.rate_limited(key, 60)
    handler, logger = Handler(), logging.getLogger("keyshm")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    keyshm.set_log_level()
    try:
        assert pool.mark_all_available() == 3
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        keyshm.set_log_level(logging.WARNING)
    assert statuses(children) == [0] and len(seen) >= 3


def spawned(name, count):
    with keyshm.Pool.attach(name) as pool:
        for _ in range(count):
            pool.next()
    return os.getpid()


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_multiprocessing(named, method):
    with keyshm.open(named) as pool:
        pool.replace_keys([f"sk-test-{number:020d}" for number in range(5)])
        with multiprocessing.get_context(method).Pool(3) as workers:
            pids = workers.starmap(spawned, [(named, 50)] * 6)
        assert os.getpid() not in pids
        # Each process that picks in bursts may leave turns behind: the counts differ by no more than their number.
        picks = [state.picks for state in pool.states()]
        assert sum(picks) == 300 and max(picks) - min(picks) <= 7


def ends_with_a_lease(name, way):
    pool = keyshm.Pool.attach(name)
    multiprocessing.kept = pool.lease()
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("way", ["ended", "killed"])
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_process_that_ends_with_a_lease(named, method, way):
    with keyshm.open(named) as pool:
        pool.add("sk-of-one-key-00000000000000")
        pool.set_limits(in_flight=1)
        process = multiprocessing.get_context(method).Process(target=ends_with_a_lease, args=(named, way))
        process.start()
        process.join()
        assert process.exitcode == (0 if way == "ended" else -signal.SIGKILL)
        with pool.lease(wait=60):
            assert len(pool.leases()) == 1


def test_a_process_that_is_forked_while_a_lease_is_held(pool):
    """It goes on in the `with` statement, and leaves it."""
    pool.set_limits(in_flight=1)
    with pool.lease() as lease:
        process = multiprocessing.get_context("fork").Process(target=lease.__exit__, args=(None, None, None))
        process.start()
        process.join()
        assert process.exitcode == 0
        assert [held.id for held in pool.leases()] == [lease.id] and lease.is_held
    assert pool.leases() == []


def test_threads_and_processes_and_forks_at_once(pool):
    def thread(number):
        chance = random.Random(number)
        for turn in range(200):
            try:
                with pool.lease(wait=5) as key:
                    if chance.random() < 0.1:
                        key.rate_limited(0.01)
                    elif chance.random() < 0.5:
                        key.success()
            except keyshm.Exhausted:
                pass
            if turn == 100 and number % 2 == 0:
                failures.extend(status for status in statuses([start(pool.states)]) if status)

    def process():
        threads = [threading.Thread(target=thread, args=(number,)) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert not failures

    failures = []
    assert statuses([start(process) for _ in range(3)]) == [0] * 3
    assert pool.leases() == []


def test_killed_workers_harm_nobody(pool, keys):
    """At any moment of any call: the others go on, what they held comes back, and the pool is sound."""
    pool.set_limits(in_flight=2)

    def work():
        chance = random.Random(os.getpid())
        while True:
            try:
                with pool.lease(wait=1) as key:
                    chance.choice([key.success, lambda: key.rate_limited(0.001), lambda: key.report(status=200), int])()
                chance.choice([pool.states, pool.workers, lambda: pool.set_metadata(keys[0], "n", "x"),
                               lambda: pool.add("sk-of-a-killed-worker-00000000", exist_ok=True),
                               lambda: pool.remove("sk-of-a-killed-worker-00000000")])()
            except keyshm.Error:
                pass

    chance = random.Random(1)
    pids = [start(work) for _ in range(3)]
    for _ in range(40):
        time.sleep(chance.random() * 0.02)
        victim = pids.pop(0)
        os.kill(victim, signal.SIGKILL)
        assert statuses([victim]) == [-signal.SIGKILL]
        pids.append(start(work))
        pool.states()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    statuses(pids)
    pool.reap()
    pool.replace_keys(keys)
    assert pool.leases() == [] and pool.verify() == []
    pool.mark_all_available()
    before = Counter({state.id: state.picks for state in pool.states()})
    leases = [pool.lease(wait=5) for _ in range(8)]
    assert Counter(lease.id for lease in leases) == Counter({state.id: 2 for state in pool.states()})
    for lease in leases:
        lease.release()
    assert sum((Counter({state.id: state.picks for state in pool.states()}) - before).values()) == 8


# ---- the interpreter ----

def test_a_program_without_logging_prints_nothing(script):
    done = script("import keyshm\ntry:\n  keyshm.Pool.attach('there-is-no-such-pool')\nexcept keyshm.NotFound:\n  pass")
    assert done.stderr == ""
    told = script("import keyshm\ntry:\n  keyshm.Pool.attach('there-is-no-such-pool')\nexcept keyshm.NotFound:\n  pass",
                  environment={"KEYSHM_LOG": "warning"})
    assert "no such pool" in told.stderr


SUBINTERPRETERS = """
    import sys
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    import keyshm
    pool = keyshm.open(sys.argv[1])
    pool.add("sk-of-one-key-00000000000000")
    pool.set_limits(in_flight=1)
    program = "import keyshm; key = keyshm.Pool.attach(%r).lease(); assert key.secret[:9] == 'sk-of-one', key" % sys.argv[1]
    for _ in range(5):
        one = interpreters.create()
        failed = interpreters.run_string(one, program)
        assert failed is None, failed
        interpreters.destroy(one)
        assert pool.leases() == [], "the end of an interpreter gives its leases back"
    with pool.lease():
        print("good")
"""


def test_subinterpreters(named, script):
    assert script(SUBINTERPRETERS, named, options=["-W", "ignore"]).stdout == "good\n"


LATE = """
    import keyshm, sys
    pool = keyshm.Pool.anonymous("test")
    pool.add("sk-of-one-key-00000000000000")
    pool.set_limits(in_flight=1)

    class Late:
        def __init__(self):
            self.lease, self.pool = pool.lease(), pool

        def __del__(self):
            try:
                self.pool.remove(77)  # which logs
            except keyshm.Error:
                pass
            self.lease.release()
            self.pool.close()

    late = Late()
    sys.late = late
    late.late = late
"""


def test_calls_while_the_interpreter_ends(script):
    script(LATE, options=["-X", "dev"])


def test_the_example_of_the_package(script):
    printed = script("import runpy; runpy.run_module('keyshm', run_name='__main__')").stdout.splitlines()
    answered = [line for line in printed if "answers 200" in line]
    refused = [line for line in printed if "answers 429" in line]
    assert len(answered) == 20 and 1 <= len(refused) <= 12
    assert [line for line in printed if line.startswith("sk-")] and "no key is left" in "\n".join(printed)


def test_a_name_is_imported_without_asyncio_and_logging(script):
    """What a program does not use it does not wait for."""
    script("""
        import sys, keyshm
        assert not {"asyncio", "logging", "http.client", "ssl"} & set(sys.modules), sorted(sys.modules)
    """)
