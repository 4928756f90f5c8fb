# SPDX-License-Identifier: MIT
"""The recipes of docs/python.md for the clients of OpenAI and Anthropic, with the real ones, as far as they are installed."""

import asyncio
import importlib.util
import json

import pytest

import keyshm
from client_cases import LIMITED, SECRETS, pool, statuses  # noqa: F401
from keyshm.integrations.httpx import Auth
from provider import QUOTA

if not any(importlib.util.find_spec(name) for name in ("openai", "anthropic")):
    pytest.skip("needs openai or anthropic", allow_module_level=True)

MESSAGES = [{"role": "user", "content": "Hello"}]


class OpenAI:
    name, auth = "openai", {}
    events = b'data: {"id": "1", "object": "chat.completion.chunk", "model": "large", "choices": []}\n\ndata: [DONE]\n\n'

    def client(self, kind, **settings):
        return getattr(self.sdk, f"{kind}OpenAI")(**settings)

    def ask(self, client, **more):
        return client.chat.completions.create(model="large", messages=MESSAGES, **more)


class Anthropic:
    name, auth = "anthropic", {"header": "x-api-key", "scheme": None}
    events = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'

    def client(self, kind, **settings):
        return getattr(self.sdk, f"{kind}Anthropic")(**settings)

    def ask(self, client, **more):
        return client.messages.create(model="large", max_tokens=100, messages=MESSAGES, **more)


@pytest.fixture(params=[OpenAI, Anthropic], ids=lambda kind: kind.name)
def sdk(request):
    kind = request.param()
    kind.sdk = pytest.importorskip(kind.name)
    return kind


@pytest.fixture(params=["", "Async"], ids=["sync", "async"])
def ask(request, sdk, pool, provider):  # noqa: F811
    """Asks with a client of its own, which has the settings of a lease; returns the answer."""

    def settings(**options):
        http_client = getattr(sdk.sdk, f"Default{request.param}HttpxClient")(auth=Auth(pool, **sdk.auth, **options), trust_env=False, verify=False)
        return {"api_key": "from the pool", "base_url": provider.url, "http_client": http_client, "max_retries": 0}

    async def wait_for(options):
        async with sdk.client("Async", **settings(**options)) as client:
            return await sdk.ask(client)

    def by_kind(**options):
        if request.param == "Async":
            return asyncio.run(wait_for(options))
        with sdk.client("", **settings(**options)) as client:
            return sdk.ask(client)

    return by_kind


def test_each_request_gets_the_next_key(ask, pool, provider):  # noqa: F811
    assert [ask().model for _ in range(12)] == ["large"] * 12
    assert provider.keys == (SECRETS * 2)[:12]
    assert json.loads(provider.asked[0][2])["messages"] == MESSAGES


def test_another_key_is_asked_at_once(ask, pool, provider):  # noqa: F811
    provider.answers[SECRETS[0]] = LIMITED
    provider.answers[SECRETS[1]] = (401, {}, b'{"error": {"code": "invalid_api_key"}}')
    provider.answers[SECRETS[2]] = (429, {}, QUOTA)
    assert ask(tries=10).model == "large"
    assert provider.keys == SECRETS[:4] and len({body for _, _, body in provider.asked}) == 1
    assert statuses(pool)[:4] == ["rate_limited", "invalid", "quota_exceeded", "available"]


def test_the_last_answer_is_raised(ask, sdk, pool, provider):  # noqa: F811
    provider.answers.update({secret: LIMITED for secret in SECRETS})
    with pytest.raises(sdk.sdk.RateLimitError):
        ask(tries=2)
    assert provider.keys == SECRETS[:2]


def test_when_there_is_no_key(ask, sdk, pool, provider):  # noqa: F811
    for secret in SECRETS:
        pool.rate_limited(secret, 30)
    with pytest.raises(sdk.sdk.APIConnectionError) as caught:
        ask()
    assert isinstance(caught.value.__cause__, keyshm.Exhausted) and not provider.asked


def test_a_stream(sdk, pool, provider):  # noqa: F811
    provider.answers[SECRETS[0]] = LIMITED
    provider.answers[SECRETS[1]] = (200, {"Content-Type": "text/event-stream"}, sdk.events)
    http_client = sdk.sdk.DefaultHttpxClient(auth=Auth(pool, **sdk.auth), trust_env=False, verify=False)
    client = sdk.client("", api_key="from the pool", base_url=provider.url, http_client=http_client, max_retries=0)
    with client, sdk.ask(client, stream=True) as stream:
        assert pool.leases() == []
        assert len(list(stream)) == 1
    assert provider.keys == SECRETS[:2]


def test_a_function_as_key(pool, provider):  # noqa: F811
    openai = pytest.importorskip("openai")

    def mark(response):
        if response.is_error:
            response.read()
        pool.report(response.request.headers["Authorization"].removeprefix("Bearer "), response)

    http_client = openai.DefaultHttpxClient(event_hooks={"response": [mark]}, trust_env=False, verify=False)
    provider.answers[SECRETS[0]] = (401, {}, b'{"error": {"code": "invalid_api_key"}}')
    provider.answers[SECRETS[1]] = (429, {"Retry-After-Ms": "1"}, b"{}")
    with openai.OpenAI(api_key=pool.next_secret, base_url=provider.url, http_client=http_client) as client:
        with pytest.raises(openai.AuthenticationError):
            OpenAI().ask(client)
        assert OpenAI().ask(client).model == "large"  # its own second try is with the next key
    assert provider.keys == SECRETS[:3]
    assert statuses(pool)[0] == "invalid" and pool.inspect(SECRETS[1]).marked["rate_limited"] == 1
