# SPDX-License-Identifier: MIT
import asyncio

import pytest

httpx = pytest.importorskip("httpx")

from client_cases import *  # noqa: E402, F403
from client_cases import LIMITED, SECRETS, Short  # noqa: E402
from keyshm.integrations.httpx import Auth  # noqa: E402

NO_TLS = False  # without certificates, which take a client a tenth of a second to read


def send_by_client(auth, url, body, headers=None):
    with httpx.Client(auth=auth, follow_redirects=True, verify=NO_TLS) as client:
        response = client.post(url, content=iter(body) if isinstance(body, list) else body, headers=headers)
    return response.status_code, response.content


def send_by_async_client(auth, url, body, headers=None):
    async def pieces():
        for piece in body:
            yield piece

    async def main():
        async with httpx.AsyncClient(auth=auth, follow_redirects=True, verify=NO_TLS) as client:
            response = await client.post(url, content=pieces() if isinstance(body, list) else body, headers=headers)
        return response.status_code, response.content

    return asyncio.run(main())


@pytest.fixture(params=[send_by_client, send_by_async_client])
def send(request):
    return request.param


@pytest.fixture
def auth_type():
    return Auth


def test_it_is_an_auth_of_httpx(pool):
    assert isinstance(Auth(pool), httpx.Auth)


@pytest.fixture
def capped(pool):
    pool.set_limits(in_flight=1)
    return pool


def test_a_lease_lasts_until_the_body_was_read(capped, provider):
    provider.answers[SECRETS[0]] = LIMITED
    with httpx.Client(auth=Auth(capped)) as client, client.stream("POST", provider.url, content=b"a long answer") as response:
        assert response.status_code == 200 and not response.is_closed
        assert [held.id for held in capped.leases()] == [capped.find(SECRETS[1])]
        assert b"".join(response.iter_bytes()) == b"a long answer"
        assert capped.leases() == []


def test_or_the_answer_is_closed(capped, provider):
    with httpx.Client(auth=Auth(capped)) as client:
        with client.stream("POST", provider.url, content=b"a long answer"):
            assert len(capped.leases()) == 1
        assert capped.leases() == []
        response = client.send(client.build_request("POST", provider.url, content=b"a long answer"), stream=True)
        assert len(capped.leases()) == 1 and response.read() == b"a long answer" and capped.leases() == []


def test_also_in_asyncio(capped, provider):
    async def main():
        async with httpx.AsyncClient(auth=Auth(capped)) as client:
            async with client.stream("POST", provider.url, content=b"a long answer") as response:
                assert len(capped.leases()) == 1
                assert b"".join([part async for part in response.aiter_bytes()]) == b"a long answer"
                assert capped.leases() == []
            async with client.stream("POST", provider.url, content=b"a long answer"):
                assert len(capped.leases()) == 1
            assert capped.leases() == []

    asyncio.run(main())


def test_a_body_that_breaks_off_gives_the_lease_back(capped, provider):
    provider.answers = dict.fromkeys(SECRETS, (200, {}, Short(b"not all of it")))
    for client in (httpx.Client(auth=Auth(capped)), httpx.Client(auth=Auth(capped, tries=1))):
        with client, pytest.raises(httpx.RemoteProtocolError):
            client.post(provider.url)
        assert capped.leases() == []


def test_a_file_and_multipart_are_not_sent_again(pool, provider, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 1000)
    provider.answers.update({secret: LIMITED for secret in SECRETS[:2]})
    with httpx.Client(auth=Auth(pool)) as client:
        with file.open("rb") as opened:
            assert client.post(provider.url, content=opened).status_code == 429
        with file.open("rb") as opened:
            assert client.post(provider.url, files={"file": opened}).status_code == 429
    assert len(provider.asked) == 2


def test_one_request(pool, provider):
    assert httpx.get(provider.url, auth=Auth(pool)).status_code == 200
    assert provider.keys == SECRETS[:1]


def test_requests_of_one_loop(pool, provider):
    """More than there are places: they wait for each other, and the loop does not stand still."""
    pool.set_limits(in_flight=1)

    async def main():
        async with httpx.AsyncClient(auth=Auth(pool, wait=20), timeout=60) as client:
            return await asyncio.gather(*(client.post(provider.url, content=b"x") for _ in range(13)))

    assert [response.status_code for response in asyncio.run(main())] == [200] * 13


def test_httpx2(script, pool, provider):
    """The same code by another name: both clients take the one object."""
    script(
        """
        import importlib.util, sys
        import httpx
        spec = importlib.util.spec_from_file_location("httpx2", httpx.__file__, submodule_search_locations=httpx.__path__)
        httpx2 = sys.modules["httpx2"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(httpx2)
        assert httpx2.Auth is not httpx.Auth
        import keyshm
        from keyshm.integrations.httpx import Auth
        pool = keyshm.Pool.anonymous("openai")
        pool.replace_keys(["sk-one-00000000000000000000000", "sk-two-00000000000000000000000"])
        auth = Auth(pool)
        for library in (httpx, httpx2):
            with library.Client(auth=auth) as client:
                assert client.get(sys.argv[1]).status_code == 200
        """,
        provider.url,
    )
    assert len(set(provider.keys)) == 2


def test_without_httpx(script):
    script(
        """
        import sys
        sys.modules["httpx"] = sys.modules["httpx2"] = None
        import keyshm.integrations.httpx
        """
    )
