# SPDX-License-Identifier: MIT
"""The steps by which the class was specified, and what a pool makes of it."""

import json
import logging
import math
import os
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

import keyshm
from keyshm.integrations.blarify import APIKeyManager, KeyManagerConfig, KeyState, KeyStatistics, KeyStatus

NAMES = ["key-1", "key-2", "key-3"]


@pytest.fixture(autouse=True)
def no_keys_around(monkeypatch):
    for variable in list(os.environ):
        if "_API_KEY" in variable:
            monkeypatch.delenv(variable)


def manager_of(*keys, **arguments):
    manager = APIKeyManager("test", **arguments)
    for key in keys:
        assert manager.add_key(key)
    return manager


# ---- 1: the statuses ----


def test_statuses():
    assert {status.name: status.value for status in KeyStatus} == {
        "AVAILABLE": "available", "RATE_LIMITED": "rate_limited", "QUOTA_EXCEEDED": "quota_exceeded", "INVALID": "invalid"}


# ---- 2: a state by itself ----


def test_a_state_by_itself():
    state = KeyState(key="key-1", state=KeyStatus.AVAILABLE)
    assert (state.cooldown_until, state.last_used, state.error_count, state.metadata) == (None, None, 0, {})
    assert state == KeyState("key-1", KeyStatus.AVAILABLE) and state != KeyState("key-2", KeyStatus.AVAILABLE)
    assert "key-1" not in repr(state)


@pytest.mark.parametrize("status, seconds, expected", [
    (KeyStatus.AVAILABLE, None, True), (KeyStatus.AVAILABLE, 60, False), (KeyStatus.AVAILABLE, -60, True),
    (KeyStatus.RATE_LIMITED, None, False), (KeyStatus.QUOTA_EXCEEDED, None, False), (KeyStatus.INVALID, -60, False),
])
def test_whether_a_state_is_available(status, seconds, expected):
    until = None if seconds is None else datetime.now() + timedelta(seconds=seconds)
    assert KeyState("key-1", status, until).is_available() is expected


# ---- 3: keys come and go ----


def test_a_new_manager_has_no_key():
    manager = APIKeyManager("openai")
    assert manager.provider == "openai" and manager.keys == {} and len(manager.keys) == 0
    assert manager._key_order == [] and manager._current_index == 0
    assert manager.get_next_available_key() is None and manager.get_available_count() == 0


def test_keys_are_added_once():
    manager = manager_of(*NAMES)
    assert manager.add_key("key-2") is False
    assert list(manager.keys) == manager._key_order == NAMES and len(manager.keys) == 3
    assert "key-1" in manager.keys and "key-4" not in manager.keys and 7 not in manager.keys and "" not in manager.keys
    with pytest.raises(KeyError) as caught:
        manager.keys["sk-nobody-has-this-one"]
    assert "nobody" not in str(caught.value) and manager.keys.get("key-4") is None
    state = manager.keys["key-1"]
    assert isinstance(state, KeyState) and (state.key, state.state) == ("key-1", KeyStatus.AVAILABLE)


def test_keys_are_removed():
    manager = manager_of(*NAMES)
    manager.keys["key-2"].metadata["seen"] = 1
    assert manager.remove_key("key-2") is True and manager.remove_key("key-2") is False
    assert list(manager.keys) == ["key-1", "key-3"]
    assert [manager.get_next_available_key() for _ in range(3)].count("key-2") == 0
    assert manager.add_key("key-2") and manager.keys["key-2"].metadata == {}


@pytest.mark.parametrize("provider, key, good", [
    ("openai", "sk-proj-0123456789abcdef0123", True), ("openai", "pk-proj-0123456789abcdef0123", False), ("openai", "sk-short", False),
    ("anthropic", "sk-ant-0123456789abcdef0123", True), ("Anthropic", "sk-0123456789abcdef01234567", False),
    ("google", "AIzaSy0123456789abcdef0123", True), ("google", "AIza", False), ("other", "x", True), ("other", "", False),
])
def test_what_looks_like_a_key(provider, key, good):
    manager = APIKeyManager(provider)
    assert manager.add_key(key) is good and len(manager.keys) == good
    if key and not good:
        assert manager.add_key(key, validate=False) is True
        assert APIKeyManager(provider, KeyManagerConfig(validate_keys=False)).add_key(key) is True


