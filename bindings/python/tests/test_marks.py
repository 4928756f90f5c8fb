# SPDX-License-Identifier: MIT
import datetime
import math

import pytest

import keyshm


def state_of(pool, key):
    return pool.inspect(key)


def test_a_mark_by_key_id_and_secret(pool, keys):
    first, second, third, _ = (pool.next() for _ in range(4))
    first.rate_limited(100)
    pool.rate_limited(second.id, 200)
    pool.rate_limited(third.secret, retry_after=300)
    cooldowns = [state.cooldown for state in pool.states()]
    assert [round(cooldown / 100) for cooldown in cooldowns] == [1, 2, 3, 0]
    assert [state.status for state in pool.states()] == ["rate_limited"] * 3 + ["available"]


@pytest.mark.parametrize("given, least, most", [
    (2, 1.001, 2.0), (2.0004, 1.001, 2.001), (datetime.timedelta(minutes=1), 59, 60), (None, 59, 60), (math.inf, math.inf, math.inf),
    (keyshm.UNTIL_MARKED, math.inf, math.inf), (10**9, 86399, 86400), (1e300, 86399, 86400),
])
def test_durations(pool, given, least, most):
    key = pool.next()
    key.rate_limited(given)
    # A cooldown never ends before its time, so it may be a tick longer.
    assert least <= state_of(pool, key).cooldown <= most + 0.05


def test_a_duration_is_rounded_up(pool):
    """To milliseconds: what is less than one is not nothing."""
    before = pool.events()
    pool.next().rate_limited(0.0001)
    assert [event.kind for event in pool.events(after=before)] == ["marked"]


@pytest.mark.parametrize("given", [0, -1, -1e300, datetime.timedelta(seconds=-5), -math.inf])
def test_what_is_over_changes_nothing(pool, given):
    key = pool.next()
    key.rate_limited(given)
    assert state_of(pool, key).is_available and state_of(pool, key).marked["rate_limited"] == 1


@pytest.mark.parametrize("given, error", [("5", TypeError), (math.nan, ValueError), (b"5", TypeError), ([], TypeError)])
def test_what_is_no_duration(pool, given, error):
    key = pool.next()
    with pytest.raises(error):
        key.rate_limited(given)
    assert state_of(pool, key).marked["rate_limited"] == 0


def test_quota_invalid_and_available(pool):
    key = pool.next()
    key.quota_exceeded()
    assert state_of(pool, key).status == "quota_exceeded" and state_of(pool, key).cooldown == math.inf
    key.invalid()
    assert state_of(pool, key).status == "invalid" and state_of(pool, key).reason == "authentication"
    pool.available(key.id)
    assert state_of(pool, key).status == "available"
    key.quota_exceeded(reset=datetime.timedelta(hours=1))
    assert 3599 <= state_of(pool, key).cooldown <= 3600.05


def test_a_key_carries_its_stamp(pool):
    """What was picked before a mark cannot lift it; who does not say what it picked can."""
    before = pool.next()
    assert before.stamp != 0
    pool.rate_limited(before.id, 30)
    before.available()
    pool.available(before)
    assert state_of(pool, before).status == "rate_limited"
    pool.available(before.secret)
    assert state_of(pool, before).status == "available"


def test_marks_of_one_cause_count_once(pool):
    """By the stamp: two requests of one pick time that are refused are one failure."""
    pool.set_policy(cooldown=10, cooldown_growth_percent=200)
    one, same = pool.get(pool.states()[0].id), pool.get(pool.states()[0].id)
    one.rate_limited()
    same.rate_limited()
    assert state_of(pool, one).streak == 1
    pool.available(one.id)
    again = pool.get(one.id)
    again.rate_limited()
    assert state_of(pool, one).streak == 1


def test_success_ends_a_streak(pool):
    key = pool.next()
    pool.set_policy(cooldown=0.05, invalid_after=3)
    key.invalid()
    assert state_of(pool, key).streak == 1
    later = pool.get(key.id)
    later.success()
    assert state_of(pool, key).streak == 0
    pool.success(key.secret)
    pool.success(key.id)


