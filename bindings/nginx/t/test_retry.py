# SPDX-License-Identifier: MIT
"""The same request again with another key, until one is good."""
import re

import pytest

from conftest import key, wait_for

SEVEN = [key("dead", 1), key("rate", 2), key("quota", 3), key("dead", 4), key("rate", 5), key("dead", 6), key("quota", 7)]
MARKS = {"0001": ("invalid", "authentication"), "0002": ("rate_limited", "rate_limit"), "0003": ("quota_exceeded", "billing"),
         "0004": ("invalid", "authentication"), "0005": ("rate_limited", "rate_limit"), "0006": ("invalid", "authentication"),
         "0007": ("quota_exceeded", "billing"), "0008": ("available", "none")}
LARGE = b'{"model":"gpt-x","text":"' + b"".join(b"%07d " % i for i in range(50000)) + b'"}'


def survives(gateway, body, how="plain", closes=False, extra="", **conf):
    gateway.provider.how = how
    gateway.provider.closes = closes
    location = gateway.proxy("keyshm_tries 10;" + extra, conf.pop("target", None), version=conf.pop("version", "1.1"))
    gateway.run(*SEVEN, key("good", 8), location=location, **conf)
    answer = gateway.post(body)
    assert answer.status == 200, gateway.log()
    assert b"chat.completion" in answer.body
    assert gateway.provider.keys == [*SEVEN, key("good", 8)]
    assert all(request.body == body for request in gateway.provider.requests)
    assert all(request.path == "/v1/chat/completions" for request in gateway.provider.requests)
    assert gateway.states() == MARKS
    wait_for(gateway.access)
    assert re.fullmatch("200 401, 429, 429, 401, 429, 401, 429, 200 id=[0-9]+ masked=sk-…0008 tries=8 verdict=.+", gateway.access()[0])


@pytest.mark.parametrize("how", ["plain", "chunked", "until-close", "slow"])
def test_post_survives_seven_bad_keys(gateway, how):
    survives(gateway, b'{"model":"gpt-x"}', how)


@pytest.mark.parametrize("how", ["plain", "chunked"])
def test_body_in_a_file(gateway, how):
    survives(gateway, LARGE, how)


@pytest.mark.parametrize("servers", [1, 2, 3])
@pytest.mark.parametrize("keepalive", [False, True])
@pytest.mark.parametrize("closes", [False, True])
def test_upstream(gateway, servers, keepalive, closes):
    survives(gateway, LARGE, closes=closes, target="http://provider", http=gateway.upstream(servers, keepalive))
    connections = {request.connection for request in gateway.provider.requests}
    if closes:
        assert len(connections) == 8
    else:  # newer versions of nginx keep connections without being told
        assert len(connections) == 1 or not keepalive


def test_variable_proxy_pass(gateway):
    survives(gateway, LARGE, extra="set $to 127.0.0.1:%d;" % gateway.provider.port, target="http://$to")


def test_variable_that_names_an_upstream(gateway):
    survives(gateway, LARGE, extra="set $to provider;", target="http://$to", http=gateway.upstream(2, True))


def test_http_1_0(gateway):
    survives(gateway, LARGE, how="until-close", version="1.0")
