# SPDX-License-Identifier: MIT
"""What becomes of an answer, and of the key that it is about."""
import os
import re
import signal
import socket
import time

import pytest

import provider as providers
from conftest import key, wait_for


def statuses(gateway):
    return {end: status for end, (status, _) in gateway.states().items()}


def test_the_last_refusal_reaches_the_client_untouched(gateway):
    gateway.run(key("dead", 1), key("dead", 2), key("rate", 3), key("good", 4))
    answer = gateway.post()
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.body == providers.ANSWERS["rate"][2]
    assert statuses(gateway) == {"0001": "invalid", "0002": "invalid", "0003": "rate_limited", "0004": "available"}


def test_when_no_other_key_is_there_the_answer_reaches_the_client(gateway):
    gateway.run(key("dead", 1), key("quota", 2))
    answer = gateway.post()
    assert (answer.status, answer.body) == (429, providers.ANSWERS["quota"][2])
    assert len(gateway.provider.requests) == 2


@pytest.mark.parametrize("how", ["plain", "chunked", "until-close", "slow"])
@pytest.mark.parametrize("what", ["busy", "wrong"])
def test_what_another_key_does_not_help(gateway, what, how):
    gateway.provider.how = how
    gateway.run(key(what, 1), key("good", 2))
    answer = gateway.post()
    assert (answer.status, answer.body) == (providers.ANSWERS[what][0], providers.ANSWERS[what][2])
    assert len(gateway.provider.requests) == 1
    assert statuses(gateway)["0001"] in ("available", "rate_limited")


def test_only_so_many_tries(gateway):
    gateway.run(*(key("dead", i) for i in range(1, 6)), location=gateway.proxy("keyshm_tries 1;"))
    assert gateway.post().status == 401
    assert len(gateway.provider.requests) == 1


def test_an_unbuffered_request_is_sent_once(gateway):
    gateway.run(key("dead", 1), key("good", 2), location=gateway.proxy("proxy_request_buffering off; client_max_body_size 10m;"))
    answer = gateway.post(b" " * 2000000)  # more than comes with the header
    assert (answer.status, answer.body) == (401, providers.ANSWERS["dead"][2])
    assert statuses(gateway)["0001"] == "invalid"


@pytest.mark.parametrize("what", ["cut", "stalled", "large"])
def test_an_error_whose_body_is_not_there(gateway, what):
    """It is judged by what is there."""
    gateway.run(key(what, 1), key("good", 2))
    assert gateway.post().status == 200
    assert statuses(gateway) == {"0001": "invalid", "0002": "available"}


@pytest.mark.parametrize("what", ["cut", "stalled", "large"])
def test_an_error_whose_body_is_not_there_goes_through(gateway, what):
    gateway.run(key(what, 1))
    with gateway_socket(gateway) as s:
        s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wait_for(lambda: statuses(gateway)["0001"] == "invalid")
        gateway.provider.release.set()
        text = read_all(s)
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 ")
    start = {"cut": providers.ANSWERS["dead"][2], "stalled": b'{"error"', "large": providers.ANSWERS["dead"][2] + b" " * 100000}
    assert body == start[what]


def gateway_socket(gateway):
    s = socket.create_connection(("127.0.0.1", gateway.port))
    s.settimeout(30)
    return s


def read_all(s):
    text = b""
    while (part := s.recv(65536)):
        text += part
    return text


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_a_stream_passes_byte_for_byte(gateway, buffering):
    gateway.run(key("dead", 1), key("stream", 2), location=gateway.proxy(f"proxy_buffering {buffering};"))
    answer = gateway.post()
    assert (answer.status, answer.body) == (200, b"".join(providers.EVENTS))


def test_a_stream_is_not_delayed(gateway):
    gateway.provider.pace = 0.4
    gateway.run(key("stream", 1), location=gateway.proxy("proxy_buffering off;"))
    connection = gateway.connect()
    connection.request("POST", "/v1/chat/completions", b"{}")
    response = connection.getresponse()
    first = response.fp.readline() and response.fp.readline()
    assert first + b"\n" == providers.EVENTS[0]
    # The provider is in the middle of it.
    assert gateway.stat()["keys"][0]["picks"] == 1
    response.close()


