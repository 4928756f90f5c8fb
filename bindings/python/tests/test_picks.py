# SPDX-License-Identifier: MIT
import copy
import pickle
import threading
from collections import Counter

import pytest

import keyshm


def test_keys_come_in_turn(pool, keys):
    assert [pool.next().secret for _ in range(8)] == keys * 2
    assert [pool.next_secret() for _ in range(4)] == keys


def test_a_key_is_masked_wherever_it_is_shown(pool, keys):
    key = pool.next()
    shown = [str(key), repr(key), f"{key}", "%s %r" % (key, key), key.masked, repr([key]), repr(pool)]
    assert not any(keys[0][8:-4] in text for text in shown)
    assert key.masked == "sk-…0001" and str(key) == key.masked
    with pool.lease() as lease:
        assert keys[1][8:-4] not in repr(lease) and "Lease" in repr(lease)
    assert not hasattr(key, "__dict__")


def test_a_key_is_not_pickled(pool):
    for thing in (pool, pool.next()):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
        with pytest.raises(TypeError):
            copy.copy(thing)


def test_keys_are_equal_if_they_are_one(pool):
    first, second = pool.next(), pool.next()
    again = pool.get(first)
    assert first == again and hash(first) == hash(again) and first != second and first != first.id
    assert len({first, second, again}) == 2


def test_a_removed_key_is_masked_entirely(pool):
    key = pool.next()
    pool.remove(key)
    assert str(key) == "…"
    pool.close()
    assert str(key) == "…" and key.secret.startswith("sk-test")


def test_the_secret_is_wiped_with_the_key(script):
    """In a process of its own: a checking allocator, as these tests have, wipes what is freed itself."""
    script(
        """
        import ctypes, keyshm
        pool = keyshm.Pool.anonymous("test")
        pool.add("sk-test-of-one-key-0000000000")
        for make in (pool.next, pool.lease):
            key = make()
            if make == pool.lease:
                key.release()
            address, size = id(key), key.__sizeof__()
            assert b"sk-test-" in ctypes.string_at(address, size)
            del key
            assert b"sk-test-" not in ctypes.string_at(address, size)
        """,
        environment={"PYTHONMALLOC": "pymalloc"},
    )


def test_none_is_available(pool):
    assert pool.next_available_in() == 0
    for state in pool.states():
        pool.rate_limited(state.id, 30)
    for pick in (pool.next, pool.next_secret, pool.lease):
        with pytest.raises(keyshm.Exhausted) as caught:
            pick()
        assert 0 < caught.value.retry_in <= 30.05
    assert 0 < pool.next_available_in() <= 30.05
    for state in pool.states():
        pool.invalid(state.id)
    with pytest.raises(keyshm.Exhausted) as caught:
        pool.next()
    assert caught.value.retry_in is None and pool.next_available_in() is None


def test_an_empty_pool(pool):
    pool.replace_keys([])
    for pick in (pool.next, pool.next_secret, pool.lease):
        with pytest.raises(keyshm.Empty):
            pick()


def test_keys_that_are_not_ascii(pool):
    odd = ["clé-" + "é" * 20, b"\xff\xfe-not-utf-8-bytes-at-all".decode("utf-8", "surrogateescape")]
    pool.replace_keys(odd)
    assert [pool.next_secret() for _ in odd] == odd
    assert pool.find(odd[1]) == pool.find(b"\xff\xfe-not-utf-8-bytes-at-all") == pool.states()[1].id


def test_the_longest_key():
    with keyshm.Pool.anonymous("test", capacity=4, key_max=4096) as pool:
        pool.add("k" * 4096)
        assert pool.next_secret() == pool.next().secret == "k" * 4096


def test_ten_threads_share_evenly(pool, keys):
    taken = []

    def work():
        mine = [pool.next_secret() for _ in range(100)]
        taken.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(taken)
    assert sum(counts.values()) == 1000 and max(counts.values()) - min(counts.values()) <= 1


def test_a_closed_pool(pool):
    key = pool.next()
    pool.close()
    pool.close()
    assert pool.closed
    for call in (pool.next, pool.states, key.success, pool.lease, lambda: pool.policy, pool.__enter__, key.rate_limited):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_pools_are_made_by_functions_only():
    for kind in (keyshm.Pool, keyshm.Key, keyshm.Lease):
        with pytest.raises(TypeError):
            kind()
    with pytest.raises(TypeError):
        type("Mine", (keyshm.Pool,), {})
