# SPDX-License-Identifier: MIT
import asyncio
import datetime
import gc
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest

import keyshm


@pytest.fixture
def capped(pool):
    """Four keys of which each can be had once at a time."""
    pool.set_limits(in_flight=1)
    return pool


def test_a_lease_is_given_back(capped):
    with capped.lease() as key:
        held, = capped.leases()
        assert (held.id, held.pid) == (key.id, os.getpid()) and key.is_held
        assert isinstance(key, keyshm.Key) and isinstance(key, keyshm.Lease)
    assert capped.leases() == [] and not key.is_held
    assert key.release() is False and key.cancel() is False


def test_also_after_an_exception(capped):
    with pytest.raises(RuntimeError):
        with capped.lease():
            raise RuntimeError
    assert capped.leases() == []


def test_all_are_lent(capped):
    leases = [capped.lease() for _ in range(4)]
    assert len({lease.id for lease in leases}) == 4
    with pytest.raises(keyshm.Exhausted):
        capped.lease()
    with pytest.raises(keyshm.Error) as caught:
        capped.next()
    assert "lease()" in str(caught.value)
    assert all(lease.release() for lease in leases)
    capped.lease().release()


@pytest.mark.forgets
def test_a_forgotten_lease_is_given_back_with_a_warning(capped):
    lease = capped.lease()
    with pytest.warns(ResourceWarning, match="test"):
        del lease
        gc.collect()
    assert capped.leases() == []


@pytest.mark.forgets
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_warning_that_is_an_error_does_not_come_out_of_a_dealloc(capped):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        capped.lease()
    assert capped.leases() == []


def test_a_lease_that_was_taken_back(pool):
    pool.set_limits(in_flight=1)
    lease = pool.lease()
    pool.reap(os.getpid())
    assert lease.release() is False
    with pool.lease():
        pool.reap(os.getpid())


def test_a_closed_pool_has_given_them_back(named):
    with keyshm.open(named) as other:
        other.add("sk-of-one-key-00000000000000")
        other.set_limits(in_flight=1)
        pool = keyshm.Pool.attach(named)
        with pool.lease() as lease:
            pool.close()
        assert not lease.is_held
        other.reap(0)
        with other.lease(wait=10):
            pass


def test_tokens(pool):
    pool.set_limits(tokens=keyshm.Rate(6000, 60, 1000))
    with pool.lease(tokens=400) as key:
        assert pool.leases()[0].tokens == 400 and pool.inspect(key).tokens_left == 600
        key.settle(100)
        with pytest.raises(keyshm.Error) as caught:
            key.settle(100)
        assert caught.value.errno == 114
        with pytest.raises(keyshm.Error):
            key.cancel()
    assert 900 <= pool.inspect(key).tokens_left <= 1000
    lease = pool.lease(tokens=400)
    assert lease.cancel()
    assert pool.inspect(lease).tokens_left == 1000
    with pytest.raises(keyshm.Stale):
        lease.settle(5)


def test_affinity(pool, keys):
    def secret_for(affinity):
        with pool.lease(affinity=affinity) as key:
            return key.secret

    assert len({secret_for("conversation 1") for _ in range(10)}) == 1
    assert secret_for(7) == secret_for(7) and secret_for(b"conversation 1") == secret_for("conversation 1")
    assert {secret_for(f"conversation {number}") for number in range(100)} == set(keys)
    assert len({secret_for(-3) for _ in range(5)}) == 1
    with pytest.raises(TypeError):
        pool.lease(affinity=1.5)


def test_affinity_is_the_same_in_every_process(script):
    program = """
        import keyshm
        pool = keyshm.Pool.anonymous("test")
        pool.replace_keys([f"sk-test-{n:030d}" for n in range(50)])
        print([pool.lease(affinity=f"user {n}").id for n in range(20)])
    """
    first = script(program, options=["-W", "ignore"], environment={"PYTHONHASHSEED": "1"}).stdout
    assert first == script(program, options=["-W", "ignore"], environment={"PYTHONHASHSEED": "2"}).stdout