def test_keys_of_the_environment(monkeypatch):
    for number, variable in enumerate(["OPENAI_API_KEY", "OPENAI_API_KEY_1", "OPENAI_API_KEY_2"]):
        monkeypatch.setenv(variable, f"sk-of-the-environment-{number}")
    assert list(APIKeyManager("openai").keys) == [f"sk-of-the-environment-{number}" for number in range(3)]
    config = KeyManagerConfig()
    manager = APIKeyManager("openai", config, auto_discover=False)
    assert len(manager.keys) == 0 and config.auto_discover
    assert manager.refresh_keys() == 3 and manager.refresh_keys() == 0


# ---- 4: round robin ----


def test_keys_take_turns():
    manager = manager_of(*NAMES)
    assert [manager.get_next_available_key() for _ in range(4)] == [*NAMES, "key-1"]
    assert manager._current_index == 1
    assert manager.keys["key-3"].last_used <= manager.keys["key-1"].last_used <= datetime.now()


def test_what_is_not_available_is_passed_over():
    manager = manager_of(*NAMES)
    manager.keys["key-2"].state = KeyStatus.RATE_LIMITED
    assert [manager.get_next_available_key() for _ in range(3)] == ["key-1", "key-3", "key-1"]
    assert manager.keys["key-2"].last_used is None


def test_when_all_are_exhausted():
    manager = manager_of(*NAMES)
    for key in NAMES:
        manager.mark_rate_limited(key, 60)
    assert manager.get_next_available_key() is None


@pytest.mark.parametrize("arguments", [{"when_exhausted": "soonest"}, {"config": KeyManagerConfig(when_exhausted="soonest")}])
def test_the_soonest_when_all_are_exhausted(arguments):
    manager = manager_of(*NAMES, **arguments)
    for key, seconds in zip(NAMES, (60, 20, 40)):
        manager.mark_rate_limited(key, seconds)
    assert manager.get_next_available_key() == "key-2"
    manager.mark_invalid("key-2")
    assert manager.get_next_available_key() == "key-3"
    for key in NAMES:
        manager.mark_invalid(key)
    assert manager.get_next_available_key() is None
    assert manager.pool.leases() == []


def test_what_when_exhausted_can_be():
    with pytest.raises(ValueError, match="when_exhausted"):
        APIKeyManager("test", when_exhausted="never")


# ---- 5: marks ----


def test_rate_limited_for_a_time():
    manager = manager_of(*NAMES)
    manager.mark_rate_limited("key-1", retry_after=30)
    state = manager.keys["key-1"]
    assert state.state is KeyStatus.RATE_LIMITED and not state.is_available()
    until = state.cooldown_until
    assert 29 <= (until - datetime.now()).total_seconds() <= 30.05
    time.sleep(0.01)
    assert state.cooldown_until == until, "it changes with each reading"


def test_rate_limited_without_a_time():
    manager = manager_of(*NAMES)
    manager.mark_rate_limited("key-1")
    assert manager.keys["key-1"].state is KeyStatus.RATE_LIMITED and manager.keys["key-1"].cooldown_until is None
    assert manager.pool.inspect("key-1").cooldown == math.inf


def test_rate_limited_for_the_default_time():
    manager = manager_of(*NAMES, config=KeyManagerConfig(default_cooldown_seconds=20))
    manager.mark_rate_limited("key-1")
    manager.mark_rate_limited("key-2", 50)
    assert [round(manager.pool.inspect(key).cooldown / 10) for key in NAMES] == [2, 5, 0]


def test_invalid_and_quota_and_available():
    manager = manager_of(*NAMES)
    manager.mark_invalid("key-1")
    manager.mark_quota_exceeded("key-2")
    assert manager.keys["key-1"].state is KeyStatus.INVALID and manager.keys["key-1"].error_count == 1
    assert manager.keys["key-2"].state is KeyStatus.QUOTA_EXCEEDED and manager.keys["key-2"].error_count == 0
    assert [manager.is_key_available(key) for key in [*NAMES, "key-4"]] == [False, False, True, False]
    manager.mark_available("key-1")
    assert manager.keys["key-1"].state is KeyStatus.AVAILABLE


def test_marks_of_a_key_that_is_not_there():
    manager = manager_of()
    manager.mark_rate_limited("nobody")
    manager.mark_rate_limited("nobody", 5)
    manager.mark_invalid("nobody")
    manager.mark_quota_exceeded("nobody")
    manager.mark_available("nobody")
    assert len(manager.keys) == 0


# ---- 6: cooldowns end ----


