# SPDX-License-Identifier: MIT
"""$keyshm_body_model, and what a model is for."""
import json

import pytest

from conftest import key

LARGE = "x" * 400000


def model_of(gateway, body, **more):
    answer = gateway.post(body.encode() if isinstance(body, str) else body, **more)
    return gateway.provider.requests[-1].headers.get("x-model", "")


def with_model(gateway, extra="", pool_extra=""):
    gateway.write_keys(key("good", 1))
    pool = f"keyshm_pool {gateway.pool} keys={gateway.directory}/keys rules=openai model=gpt-x model=o3/mini:free {pool_extra};"
    gateway.write_conf(location=gateway.proxy("keyshm_model $keyshm_body_model; proxy_set_header X-Model $keyshm_body_model;" + extra), pool=pool)
    return gateway.start()


@pytest.fixture
def asked(gateway):
    return with_model(gateway)


def test_bodies(asked):
    for body, model in [
        ('{"model":"gpt-x"}', "gpt-x"),
        ('{ "messages" : [ {"model":"no"}, "model", {"a":["model"]} ] , "model" : "gpt-x" }', "gpt-x"),
        ('{"a":"model","b":"x","model":"o3/mini:free","model":"second"}', "o3/mini:free"),
        ('{"a":{"model":"inner"},"model":"outer"}', "outer"),
        ('{"a":"\\"model\\":\\"no\\"","model":"yes"}', "yes"),
        ('{"a\\"":1,"model":"x\\/y"}', "x/y"),
        ('{"model":5,"x":"y"}', ""),
        ('{"model":null}', ""),
        ('{"model":["a"]}', ""),
        ('{"model":{"a":"b"}}', ""),
        ('{"Model":"a","xmodel":"b","model2":"c"}', ""),
        ('["model","x"]', ""),
        ('"model"', ""),
        ("", ""),
        ("model=gpt-x&a=b", ""),
        ('{"model":"unfinished', ""),
        ('{"model":"%s"}' % ("m" * 129), ""),
        ('{"model":"%s"}' % ("m" * 128), "m" * 128),
        ('{}}{"model":"x"}', ""),
    ]:
        assert model_of(asked, body) == model, body


def test_it_is_json_as_python_reads_it(asked):
    for text in ["é", "a\\b", 'a"b', "tab\there", "a/b", "x" * 128]:
        body = json.dumps({"messages": [{"content": text}], "model": "gpt-x", "text": text}, ensure_ascii=False)
        assert model_of(asked, body) == "gpt-x"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body(asked, chunked):
    """In a file, with the model at its end."""
    body = json.dumps({"text": LARGE, "model": "gpt-x"}).encode()
    if chunked:
        connection = asked.connect()
        connection.request("POST", "/v1/x", iter([body[:1000], body[1000:]]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        assert connection.getresponse().status == 200
    else:
        assert model_of(asked, body) == "gpt-x"
    assert asked.provider.requests[-1].headers["x-model"] == "gpt-x"
    assert asked.provider.requests[-1].body == body


def test_a_mark_is_about_the_model(gateway):
    with_model(gateway)
    identity = str(gateway.stat()["keys"][0]["id"])
    gateway.ctl("mark", gateway.pool, identity, "rate_limited", "--model", "gpt-x", "--retry-after", "100")
    assert gateway.post(b'{"model":"gpt-x"}').status == 429
    assert gateway.post(b'{"model":"o3/mini:free"}').status == 200
    # One that the pool does not have is none, and is not made.
    assert gateway.post(b'{"model":"made-up"}').status == 200
    assert gateway.stat()["model_count"] == 2


def test_from_another_variable(gateway):
    gateway.write_keys(key("good", 1))
    pool = f"keyshm_pool {gateway.pool} keys={gateway.directory}/keys rules=openai model=gpt-x;"
    gateway.write_conf(location=gateway.proxy("keyshm_model $arg_m;"), pool=pool)
    gateway.start()
    identity = str(gateway.stat()["keys"][0]["id"])
    gateway.ctl("mark", gateway.pool, identity, "rate_limited", "--model", "gpt-x", "--retry-after", "100")
    assert gateway.get("/v1/x?m=gpt-x").status == 429
    assert gateway.get("/v1/x?m=" + "m" * 200).status == 200
    assert gateway.get("/v1/x").status == 200


def test_by_way_of_a_map(gateway):
    gateway.write_keys(key("good", 1))
    pool = f"keyshm_pool {gateway.pool} keys={gateway.directory}/keys rules=openai model=family;"
    gateway.write_conf(location=gateway.proxy("keyshm_model $family;"), pool=pool,
                       http='map $keyshm_body_model $family { default ""; ~^gpt- family; }')
    gateway.start()
    identity = str(gateway.stat()["keys"][0]["id"])
    gateway.ctl("mark", gateway.pool, identity, "rate_limited", "--model", "family", "--retry-after", "100")
    assert gateway.post(b'{"model":"gpt-y"}').status == 429
    assert gateway.post(b'{"model":"o3"}').status == 200


def test_retried_for_its_model(gateway):
    gateway.write_keys(key("dead", 1), key("dead", 2), key("good", 3))
    pool = f"keyshm_pool {gateway.pool} keys={gateway.directory}/keys rules=openai model=gpt-x;"
    gateway.write_conf(location=gateway.proxy("keyshm_model $keyshm_body_model;"), pool=pool)
    gateway.start()
    body = json.dumps({"text": LARGE, "model": "gpt-x"}).encode()
    assert gateway.post(body).status == 200
    assert all(request.body == body for request in gateway.provider.requests)
