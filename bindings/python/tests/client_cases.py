# SPDX-License-Identifier: MIT
"""What holds for the integration of every HTTP client. A client is a function (auth, url, body, **) that sends a POST and returns
(status, body). Its test file imports these cases and gives the fixtures `send` and `auth_type`."""

import json
import threading

import pytest

import keyshm
from provider import QUOTA, Provider

SECRETS = [f"sk-client-{number:030d}" for number in range(10)]


@pytest.fixture
def pool():
    with keyshm.Pool.anonymous("openai", capacity=16) as made:
        made.replace_keys(SECRETS)
        yield made
        assert made.leases() == [] and made.verify() == []


class Short(bytes):
    """A body that is said to be longer than it is."""

    def __len__(self):
        return super().__len__() + 100


LIMITED = (429, {"Retry-After": "30"}, b"{}")


def statuses(pool):
    return [state.status for state in pool.states()]


def test_each_request_gets_the_next_key(send, auth_type, pool, provider):
    auth = auth_type(pool)
    assert [send(auth, provider.url, b"question") for _ in range(20)] == [(200, b"question")] * 20
    assert provider.keys == SECRETS * 2


def test_seven_bad_keys(send, auth_type, pool, provider):
    provider.answers.update({secret: LIMITED for secret in SECRETS[:4]})
    provider.answers[SECRETS[4]] = (429, {}, QUOTA)
    provider.answers[SECRETS[5]] = (401, {}, b'{"error": {"code": "invalid_api_key"}}')
    provider.answers[SECRETS[6]] = (402, {}, b"{}")
    assert send(auth_type(pool, tries=10), provider.url, b"a body") == (200, b"a body")
    assert provider.keys == SECRETS[:8] and {body for _, _, body in provider.asked} == {b"a body"}
    assert statuses(pool) == ["rate_limited"] * 4 + ["quota_exceeded", "invalid", "quota_exceeded"] + ["available"] * 3
    assert 29 <= pool.inspect(SECRETS[0]).cooldown <= 30.05


def test_so_many_tries(send, auth_type, pool, provider):
    provider.answers.update({secret: LIMITED for secret in SECRETS})
    assert send(auth_type(pool), provider.url, b"")[0] == 429
    assert len(provider.asked) == 3
    assert send(auth_type(pool, tries=1), provider.url, b"")[0] == 429
    assert len(provider.asked) == 4 == statuses(pool).count("rate_limited")
    with pytest.raises(ValueError, match="tries"):
        auth_type(pool, tries=0)


def test_the_last_answer_if_there_is_no_other_key(send, auth_type, pool, provider):
    for secret in SECRETS[2:]:
        pool.invalid(secret)
    provider.answers.update({secret: (429, {"Retry-After": "30"}, b"slow down") for secret in SECRETS})
    assert send(auth_type(pool, tries=10), provider.url, b"") == (429, b"slow down")
    assert provider.keys == SECRETS[:2]
    with pytest.raises(keyshm.Exhausted):
        send(auth_type(pool), provider.url, b"")
    assert len(provider.asked) == 2


DENIED = (403, {}, json.dumps({"error": {"code": "insufficient_permissions", "message": "You have insufficient permissions for this operation."}}).encode())


def test_no_key_is_asked_twice(send, auth_type, pool, provider):
    """A refused permission marks no key, so nothing keeps it away."""
    provider.answers.update({secret: DENIED for secret in SECRETS})
    assert send(auth_type(pool, tries=10), provider.url, b"")[0] == 403
    assert sorted(provider.keys) == sorted(SECRETS) and set(statuses(pool)) == {"available"}


def test_a_key_that_was_refused_is_passed_over(send, auth_type, pool, provider):
    """By its value, a request would get the same key again and again."""
    provider.answers.update({secret: DENIED for secret in SECRETS[1:]})
    for value in range(8):
        assert send(auth_type(pool, tries=10, affinity=f"session {value}"), provider.url, b"")[0] == 200
    assert any(key != SECRETS[0] for key in provider.keys)