def test_a_cooldown_ends_by_itself():
    manager = manager_of("key-1")
    manager.mark_rate_limited("key-1", 0.1)
    assert manager.get_next_available_key() is None and manager.keys["key-1"].cooldown_until is not None
    time.sleep(0.25)
    assert manager.keys["key-1"].state is KeyStatus.AVAILABLE and manager.keys["key-1"].cooldown_until is None
    assert manager.get_next_available_key() == "key-1"


def test_reset_expired_cooldowns():
    manager = manager_of(*NAMES)
    manager.mark_rate_limited("key-1", 0.05)
    manager.mark_rate_limited("key-2", 60)
    time.sleep(0.15)
    before = manager.pool.events()
    manager.reset_expired_cooldowns()
    assert [event.kind for event in manager.pool.events(before)] == ["expired"]
    assert manager.keys["key-2"].state is KeyStatus.RATE_LIMITED


def test_an_assigned_end_comes_back():
    manager = manager_of(*NAMES)
    past, future = datetime.now() - timedelta(seconds=10), datetime.now() + timedelta(seconds=60, microseconds=123)
    for key, date in (("key-1", past), ("key-2", future)):
        manager.keys[key].state = KeyStatus.RATE_LIMITED
        manager.keys[key].cooldown_until = date
    assert manager.keys["key-1"].state is KeyStatus.AVAILABLE and manager.keys["key-1"].cooldown_until is None
    assert manager.keys["key-2"].state is KeyStatus.RATE_LIMITED and manager.keys["key-2"].cooldown_until == future
    assert 59 <= manager.pool.inspect("key-2").cooldown <= 60.05
    manager.mark_rate_limited("key-2", 300)
    assert manager.keys["key-2"].cooldown_until > future + timedelta(seconds=200)


def test_an_assigned_end_is_as_long_as_it_says():
    manager = manager_of("key-1")
    date = datetime.now() + timedelta(days=40)
    manager.keys["key-1"].cooldown_until = date
    assert manager.keys["key-1"].cooldown_until == date and manager.pool.inspect("key-1").cooldown > 39 * 86400
    zoned = datetime.now(timezone.utc) + timedelta(seconds=90)
    manager.keys["key-1"].cooldown_until = zoned
    assert manager.keys["key-1"].cooldown_until == zoned and 89 < manager.pool.inspect("key-1").cooldown <= 90.05


def test_an_assigned_end_is_forgotten_when_the_pool_has_another():
    manager = manager_of("key-1")
    state = manager.keys["key-1"]
    state.cooldown_until = datetime.now() + timedelta(seconds=60)
    manager.pool.available("key-1")
    manager.mark_rate_limited("key-1", 10)
    assert state.cooldown_until < datetime.now() + timedelta(seconds=11)
    state.state = KeyStatus.INVALID
    state.cooldown_until = datetime.now() + timedelta(seconds=60)
    manager.pool.available("key-1")
    manager.mark_rate_limited("key-1")
    assert state.cooldown_until is None


def test_the_order_of_assignments_does_not_matter():
    manager = manager_of("key-1")
    date = datetime.now() + timedelta(seconds=77)
    manager.keys["key-1"].cooldown_until = date
    assert manager.keys["key-1"].state is KeyStatus.RATE_LIMITED
    manager.keys["key-1"].state = KeyStatus.QUOTA_EXCEEDED
    assert manager.keys["key-1"].state is KeyStatus.QUOTA_EXCEEDED and manager.keys["key-1"].cooldown_until == date
    manager.keys["key-1"].cooldown_until = None
    assert manager.pool.inspect("key-1").cooldown == math.inf and manager.keys["key-1"].cooldown_until is None


def test_an_assignment_can_go_down():
    manager = manager_of("key-1")
    state = manager.keys["key-1"]
    for status in (KeyStatus.INVALID, KeyStatus.QUOTA_EXCEEDED, KeyStatus.RATE_LIMITED, KeyStatus.AVAILABLE):
        state.state = status
        assert state.state is status and state.is_available() is (status is KeyStatus.AVAILABLE)
    state.state = KeyStatus.INVALID
    date = datetime.now() + timedelta(seconds=5)
    state.cooldown_until = date
    assert state.state is KeyStatus.INVALID and state.cooldown_until == date
    with pytest.raises(ValueError):
        state.state = "splendid"
    assert state.state is KeyStatus.INVALID


# ---- 7: inspection ----


def test_all_states():
    manager = manager_of(*NAMES)
    manager.mark_invalid("key-1")
    states = manager.get_key_states()
    assert type(states) is dict and list(states) == NAMES
    assert [states[key].state.value for key in NAMES] == ["invalid", "available", "available"]
    manager.mark_quota_exceeded("key-2")
    assert states["key-2"].state is KeyStatus.QUOTA_EXCEEDED, "they are live"
    assert "key-2" not in repr(states["key-2"])