def test_soonest(pool):
    for number, state in enumerate(pool.states()):
        pool.rate_limited(state.id, 10 + 10 * number)
    with pool.lease(soonest=True) as key:
        assert key.id == pool.states()[0].id and 9 < key.benched <= 10.05
    with pool.lease(soonest=True, wait=0.15) as key:
        assert key.id == pool.states()[0].id and key.benched > 0


def test_soonest_is_for_the_end_of_the_wait(pool):
    for state in pool.states():
        pool.rate_limited(state.id, 0.3)
    with pool.lease(soonest=True, wait=60) as key:
        assert key.benched == 0


# ---- waiting ----


def test_a_wait_ends_without_a_key(capped):
    leases = [capped.lease() for _ in range(4)]
    start = time.monotonic()
    with pytest.raises(keyshm.Exhausted):
        capped.lease(wait=0.25)
    assert time.monotonic() - start >= 0.25
    for lease in leases:
        lease.release()


def test_a_wait_ends_with_a_key_and_others_go_on(capped):
    leases = [capped.lease() for _ in range(4)]
    got = []

    def wait():
        with capped.lease(wait=math.inf) as key:
            got.append(key.id)

    thread = threading.Thread(target=wait)
    thread.start()
    while capped.info().waiting == 0:
        pass  # this thread runs, so the other has not kept the GIL
    leases[2].release()
    thread.join(60)
    assert got == [leases[2].id]
    for lease in leases:
        lease.release()


def test_a_wait_for_a_cooldown(pool):
    for state in pool.states():
        pool.rate_limited(state.id, 0.15)
    with pool.lease(wait=30):
        pass


def test_an_empty_pool_is_not_waited_for(pool):
    pool.replace_keys([])
    with pytest.raises(keyshm.Empty):
        pool.lease(wait=math.inf)


@pytest.mark.parametrize("wait", ["1", object(), math.nan])
def test_what_is_no_wait(pool, wait):
    with pytest.raises((TypeError, ValueError)):
        pool.lease(wait=wait)


WAIT_FOR_EVER = """
    import keyshm, signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
    pool = keyshm.Pool.anonymous("test")
    pool.add("sk-of-one-key-00000000000000")
    pool.set_limits(in_flight=1)
    with pool.lease():
        try:
            print("waiting", flush=True)
            pool.lease(wait=float("inf"))
        except KeyboardInterrupt:
            print("interrupted", len(pool.leases()))
"""

WAIT_FOR_EVER_IN_ASYNCIO = WAIT_FOR_EVER.replace("pool.lease(wait=", "asyncio.run(pool.alease(wait=").replace(
    'float("inf"))', 'float("inf"))._acquire())').replace("import keyshm", "import asyncio, keyshm")


@pytest.mark.parametrize("program", [WAIT_FOR_EVER, WAIT_FOR_EVER_IN_ASYNCIO], ids=["lease", "alease"])
def test_ctrl_c_ends_a_wait(program):
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "interrupted 1\n" and process.returncode == 0


def test_a_handler_that_returns_does_not_end_a_wait(capped):
    leases = [capped.lease() for _ in range(4)]
    seen = []

    def handler(number, frame):
        seen.append(number)
        if len(seen) == 3:
            leases[0].release()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with capped.lease(wait=60) as key:
            assert key.id == leases[0].id and len(seen) >= 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        for lease in leases:
            lease.release()


def test_an_exception_at_the_moment_of_the_lease(capped):
    """Then the lease is given back: there is nobody who could."""
    def handler(number, frame):
        raise KeyError

    def work():
        while capped.info().waiting == 0:
            pass
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)  # not to the thread that waits
        leases[0].release()

    leases = [capped.lease() for _ in range(4)]
    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=work)
    try:
        thread.start()
        with pytest.raises(KeyError):
            capped.lease(wait=60)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(capped.leases()) == 3
    for lease in leases:
        lease.release()


# ---- asyncio ----