def test_a_stream_that_begins_with_an_error(gateway):
    gateway.run(key("badstream", 1), key("good", 2), location=gateway.proxy("proxy_buffering off;"))
    connection = gateway.connect()
    connection.request("POST", "/v1/chat/completions", b"{}")
    response = connection.getresponse()
    # Before the stream has ended.
    wait_for(lambda: statuses(gateway)["0001"] == "rate_limited")
    gateway.provider.release.set()
    assert response.read() == providers.BAD_EVENT


def test_a_stream_that_is_cut_ends_as_the_provider_ended_it(gateway):
    gateway.run(key("cutstream", 1), key("good", 2), location=gateway.proxy("proxy_buffering off;"))
    with gateway_socket(gateway) as s:
        s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        text = read_all(s)
    assert providers.EVENTS[0].strip() in text
    assert not text.endswith(b"0\r\n\r\n")
    assert len(gateway.provider.requests) == 1


def test_no_answer(gateway):
    gateway.run(key("gone", 1), key("good", 2))
    assert gateway.post().status == 502
    assert len(gateway.provider.requests) == 1


def test_nobody_listens(gateway):
    gateway.run(key("good", 1), location=gateway.proxy("", "http://127.0.0.1:1"))
    assert gateway.post().status == 502
    assert gateway.provider.requests == []


def test_a_head_request(gateway):
    gateway.run(key("dead", 1), key("good", 2))
    answer = gateway.ask("HEAD", "/v1/models")
    assert (answer.status, answer.body) == (200, b"")


def test_pipelined_and_kept_alive(gateway):
    gateway.run(key("dead", 1), key("good", 2), location=gateway.proxy("", "http://provider"), http=gateway.upstream(1, True))
    connection = gateway.connect()
    for _ in range(20):
        connection.request("POST", "/v1/x", b'{"a":1}')
        response = connection.getresponse()
        assert response.status == 200
        response.read()


def test_a_dead_server_is_not_blamed_for_a_refusal(gateway):
    """Three refusals would take a server with max_fails=1 out."""
    http = "upstream provider { server 127.0.0.1:%d max_fails=1 fail_timeout=60s; }" % gateway.provider.port
    gateway.run(*(key("dead", i) for i in range(1, 4)), key("good", 4), http=http + gateway.upstream().replace("provider", "other", 1),
                location=gateway.proxy("keyshm_tries 4;", "http://provider"))
    assert gateway.post().status == 200
    assert gateway.post().status == 200


# ---- leases ----

def limited(gateway):
    """Each key has a place for two requests."""
    gateway.ctl("limits", gateway.pool, "all", "--in-flight", "2")


def in_flight(gateway):
    return sum(k["in_flight"] for k in gateway.stat()["keys"])


def test_a_lease_lasts_as_long_as_the_request(gateway):
    gateway.run(key("hang", 1))
    limited(gateway)
    connection = gateway.connect()
    connection.request("POST", "/v1/x", b"{}")
    wait_for(lambda: in_flight(gateway) == 1)
    gateway.provider.release.set()
    assert connection.getresponse().read() == b"".join(providers.EVENTS)
    wait_for(lambda: in_flight(gateway) == 0)


def test_client_gone(gateway):
    gateway.run(key("hang", 1))
    limited(gateway)
    connection = gateway.connect()
    connection.request("POST", "/v1/x", b"{}")
    wait_for(lambda: in_flight(gateway) == 1)
    connection.close()
    wait_for(lambda: in_flight(gateway) == 0)
    assert statuses(gateway)["0001"] == "available"


def test_worker_killed(gateway):
    gateway.run(key("hang", 1))
    limited(gateway)
    connections = [gateway.connect() for _ in range(2)]
    for connection in connections:
        connection.request("POST", "/v1/x", b"{}")
    wait_for(lambda: in_flight(gateway) == 2)
    os.kill(gateway.workers()[0], signal.SIGKILL)
    wait_for(lambda: in_flight(gateway) == 0)


def test_refused_requests_leave_no_lease(gateway):
    gateway.run(key("dead", 1), key("rate", 2), key("quota", 3), location=gateway.proxy("keyshm_tries 3;"))
    limited(gateway)
    gateway.post()
    wait_for(lambda: in_flight(gateway) == 0)