def test_counts():
    manager = manager_of(*NAMES)
    for number, mark in enumerate((manager.mark_invalid, manager.mark_rate_limited, manager.mark_quota_exceeded)):
        assert manager.get_available_count() == 3 - number
        mark(NAMES[number])
    assert manager.get_available_count() == 0
    manager.keys["key-1"].metadata.update(request_count=5, success_count=3, failure_count=2)
    manager.keys["key-3"].metadata["request_count"] = 1
    assert manager.get_statistics() == KeyStatistics(3, 0, 1, 1, 1, 6, 3, 2)


def test_metadata_is_a_dict_of_this_process():
    manager = manager_of(*NAMES)
    metadata = manager.keys["key-1"].metadata
    metadata["count"] = metadata.get("count", 0) + 1
    metadata["of any type"] = [1, {}]
    assert manager.keys["key-1"].metadata == {"count": 1, "of any type": [1, {}]} and manager.keys["key-2"].metadata == {}
    manager.keys["key-1"].metadata = {"new": 1}
    assert manager.keys["key-1"].metadata == {"new": 1}
    assert manager.pool.inspect("key-1").metadata == {}


def test_a_state_is_taken_over():
    first, second = manager_of(*NAMES, "key-4"), manager_of(*NAMES)
    end = datetime.now() + timedelta(hours=1)
    first.mark_invalid(NAMES[0])
    first.keys[NAMES[1]].state = KeyStatus.RATE_LIMITED
    first.keys[NAMES[1]].cooldown_until = end
    first.mark_quota_exceeded("key-4")
    first.keys[NAMES[2]].metadata["request_count"] = 7
    second.mark_invalid(NAMES[2])
    kept = json.loads(json.dumps(first.export_state()))
    assert kept["provider"] == first.provider and kept["keys"][NAMES[0]]["error_count"] == 1
    second.import_state(kept)
    assert [state.state for state in second.keys.values()] == [KeyStatus.INVALID, KeyStatus.RATE_LIMITED, KeyStatus.AVAILABLE]
    assert second.keys[NAMES[1]].cooldown_until == end
    assert second.keys[NAMES[2]].metadata == {"request_count": 7} and "key-4" not in second.keys


@pytest.mark.parametrize("wrong", [{}, {"state": "asleep"}, {"state": "available", "cooldown_until": "soon"}, "available"])
def test_a_state_that_is_none_changes_nothing(wrong):
    manager = manager_of(*NAMES[:2])
    with pytest.raises(ValueError, match="key 1 ") as raised:
        manager.import_state({"keys": {NAMES[0]: {"state": "invalid"}, NAMES[1]: wrong}})
    assert manager.get_available_count() == 2 and NAMES[1] not in str(raised.value)


def test_invalid_keys_are_cleaned_up():
    manager = manager_of(*NAMES, config=KeyManagerConfig(max_error_count=2))
    manager.mark_invalid("key-1")
    manager.mark_invalid("key-1")
    manager.mark_invalid("key-2")
    assert manager.cleanup_invalid_keys() == 1
    assert list(manager.keys) == ["key-2", "key-3"]


# ---- 8: threads ----