def test_a_group_is_marked_as_one(pool, keys):
    account = pool.group("account")
    for key in keys[:2]:
        pool.set_group(key, "account")
    pool.get(keys[0]).rate_limited(60, scope="group")
    assert [state.benched_by for state in pool.states()] == [("group",)] * 2 + [()] * 2
    pool.available(account)
    assert pool.available_count() == 4
    pool.quota_exceeded(account)
    assert pool.available_count() == 2
    assert pool.groups()[0].name == "account" and pool.groups()[0].keys == 2
    assert pool.groups()[0].state.status == "quota_exceeded"


def test_a_lease_for_a_model_is_rate_limited_for_it(pool):
    with pool.lease(model="large") as key:
        assert key.model == "large"
        key.rate_limited(60)
    assert pool.available_count("large") == 3 and pool.available_count() == 4
    assert [state.benched_by for state in pool.states("large")] == [("key_model",), (), (), ()]
    with pool.lease(model="large") as key:
        key.rate_limited(60, model=0)
    assert pool.available_count() == 3
    with pool.lease(model="large") as key:
        key.invalid()
    assert pool.available_count() == 2
    assert pool.models() == ["large"]


def test_pause_and_resume(pool):
    key = pool.next()
    pool.pause(key)
    assert state_of(pool, key).benched_by == ("pause",) and state_of(pool, key).is_paused
    pool.resume(key.id)
    assert state_of(pool, key).is_available


def test_all_available(pool):
    for state, mark in zip(pool.states(), (pool.rate_limited, pool.quota_exceeded, pool.invalid)):
        mark(state.id)
    assert pool.mark_all_available() == 2
    assert pool.available_count() == 3
    assert pool.mark_all_available(["invalid"]) == 1
    with pytest.raises(ValueError, match="status"):
        pool.mark_all_available(["good"])
    with pytest.raises(keyshm.InvalidArgument):
        pool.mark_all_available([])


def test_reasons_and_scopes(pool):
    key = pool.next()
    key.rate_limited(5, reason="overloaded")
    assert state_of(pool, key).reason == "overloaded"
    with pytest.raises(ValueError, match="reason"):
        key.rate_limited(5, reason="boredom")
    with pytest.raises(ValueError, match="scope"):
        key.rate_limited(5, scope="planet")


def test_what_is_no_key(pool):
    with pytest.raises(keyshm.Stale):
        pool.rate_limited(12345)
    with pytest.raises(keyshm.NotFound):
        pool.rate_limited("sk-of-nobody-at-all-000000")
    for wrong in (None, 1.5, True, [], object()):
        with pytest.raises(TypeError):
            pool.rate_limited(wrong)
    for wrong in (-1, 2**64):
        with pytest.raises(ValueError):
            pool.rate_limited(wrong)
    with pytest.raises(ValueError, match="NUL"):
        pool.find("sk-with\0nul")


def test_a_key_of_another_pool_is_found_by_its_secret(pool, keys):
    with keyshm.Pool.anonymous("other") as other:
        other.replace_keys(["sk-only-in-the-other-0000000", keys[2]])
        other.next()
        shared = other.next()
        pool.rate_limited(shared, 50)
        assert [state.status for state in pool.states()].index("rate_limited") == 2
        stranger = other.get("sk-only-in-the-other-0000000")
        with pytest.raises(keyshm.NotFound):
            pool.rate_limited(stranger)


def test_a_removed_key_is_stale(pool):
    key = pool.next()
    pool.remove(key)
    for call in (key.rate_limited, key.invalid, key.available, key.success, lambda: pool.get(key.id)):
        with pytest.raises(keyshm.Stale):
            call()


def test_arguments_that_do_not_fit(pool):
    key = pool.next()
    with pytest.raises(TypeError, match="unexpected"):
        key.rate_limited(after=5)
    with pytest.raises(TypeError, match="positional"):
        key.rate_limited(1, 2)
    with pytest.raises(TypeError, match="multiple"):
        pool.rate_limited(key, 5, retry_after=5)
    with pytest.raises(TypeError, match="missing"):
        pool.rate_limited(retry_after=5)
