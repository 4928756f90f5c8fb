# SPDX-License-Identifier: MIT
import asyncio
import http.client
import http.server
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request

import pytest

import keyshm

QUOTA = json.dumps({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota",
                              "code": "insufficient_quota"}}).encode()


@pytest.fixture
def openai():
    with keyshm.Pool.anonymous("openai", capacity=16) as pool:
        pool.replace_keys([f"sk-test-{number:040d}" for number in range(3)])
        yield pool


class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, headers, body = {
            "/good": (200, {}, b"{}"),
            "/later": (429, {"Retry-After": "17"}, b"{}"),
            "/quota": (429, {"Content-Type": "application/json"}, QUOTA),
            "/wrong": (401, {}, b'{"error": {"code": "invalid_api_key"}}'),
        }[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{provider.server_port}"
    provider.shutdown()
    provider.server_close()
    thread.join()


# Each returns the response with its body read.


def by_http_client(url):
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.request("GET", "/" + url.split("/", 3)[3])
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def by_urllib(url):
    try:
        response = urllib.request.urlopen(url)
    except urllib.error.HTTPError as error:
        response = error
    return response, response.read()


def by_urllib3(url):
    with pytest.importorskip("urllib3").PoolManager() as manager:
        return manager.request("GET", url, retries=False), None


def by_requests(url):
    return pytest.importorskip("requests").get(url), None


def by_httpx(url):
    httpx = pytest.importorskip("httpx")
    with httpx.Client() as client:
        return client.get(url), None


def by_aiohttp(url):
    aiohttp = pytest.importorskip("aiohttp")

    async def get():
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            await response.read()
            return response

    return asyncio.run(get()), None


LIBRARIES = [by_http_client, by_urllib, by_urllib3, by_requests, by_httpx, by_aiohttp]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("get", LIBRARIES)
def test_responses(openai, server, get):
    seen = []
    for path in ("good", "later", "quota", "wrong"):
        openai.mark_all_available(["rate_limited", "quota_exceeded", "invalid"])
        key = openai.next()
        response, body = get(f"http://{server}/{path}")
        verdict = key.report(response, body=body)
        state = openai.inspect(key)
        seen.append((verdict.is_success, verdict.status, verdict.retry, state.status, state.reason))
        if path == "later":
            assert verdict.duration == 17 and 16 < state.cooldown <= 17.05
    assert seen == [
        (True, None, "none", "available", "none"),
        (False, "rate_limited", "other_key", "rate_limited", "rate_limit"),
        (False, "quota_exceeded", "other_key", "quota_exceeded", seen[2][4]),
        (False, "invalid", "other_key", "invalid", "authentication"),
    ]


@pytest.mark.parametrize("library", ["requests", "httpx"])
def test_a_stream_is_not_consumed(openai, server, library):
    """Neither by the report, nor does the report wait for it; what was not read does not count."""
    package = pytest.importorskip(library)
    url = f"http://{server}/quota"
    if library == "requests":
        with package.get(url, stream=True) as response:
            verdict = openai.next().report(response)
            assert b"".join(response.iter_content(10)) == QUOTA
    else:
        with package.stream("GET", url) as response:
            verdict = openai.next().report(response)
            assert b"".join(response.iter_bytes()) == QUOTA
    assert verdict.status == "rate_limited"


def test_http_client_is_not_read(openai, server):
    connection = http.client.HTTPConnection(server)
    connection.request("GET", "/quota")
    response = connection.getresponse()
    openai.next().report(response)
    assert response.read() == QUOTA
    connection.close()


class Fake:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@pytest.mark.parametrize("response", [
    Fake(status_code=429, headers={"retry-after": "5"}),
    Fake(status=429, headers=[("Retry-After", "5")]),
    Fake(code=429, headers={b"retry-after": b"5"}),
    Fake(status=http.HTTPStatus(429), headers=Fake(multi_items=lambda: [("RETRY-AFTER", "5")])),
])
def test_shapes(openai, response):
    verdict = openai.next().report(response)
    assert (verdict.status, verdict.duration) == ("rate_limited", 5)


def test_parts(openai):
    key = openai.next()
    assert openai.report(key.secret, status=429, headers={"Retry-After": "9"}).duration == 9
    assert openai.report(key.id, status=401).status == "invalid"
    assert openai.report(key, status=429, body=QUOTA.decode()).status == "quota_exceeded"
    assert openai.report(key, Fake(status_code=200, headers={}), status=503).is_success is False


def test_what_is_no_response(openai):
    key = openai.next()
    for wrong in (None, 429, "429", object(), Fake(status_code="429"), ValueError("no transport")):
        with pytest.raises(TypeError):
            key.report(wrong)
    with pytest.raises(keyshm.InvalidArgument):
        key.report(status=7)
    with pytest.raises(TypeError):
        key.report(status=429, headers={"Retry-After": 5})
    assert openai.inspect(key).is_available


@pytest.mark.parametrize("raised", [
    ConnectionRefusedError(111, "refused"), TimeoutError(), socket.gaierror(-2, "unknown"), ssl.SSLError("bad"),
    ConnectionResetError(), http.client.RemoteDisconnected(), urllib.error.URLError(TimeoutError()),
    type("ReadTimeout", (Exception,), {})(), type("ConnectError", (Exception,), {})(),
])
def test_exceptions_are_no_keys_fault(openai, raised):
    verdict = openai.next().report(raised)
    assert not verdict.is_success and verdict.status != "invalid" and verdict.retry in ("later", "other_key")


def test_an_exception_with_a_response(openai):
    error = RuntimeError()
    error.response = Fake(status_code=401, headers={})
    assert openai.next().report(error).status == "invalid"


def test_real_exceptions(openai):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        for name, get in (("requests", lambda one: one.get(url)), ("httpx", lambda one: one.get(url)),
                          ("urllib.request", lambda one: one.urlopen(url))):
            try:
                package = __import__(name, fromlist=["x"])
            except ImportError:
                continue
            with pytest.raises(Exception) as caught:
                get(package)
            assert openai.next().report(caught.value).rule is not None


def test_what_is_left_is_observed(openai):
    key = openai.next()
    verdict = key.report(status=200, headers={"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0",
                                              "x-ratelimit-reset-requests": "20s"})
    assert verdict.requests == keyshm.Budget(60, 0, 20.0) and verdict.is_success
    assert openai.inspect(key).reason == "budget"


def test_a_report_with_a_model(openai):
    openai.set_group(openai.states()[0].id, openai.group("account"))
    with openai.lease(model="gpt-4o") as key:
        verdict = key.report(status=429, headers={"Retry-After": "30"}, body=b"{}")
    assert verdict.status == "rate_limited"
    assert openai.available_count("gpt-4o") == 2


def test_judge():
    verdict = keyshm.judge("openai", status=429, body=QUOTA)
    assert verdict.status == "quota_exceeded" and verdict.rule.startswith("openai/")
    with pytest.raises(keyshm.InvalidArgument):
        keyshm.judge("no/provider", status=200)
