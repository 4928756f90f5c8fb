# SPDX-License-Identifier: MIT
import io

import pytest

requests = pytest.importorskip("requests")

from client_cases import *  # noqa: E402, F403
from client_cases import LIMITED, SECRETS  # noqa: E402
from keyshm.integrations.requests import Auth  # noqa: E402


@pytest.fixture
def send():
    def by_session(auth, url, body, headers=None):
        with requests.Session() as session:
            session.auth = auth
            session.trust_env = False
            response = session.post(url, data=iter(body) if isinstance(body, list) else body, headers=headers)
        return response.status_code, response.content

    return by_session


@pytest.fixture
def auth_type():
    return Auth


def test_it_is_an_auth_of_requests(pool):
    assert isinstance(Auth(pool), requests.auth.AuthBase)


def test_the_history(pool, provider):
    """As after digest authentication: the tries before, and the request that was answered."""
    provider.answers.update({secret: LIMITED for secret in SECRETS[:2]})
    response = requests.post(provider.url, data=b"x", auth=Auth(pool))
    assert [one.status_code for one in response.history] == [429, 429] and response.status_code == 200
    assert response.request.headers["Authorization"] == f"Bearer {SECRETS[2]}"


@pytest.fixture
def capped(pool):
    pool.set_limits(in_flight=1)
    return pool


def stream(pool, url):
    return requests.post(url, data=b"a long answer", auth=Auth(pool), stream=True)


def test_a_lease_lasts_until_the_body_was_read(capped, provider):
    provider.answers[SECRETS[0]] = LIMITED
    with stream(capped, provider.url) as response:
        assert response.status_code == 200 and not response._content_consumed
        assert [held.id for held in capped.leases()] == [capped.find(SECRETS[1])]
        assert b"".join(response.iter_content(5)) == b"a long answer"
        assert capped.leases() == []
    with stream(capped, provider.url) as response:
        assert len(capped.leases()) == 1 and response.raw.read() == b"a long answer" and capped.leases() == []


def test_or_the_answer_is_closed(capped, provider):
    with stream(capped, provider.url):
        assert len(capped.leases()) == 1
    assert capped.leases() == []


def test_or_forgotten(capped, provider):
    response = stream(capped, provider.url)
    assert len(capped.leases()) == 1
    del response
    assert capped.leases() == [], "nobody looks for garbage"


def test_other_requests_of_the_thread_do_not_end_it(capped, provider):
    with stream(capped, provider.url) as response:
        assert requests.post(provider.url, data=b"x", auth=Auth(capped)).content == b"x"
        assert [held.id for held in capped.leases()] == [capped.find(SECRETS[0])]
        assert response.content == b"a long answer"
    assert capped.leases() == []


def test_a_body_that_cannot_be_read_gives_the_lease_back(capped, provider):
    provider.answers = dict.fromkeys(SECRETS, (200, {"Content-Encoding": "gzip"}, b"not compressed"))
    for is_stream in (False, True):
        with pytest.raises(requests.RequestException) as raised:
            requests.post(provider.url, auth=Auth(capped), stream=is_stream).content
        assert capped.leases() == [], raised


def test_a_file_is_not_sent_again(pool, provider):
    provider.answers[SECRETS[0]] = LIMITED
    assert requests.post(provider.url, data=io.BytesIO(b"x" * 1000), auth=Auth(pool)).status_code == 429
    assert len(provider.asked) == 1


def test_multipart_is_sent_again(pool, provider):
    provider.answers[SECRETS[0]] = LIMITED
    assert requests.post(provider.url, files={"file": io.BytesIO(b"x" * 1000)}, auth=Auth(pool)).status_code == 200
    assert provider.asked[0][2] == provider.asked[1][2] and b"x" * 1000 in provider.asked[0][2]


def test_a_redirect_that_is_not_followed(pool, provider):
    pool.set_limits(in_flight=1)
    response = requests.get(f"{provider.url}moved/{provider.address}", auth=Auth(pool), allow_redirects=False)
    assert response.status_code == 307 and pool.leases() == []


def test_without_requests(script):
    script(
        """
        import sys
        sys.modules["requests"] = sys.modules["requests.auth"] = None
        import keyshm.integrations.requests
        """
    )