def test_internal_redirect(gateway):
    location = gateway.proxy("proxy_intercept_errors on; error_page 401 429 = @again; keyshm_tries 1;") + """
        location @again { keyshm %s; proxy_set_header Authorization "Bearer $keyshm_key"; proxy_pass http://127.0.0.1:%d; }
        """ % (gateway.pool, gateway.provider.port)
    gateway.run(key("dead", 1), key("good", 2), location=location)
    limited(gateway)
    assert gateway.get().status == 200
    assert statuses(gateway) == {"0001": "invalid", "0002": "available"}
    wait_for(lambda: in_flight(gateway) == 0)


def test_redirected_to_a_location_without_a_pool(gateway):
    location = gateway.proxy("proxy_intercept_errors on; error_page 401 = @sorry; keyshm_tries 1;") + """
        location @sorry { return 200 "id=$keyshm_id tries=$keyshm_tries"; }"""
    gateway.run(key("dead", 1), location=location)
    answer = gateway.get()
    assert answer.body.startswith(b"id=") and answer.body.endswith(b" tries=1")


def test_without_an_upstream(gateway):
    gateway.run(key("good", 1), location="location /v1/ { keyshm %s; try_files /none @x; } location @x { return 200 x; }" % gateway.pool)
    limited(gateway)
    assert gateway.get().status == 200
    wait_for(lambda: in_flight(gateway) == 0)


# ---- none to be had ----

def test_none_to_be_had(gateway):
    gateway.run(key("rate", 1))
    assert gateway.post().status == 429
    answer = gateway.post()
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 8  # rounded up
    assert len(gateway.provider.requests) == 1


def test_none_that_will_come_back(gateway):
    gateway.run(key("dead", 1))
    assert gateway.post().status == 401
    answer = gateway.post()
    assert answer.status == 429
    assert "Retry-After" not in answer.headers


def test_waiting(gateway):
    gateway.run(key("good", 1), location=gateway.proxy().replace(f"keyshm {gateway.pool};", f"keyshm {gateway.pool} wait=60s;"))
    identity = str(gateway.stat()["keys"][0]["id"])
    gateway.ctl("mark", gateway.pool, identity, "rate_limited")
    waiting = [gateway.connect() for _ in range(3)]
    for connection in waiting:
        connection.request("POST", "/v1/x", b"{}")
    time.sleep(0.3)
    # The worker is not blocked, and nobody has been answered.
    assert gateway.get("/ready").status == 204
    assert gateway.provider.requests == []
    gateway.ctl("mark", gateway.pool, identity, "available")
    for connection in waiting:
        response = connection.getresponse()
        assert response.status == 200
        response.read()


def test_waiting_for_the_first_key(gateway):
    gateway.run(location=gateway.proxy().replace(f"keyshm {gateway.pool};", f"keyshm {gateway.pool} wait=60s;"),
                pool=f"keyshm_pool {gateway.pool} rules=openai;")
    connection = gateway.connect()
    connection.request("POST", "/v1/x", b"{}")
    gateway.ctl("add", gateway.pool, stdin=key("good", 1) + "\n")
    assert connection.getresponse().status == 200


def test_waiting_ends(gateway):
    gateway.run(key("good", 1), location=gateway.proxy().replace(f"keyshm {gateway.pool};", f"keyshm {gateway.pool} wait=300ms;"))
    gateway.ctl("mark", gateway.pool, str(gateway.stat()["keys"][0]["id"]), "rate_limited", "--retry-after", "100")
    before = time.monotonic()
    answer = gateway.post()
    assert answer.status == 429 and time.monotonic() - before >= 0.3
    assert 90 <= int(answer.headers["Retry-After"]) <= 100


def test_client_gone_while_it_waits(gateway):
    gateway.run(key("good", 1), location=gateway.proxy().replace(f"keyshm {gateway.pool};", f"keyshm {gateway.pool} wait=60s;"))
    gateway.ctl("mark", gateway.pool, str(gateway.stat()["keys"][0]["id"]), "rate_limited", "--retry-after", "100")
    connection = gateway.connect()
    connection.request("POST", "/v1/x", b"{}")
    time.sleep(0.2)
    connection.close()
    wait_for(lambda: any(line.startswith("499 ") for line in gateway.access()))
    assert gateway.get("/ready").status == 204