def in_threads(count, function):
    threads = [threading.Thread(target=function, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_pick_evenly():
    names = [f"key-{number}" for number in range(5)]
    manager = manager_of(*names)
    picked = [[] for _ in range(10)]
    in_threads(10, lambda number: picked[number].extend(manager.get_next_available_key() for _ in range(100)))
    everything = sum(picked, [])
    assert len(everything) == 1000 and set(everything) == set(names)
    # No two counts differ by more than there are threads.
    counts = [everything.count(name) for name in names]
    assert max(counts) - min(counts) <= 10


def test_threads_mark_and_assign():
    names = [f"key-{number}" for number in range(10)]
    manager = manager_of(*names)

    def work(number):
        for turn in range(50):
            key = names[(number + turn) % 10]
            (manager.mark_invalid, manager.mark_quota_exceeded, manager.mark_rate_limited)[turn % 3](key)
            manager.keys[key].state = KeyStatus.AVAILABLE
            manager.keys[key].cooldown_until = datetime.now() + timedelta(seconds=60)
            assert manager.keys[key].state in KeyStatus

    in_threads(5, work)
    assert sorted(manager.keys) == names
    assert manager.pool.verify() == []


def test_threads_add_and_pick():
    manager = manager_of()

    def work(number):
        for turn in range(50):
            assert manager.add_key(f"key-{number}-{turn}")
            assert manager.get_next_available_key() is not None

    in_threads(3, work)
    assert len(manager.keys) == 150 == len(set(manager._key_order))


# ---- 9: logging ----


def test_the_log_has_no_key(caplog):
    secrets = ["sk-secret-0123456789abcdef-Alpha", "sk-secret-0123456789abcdef-Gamma"]
    caplog.set_level(logging.DEBUG)
    manager = APIKeyManager("openai", when_exhausted="soonest")
    for secret in secrets:
        assert manager.add_key(secret)
    manager.add_key("not-one-0123456789abcdef")
    manager.mark_rate_limited(secrets[0], 30)
    manager.mark_rate_limited(secrets[0], 30)  # what does not change anything is not logged
    manager.get_next_available_key()
    manager.mark_quota_exceeded(secrets[1])
    manager.get_next_available_key()
    manager.mark_invalid(secrets[0])
    manager.get_next_available_key()
    manager.mark_available(secrets[0])
    manager.remove_key(secrets[0])
    ours = [record for record in caplog.records if record.name == "keyshm.integrations.blarify"]
    assert [record.levelname for record in ours] == [
        "DEBUG", "DEBUG", "WARNING", "DEBUG", "WARNING", "WARNING", "WARNING", "WARNING", "DEBUG", "DEBUG"]
    assert "openai" in ours[0].getMessage() and "rate_limited" in ours[3].getMessage()
    for part in ("0123456789", "secret", "not-one"):
        assert part not in caplog.text


# ---- 10: the cost ----


def test_ten_thousand_picks_are_cheap(capsys):
    """100 ms in the specification. Written down rather than asserted: no test depends on how fast the machine is."""
    manager = manager_of(*(f"key-{number}" for number in range(100)))
    start = time.process_time()
    picked = [manager.get_next_available_key() for _ in range(10000)]
    spent = time.process_time() - start
    with capsys.disabled():
        print(f"\n10,000 picks of 100 keys: {spent * 1e3:.1f} ms of CPU time")
    assert len(picked) == 10000 and {picked.count(name) for name in set(picked)} == {100}


# ---- a pool of the machine ----


def test_managers_of_a_name_share_keys_and_marks(named):
    one, other = APIKeyManager("openai", pool=named), APIKeyManager("openai", KeyManagerConfig(pool=named))
    assert one.add_key("key-1", validate=False) and other.add_key("key-2", validate=False)
    assert list(one.keys) == list(other.keys) == ["key-1", "key-2"]
    one.mark_rate_limited("key-1", 60)
    assert other.keys["key-1"].state is KeyStatus.RATE_LIMITED
    assert other.get_next_available_key() == "key-2"
    one.keys["key-1"].metadata["mine"] = 1
    assert other.keys["key-1"].metadata == {}
    date = datetime.now() + timedelta(seconds=30)
    one.keys["key-1"].cooldown_until = date
    assert one.keys["key-1"].cooldown_until == date
    assert abs((other.keys["key-1"].cooldown_until - date).total_seconds()) < 1
    other.keys["key-1"].state = KeyStatus.AVAILABLE
    assert one.keys["key-1"].cooldown_until is None


def test_managers_without_a_name_share_nothing():
    one, other = manager_of("key-1"), manager_of()
    assert len(one.keys) == 1 and len(other.keys) == 0


@pytest.mark.parametrize("provider", ["a provider / with (signs)", "...", "é", "x" * 100, ""])
def test_any_provider_name(provider):
    assert APIKeyManager(provider).provider == provider


def test_a_pool_that_is_there(pool):
    manager = APIKeyManager("test", pool=pool)
    assert manager.pool is pool and len(manager.keys) == 4


def test_children_share_the_pool(in_child):
    manager = manager_of(*NAMES)
    assert in_child(lambda: (manager.mark_invalid("key-1"), manager.keys["key-2"].metadata.update(x=1))) == 0
    assert manager.keys["key-1"].state is KeyStatus.INVALID and manager.keys["key-2"].metadata == {}


def test_it_is_shown_without_a_key():
    manager = manager_of("sk-secret-0123456789abcdef-Alpha")
    for shown in (repr(manager), repr(manager.keys), repr(manager.keys["sk-secret-0123456789abcdef-Alpha"])):
        assert "0123456789" not in shown