def test_the_first_key_can_be_waited_for(send, auth_type, pool, provider):
    for secret in SECRETS:
        pool.rate_limited(secret, 0.2)
    assert send(auth_type(pool, wait=20), provider.url, b"")[0] == 200


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_what_another_key_cannot_mend(send, auth_type, pool, provider, status):
    provider.answers.update({secret: (status, {}, b"no") for secret in SECRETS})
    assert send(auth_type(pool), provider.url, b"") == (status, b"no")
    assert len(provider.asked) == 1 and set(statuses(pool)) == {"available"}


def test_a_body_that_is_used_up_is_not_sent_again(send, auth_type, pool, provider):
    provider.answers[SECRETS[0]] = LIMITED
    assert send(auth_type(pool), provider.url, [b"in ", b"pieces"])[0] == 429
    assert statuses(pool)[:2] == ["rate_limited", "available"] and len(provider.asked) == 1
    assert send(auth_type(pool), provider.url, [b"in ", b"pieces"]) == (200, b"in pieces")


def test_another_header(send, auth_type, pool, provider):
    provider.answers[SECRETS[0]] = LIMITED
    assert send(auth_type(pool, header="x-api-key", scheme=None), provider.url, b"")[0] == 200
    assert provider.keys == SECRETS[:2]


def test_the_lease_is_as_the_request_says(send, auth_type, pool, provider):
    provider.answers[SECRETS[0]] = LIMITED
    auth = auth_type(pool, model=lambda request: request.headers["x-model"], tokens=lambda request: 5, affinity="one")
    pool.set_limits(tokens=keyshm.Rate(60, 60, 10), model="large")
    for _ in range(2):
        assert send(auth, provider.url, b"", {"x-model": "large"})[0] == 200
    assert pool.models() == ["large"]
    assert len(set(provider.keys) - {SECRETS[0]}) == 1, "affinity"
    assert len([state for state in pool.states("large") if state.tokens_left < state.tokens_burst]) >= 1


def test_a_place_is_taken_while_it_lasts(send, auth_type, pool, provider):
    pool.set_limits(in_flight=1)
    seen = []
    provider.answers = type("Answers", (), {"get": lambda self, key, default: seen.append(len(pool.leases())) or default})()
    for _ in range(3):
        assert send(auth_type(pool), provider.url, b"")[0] == 200
    assert seen == [1, 1, 1]


def test_what_ends_without_an_answer_gives_the_place_back(send, auth_type, pool, provider):
    pool.set_limits(in_flight=1)
    for _ in range(12):  # more than there are places
        try:
            send(auth_type(pool), provider.url + "broken", b"")
        except keyshm.Error:
            raise
        except Exception:
            continue
        pytest.fail("there was an answer")
    # The frames of an exception can keep the last one until this thread makes another request.
    assert set(statuses(pool)) == {"available"} and len(pool.leases()) <= 1
    assert send(auth_type(pool), provider.url, b"")[0] == 200
    assert pool.leases() == []


def test_a_redirect_to_another_host_says_nothing_of_the_key(send, auth_type, pool, provider):
    other = Provider()
    other.answers[""] = (401, {}, b"who are you")
    try:
        assert send(auth_type(pool), f"{provider.url}moved/{other.address.replace('127.0.0.1', 'localhost')}", b"")[0] == 401
    finally:
        other.close()
    assert other.keys == [""] and len(provider.keys) == 1
    assert set(statuses(pool)) == {"available"}


def test_a_redirect_to_the_same_host_is_followed_with_the_key(send, auth_type, pool, provider):
    provider.answers[SECRETS[0]] = LIMITED
    assert send(auth_type(pool), f"{provider.url}moved/{provider.address}", b"")[0] == 200
    assert statuses(pool)[:2] == ["rate_limited", "available"]


def test_threads(send, auth_type, pool, provider):
    auth, found = auth_type(pool), []

    def work():
        for _ in range(20):
            found.append(send(auth, provider.url, b"x"))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(200, b"x")] * 100
    assert {provider.keys.count(secret) for secret in SECRETS} == {10}