def test_a_redirect_before_anything_is_sent(gateway):
    """The key of the first location is given back when the second one takes its own."""
    location = """
        location /v1/ { keyshm %s; try_files /none @there; }
        location @there { keyshm %s; proxy_set_header Authorization "Bearer $keyshm_key"; proxy_pass http://127.0.0.1:%d; }
        """ % (gateway.pool, gateway.pool, gateway.provider.port)
    gateway.run(key("hang", 1), key("hang", 2), location=location)
    limited(gateway)
    connection = gateway.connect()
    connection.request("GET", "/v1/x")
    wait_for(lambda: gateway.provider.requests)
    assert in_flight(gateway) == 1
    gateway.provider.release.set()
    assert connection.getresponse().status == 200


def test_an_answer_is_not_about_the_key_of_another_location(gateway):
    location = gateway.proxy("proxy_intercept_errors on; error_page 401 = @local; keyshm_tries 1;") + """
        location @local { keyshm %s; stub_status; }""" % gateway.pool
    gateway.run(key("dead", 1), key("good", 2), location=location)
    assert gateway.get().status == 200
    assert statuses(gateway) == {"0001": "invalid", "0002": "available"}


def test_what_is_not_sent_is_not_charged(gateway):
    gateway.run(key("good", 1), location="location /v1/ { keyshm %s; stub_status; }" % gateway.pool)
    gateway.ctl("limits", gateway.pool, "all", "--requests", "5/day", "--requests-burst", "5")
    for _ in range(3):
        assert gateway.get().status == 200
    wait_for(lambda: gateway.stat()["keys"][0]["requests_left"] == 5)


def test_a_key_in_the_url_is_judged_but_not_tried_again(gateway):
    location = "location /v1/ { keyshm %s; proxy_pass http://127.0.0.1:%d/v1/x?key=$keyshm_key; }" % (gateway.pool, gateway.provider.port)
    gateway.run(key("dead", 1), key("good", 2), location=location)
    assert gateway.get().status == 401
    wait_for(lambda: statuses(gateway) == {"0001": "invalid", "0002": "available"})
    assert gateway.get().status == 200
    assert gateway.provider.keys == [key("dead", 1), key("good", 2)]


def test_no_key_is_tried_twice(gateway):
    """A refused permission marks no key, so nothing keeps it away."""
    gateway.run(key("denied", 1), key("denied", 2), location=gateway.proxy("keyshm_tries 5;"))
    assert gateway.post().status == 403
    assert gateway.provider.keys == [key("denied", 1), key("denied", 2)]
    wait_for(lambda: gateway.access())
    assert re.search(r" id=\d+ masked=sk-…0002 tries=2 ", gateway.access()[0])


def test_a_key_that_was_refused_is_passed_over(gateway):
    """By its value, a request would get the same key again and again."""
    gateway.run(key("denied", 1), key("good", 2), location=gateway.proxy("keyshm_tries 5; keyshm_affinity $http_x_session;"))
    first = []
    for session in "abcdefgh":
        asked = len(gateway.provider.keys)
        assert gateway.get(headers={"X-Session": session}).status == 200
        first.append(gateway.provider.keys[asked])
    assert set(first) == {key("denied", 1), key("good", 2)}


def test_the_same_key_is_not_tried_again(gateway):
    """A refused permission marks no key, so nothing keeps it away."""
    gateway.run(key("denied", 1), location=gateway.proxy("keyshm_tries 5;"))
    limited(gateway)
    answer = gateway.post()
    assert (answer.status, answer.body) == (403, providers.ANSWERS["denied"][2])
    assert gateway.provider.keys == [key("denied", 1)]
    assert statuses(gateway) == {"0001": "available"}
    wait_for(lambda: gateway.access() and in_flight(gateway) == 0)
    assert re.search(r" id=\d+ masked=sk-…0001 tries=1 ", gateway.access()[0])
