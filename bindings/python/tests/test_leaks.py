# SPDX-License-Identifier: MIT
"""What is left of many calls: blocks and bytes of the allocators, references to what is shared; and all references, where the interpreter
and the extension count them (scripts/prove)."""

import pytest

from provider import Provider

# What `work(turns)` leaves when it has been called before: caches fill in the first turns. The least of five times, since some fill
# later.
LEFT = """
    import ctypes, gc, logging, pathlib, sys
    import keyshm
    logging.getLogger("keyshm").setLevel(logging.CRITICAL)

    SHARED = [None, True, False, (), "", b"", 0, 1, keyshm.Key, keyshm.Lease, keyshm.Pool, keyshm.Stale, keyshm.KeyState, keyshm._keyshm]

    class Mallinfo2(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo2

    # An extension that is not compiled for it changes counts that the interpreter does not see.
    counts_references = hasattr(sys, "gettotalrefcount") and b"_Py_DecRef" in pathlib.Path(keyshm._keyshm.__file__).read_bytes()

    def counts():
        gc.collect()
        found = {"blocks": sys.getallocatedblocks(), "times 64 bytes": mallinfo2().uordblks // 64}
        found.update({f"references to {thing!r}": sys.getrefcount(thing) for thing in SHARED})
        if counts_references:
            found["references"] = sys.gettotalrefcount()
        return found

    def left(work, turns):
        before = counts()
        work(turns)
        return {what: count - before[what] for what, count in counts().items()}

    def expect_nothing_left(work, turns):
        work(turns)
        base, *rounds = [left(one, turns) for one in [lambda turns: None] + 5 * [work]]
        for what in base:
            least = min(one[what] for one in rounds) - base[what]
            assert least < turns // 2, f"{least} {what} of {turns} turns"
"""

EVERY_CALL = LEFT + """
    pool = keyshm.Pool.anonymous("test")
    pool.replace_keys([f"sk-test-{n:030d}" for n in range(10)])
    SHARED.append(pool)

    def refused(call, *arguments, **named):
        try:
            call(*arguments, **named)
        except (keyshm.Error, TypeError, ValueError):
            return
        raise AssertionError("not refused")

    def look():
        pool.states(), pool.events(), pool.workers(), pool.leases(), pool.policy, pool.limits, pool.info(), pool.groups(), pool.models()
        pool.verify(), keyshm.pools(), pool.next_available_in(), pool.wait_hint(), repr(pool)

    def change(number):
        pool.set_limits(requests=keyshm.Rate(10**9, per=1), tokens=10**9)
        pool.set_group(pool.add("sk-test-of-a-while-0000000000", exist_ok=True), pool.group("account"))
        pool.set_metadata("sk-test-of-a-while-0000000000", "note", str(number))
        pool.get_metadata("sk-test-of-a-while-0000000000", "note")
        pool.remove("sk-test-of-a-while-0000000000")
        pool.set_policy(cooldown=1)
        pool.clear_limits()

    def refuse():
        refused(pool.remove, 1), refused(pool.lease, model=77), refused(pool.find, "none-of-these-keys-00")
        refused(pool.lease, wait="soon"), refused(pool.set_limits, requests="many"), refused(pool.next, 1), refused(pool.lease, modle=1)

    def work(turns):
        for number in range(turns):
            pool.next_secret()
            key = pool.next()
            key.secret, key.masked, key.stamp, key.id, key.pool, repr(key), hash(key), key == pool.get(key)
            key.success()
            pool.rate_limited(key.secret, 0)
            with pool.lease(model="large", tokens=number, affinity="a") as lease:
                lease.settle(number)
                lease.model
            pool.lease().cancel()
            look(), change(number), refuse()
            key.report(status=429, headers={"Retry-After": "0"}, body=b"{}")
            keyshm.judge("general", status=500)
            pool.available(key.id)
            keyshm.Pool.anonymous("other", capacity=1).close()

    expect_nothing_left(work, int(sys.argv[1]))
"""


def test_no_call_leaves_anything(script):
    script(EVERY_CALL, "100", timeout=500)


BLARIFY = LEFT + """
    from keyshm.integrations.blarify import APIKeyManager, KeyStatus
    manager = APIKeyManager("openai", auto_discover=False)

    def work(turns):
        for number in range(turns):
            key = f"sk-blarify-{number % 5:030d}"
            manager.add_key(key)
            manager.get_next_available_key(), manager.get_available_count(), manager.get_key_states()
            manager.keys[key].metadata["used"] = number
            manager.keys[key].state = KeyStatus.RATE_LIMITED
            manager.keys[key].cooldown_until
            manager.mark_rate_limited(key, retry_after=30)
            manager.mark_invalid(key), manager.mark_quota_exceeded(key), manager.reset_expired_cooldowns()
            list(manager.keys.items()), manager._key_order, manager._current_index
            manager.remove_key(key)

    expect_nothing_left(work, 200)
"""


def test_nothing_is_left_of_blarify(script):
    script(BLARIFY, timeout=500)


# A key that is refused, one that is not, and none at all.
CLIENT = LEFT + """
    pool = keyshm.Pool.anonymous("openai")
    pool.replace_keys(["sk-refused-0000000000000000000", "sk-accepted-000000000000000000"])

    def work(turns):
        for _ in range(turns):
            pool.mark_all_available()
            assert send(sys.argv[1]) == 200
        for state in pool.states():
            pool.invalid(state.id)
        for _ in range(turns // 10):
            try:
                send(sys.argv[1])
            except keyshm.Exhausted:
                continue
            raise AssertionError("there is no key")
        pool.mark_all_available(["invalid"])
"""

SENDERS = {
    "httpx": """
    import httpx
    from keyshm.integrations.httpx import Auth
    client = httpx.Client(auth=Auth(pool), trust_env=False)

    def send(url):
        return client.get(url).status_code
""",
    "httpx, asyncio": """
    import asyncio, httpx
    from keyshm.integrations.httpx import Auth
    client, loop = httpx.AsyncClient(auth=Auth(pool), trust_env=False), asyncio.new_event_loop()

    def send(url):
        return loop.run_until_complete(client.get(url)).status_code
""",
    "requests": """
    import requests
    from keyshm.integrations.requests import Auth
    session = requests.Session()
    session.trust_env, session.auth = False, Auth(pool)

    def send(url):
        return session.get(url).status_code
""",
}


@pytest.mark.parametrize("client", SENDERS)
def test_nothing_is_left_of_requests(script, client):
    pytest.importorskip(client.partition(",")[0])
    provider = Provider()
    provider.answers["sk-refused-0000000000000000000"] = (429, {"Retry-After": "30"}, b"{}")
    try:
        script(CLIENT + SENDERS[client] + "\n    expect_nothing_left(work, 60)\n", provider.url, timeout=500)
    finally:
        provider.close()
    assert len(set(provider.keys)) == 2


MILLION = LEFT + """
    pool = keyshm.Pool.anonymous("test")
    pool.replace_keys([f"sk-test-{n:030d}" for n in range(10)])

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def work(turns):
        for _ in range(turns):
            pool.next_secret()
            with pool.lease() as key:
                key.rate_limited(0)

    work(20_000)
    memory = resident()
    assert max(left(work, 480_000).values()) < 500
    assert resident() - memory < 2_000_000, resident() - memory
"""


def test_a_million_picks_leave_nothing(script):
    script(MILLION, timeout=500)