def test_alease(capped):
    async def main():
        lease = await capped.alease(tokens=5)
        assert lease.is_held
        lease.release()
        async with capped.alease(model="large") as key:
            assert key.model == "large" and len(capped.leases()) == 1
        assert capped.leases() == []
        with pytest.raises(TypeError):
            capped.alease(colour="blue")

    asyncio.run(main())


@pytest.mark.parametrize("wait", ["1", object(), math.nan])
def test_what_is_no_wait_in_asyncio(pool, wait):
    with pytest.raises((TypeError, ValueError)):
        pool.alease(wait=wait)


def test_a_task_that_is_cancelled_holds_nothing(capped):
    async def main():
        leases = [capped.lease() for _ in range(4)]
        tasks = [asyncio.ensure_future(capped.alease(wait=datetime.timedelta(minutes=1))._acquire()) for _ in range(5)]
        await asyncio.sleep(0.01)
        for lease in leases:
            lease.release()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert capped.leases() == []

    asyncio.run(main())


def test_alease_waits_while_the_loop_runs(capped):
    async def main():
        leases = [capped.lease() for _ in range(4)]
        ticks = 0
        waiter = asyncio.ensure_future(capped.alease(wait=60)._acquire())
        while ticks < 20:
            await asyncio.sleep(0.005)
            ticks += 1
        assert not waiter.done()
        leases[1].release()
        lease = await waiter
        assert lease.id == leases[1].id
        for other in (*leases, lease):
            other.release()

    asyncio.run(main())


def test_alease_without_a_key(capped):
    async def main():
        leases = [capped.lease() for _ in range(4)]
        with pytest.raises(keyshm.Exhausted):
            await capped.alease()
        with pytest.raises(keyshm.Exhausted):
            await capped.alease(wait=0.05)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(capped.alease(wait=math.inf), 0.1)
        for lease in leases:
            lease.release()
        capped.replace_keys([])
        with pytest.raises(keyshm.Empty):
            await capped.alease(wait=60)

    asyncio.run(main())


def test_many_tasks_share_few_keys(capped):
    most = 0

    async def one():
        nonlocal most
        async with capped.alease(wait=60):
            most = max(most, len(capped.leases()))
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(one() for _ in range(50)))

    asyncio.run(main())
    assert most == 4 and capped.leases() == []


# ---- forks and exits ----


def test_a_child_does_not_give_its_parents_lease_back(capped, in_child):
    def leave():
        lease.__exit__(None, None, None)
        assert not lease.is_held and lease.release() is False
        with capped.lease() as own:
            assert own.id != lease.id

    with capped.lease() as lease:
        assert in_child(leave) == 0
        assert [held.id for held in capped.leases()] == [lease.id] and lease.is_held


EXIT = """
    import keyshm, os, sys
    pool = keyshm.open(sys.argv[1])
    lease = pool.lease()
    if sys.argv[2] == "child":
        if os.fork() == 0:
            sys.exit()  # which leaves its parent's lease alone
        os.wait()
        print(len(pool.leases()), flush=True)
    elif sys.argv[2] == "raise":
        raise SystemExit(0)
    elif sys.argv[2] == "cycle":
        cycle = [lease]
        cycle.append(cycle)
    elif sys.argv[2] == "daemon":
        import threading, time
        taken = threading.Event()

        def hold(lease):
            taken.set()
            time.sleep(1000)  # its frame outlives everything

        threading.Thread(target=hold, args=(lease,), daemon=True).start()
        taken.wait()
        del lease
"""


@pytest.mark.parametrize("how", ["end", "raise", "cycle", "child", "daemon"])
def test_an_interpreter_that_ends_gives_its_leases_back(named, script, how):
    with keyshm.open(named) as pool:
        pool.add("sk-of-one-key-00000000000000")
        pool.set_limits(in_flight=1)
        printed = script(EXIT, named, how).stdout
        assert printed == ("1\n" if how == "child" else "")
        assert pool.leases() == []
        assert [event.kind for event in pool.events() if event.kind == "reaped"] == []
