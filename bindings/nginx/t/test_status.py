# SPDX-License-Identifier: MIT
"""keyshm_status shows what keyshm-stat shows, under the same names."""
import json
import os
import re
import subprocess

from conftest import STAT, key


def test_json(gateway):
    gateway.run(key("dead", 1), key("good", 2))
    assert gateway.get().status == 200
    answer = gateway.get("/keys")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert b"sk-test-good" not in answer.body
    pool, = json.loads(answer.body)["pools"]
    known = gateway.stat()
    assert pool.keys() <= known.keys()
    changing = {"last_used_ago_ms", "cooldown_left_ms"}
    for ours, theirs in zip(pool.pop("keys"), known["keys"], strict=True):
        assert {k: v for k, v in ours.items() if k not in changing} == {k: theirs[k] for k in ours if k not in changing}
    assert pool == {name: known[name] for name in pool}


def families(text):
    return set(re.findall(r"^# (?:TYPE|UNIT) .*", text, re.M)), set(re.findall(r"^keyshm_\w+", text, re.M))


def test_openmetrics(gateway):
    gateway.run(key("dead", 1), key("good", 2))
    gateway.get()
    answer = gateway.get("/keys?format=openmetrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("application/openmetrics-text")
    text = answer.body.decode()
    assert text.endswith("# EOF\n")
    user = ["--user", gateway.user] if os.geteuid() == 0 else []
    theirs = subprocess.run([STAT, *user, "--openmetrics", gateway.pool], capture_output=True, text=True, check=True).stdout
    for ours, known in zip(families(text), families(theirs)):
        assert ours and ours <= known
    assert f'keyshm_pool_available_keys{{pool="{gateway.pool}"}} 1\n' in text
    assert re.search(r'keyshm_key_status\{pool="[^"]+",slot="0",id="\d+",key="sk-…0001",group="",status="invalid"\} 1\n', text)
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    assert len(list(text_string_to_metric_families(text))) >= 7


def test_methods_and_formats(gateway):
    gateway.run(key("good", 1))
    assert gateway.ask("POST", "/keys").status == 405
    assert gateway.get("/keys?format=xml").status == 400
    assert gateway.get("/keys?format=json").status == 200
    head = gateway.ask("HEAD", "/keys")
    assert (head.status, head.body) == (200, b"")


def test_no_pools(gateway):
    gateway.write_conf(location="", pool="")
    gateway.start()
    assert json.loads(gateway.get("/keys").body) == {"schema": 1, "pools": []}
    assert gateway.get("/keys?format=openmetrics").body.endswith(b"# EOF\n")
