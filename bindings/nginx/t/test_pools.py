# SPDX-License-Identifier: MIT
"""The master makes the pool and keeps it in step; workers follow when it is replaced."""
import os
import signal
import time

import pytest

from conftest import key, wait_for


def owner_of(gateway):
    import glob
    return os.stat(glob.glob(f"/dev/shm/keyshm.*.{gateway.pool}")[0]).st_uid


def test_the_pool_belongs_to_the_workers(gateway):
    gateway.run(key("good", 1))
    assert gateway.get().status == 200
    if os.geteuid() == 0:
        import pwd
        assert owner_of(gateway) == pwd.getpwnam("www-data").pw_uid
    assert gateway.stat()["provider_rules"] == "openai"
    assert "probe" not in gateway.ctl("policy", gateway.pool) or "10" in gateway.ctl("policy", gateway.pool)


def test_reload(gateway):
    gateway.run(key("good", 1), key("good", 2))
    first = {k["masked_key"]: k["id"] for k in gateway.stat()["keys"]}
    gateway.write_keys(key("good", 2), key("good", 3), key("good", 4))
    gateway.reload()
    now = {k["masked_key"]: k["id"] for k in gateway.stat()["keys"]}
    assert sorted(k[-1] for k in now) == ["2", "3", "4"]
    assert {k: v for k, v in now.items() if k[-1] == "2"} == {k: v for k, v in first.items() if k[-1] == "2"}
    for _ in range(6):
        assert gateway.get().status == 200
    assert key("good", 1) not in gateway.provider.keys


def test_reload_with_a_bad_key_file_changes_nothing(gateway):
    gateway.run(key("good", 1))
    gateway.write_keys("sk bad")
    gateway.signal(signal.SIGHUP)
    wait_for(lambda: "line 1: it has a space in it" in gateway.log())
    assert gateway.stat()["count"] == 1
    assert gateway.get().status == 200


def test_reload_with_more_keys_than_room(gateway):
    """The capacity is the pool's for as long as it exists."""
    gateway.run(key("good", 1), pool=f"keyshm_pool {gateway.pool} keys={gateway.directory}/keys capacity=2 rules=openai;")
    gateway.write_keys(*(key("good", i) for i in range(1, 5)))
    gateway.write_conf(location=gateway.proxy())
    gateway.reload()
    assert "its keys cannot be set: " in gateway.log()
    assert gateway.get().status == 200


def test_groups(gateway):
    gateway.write_keys(key("good", 1), key("good", 2), name="acme")
    gateway.write_keys(key("good", 3), name="bolt")
    gateway.write_keys(key("good", 4), name="none")
    d = gateway.directory
    gateway.write_conf(location=gateway.proxy(), pool=f"keyshm_pool {gateway.pool} rules=openai keys={d}/none group=acme keys={d}/acme group=bolt keys={d}/bolt;")
    gateway.start()
    assert {k["masked_key"][-1]: k["group"] for k in gateway.stat()["keys"]} == {"1": "acme", "2": "acme", "3": "bolt", "4": ""}
    gateway.write_keys(key("good", 1), key("good", 3), name="bolt")
    gateway.write_keys(key("good", 2), name="acme")
    gateway.reload()
    assert {k["masked_key"][-1]: k["group"] for k in gateway.stat()["keys"]} == {"1": "bolt", "2": "acme", "3": "bolt", "4": ""}


def test_quota_of_an_account_takes_all_its_keys_out(gateway):
    gateway.write_keys(key("quota", 1), key("quota", 2), name="acme")
    gateway.write_keys(key("good", 3), name="bolt")
    d = gateway.directory
    gateway.write_conf(location=gateway.proxy(), pool=f"keyshm_pool {gateway.pool} rules=openai group=acme keys={d}/acme group=bolt keys={d}/bolt;")
    gateway.start()
    assert gateway.get().status == 200
    assert gateway.provider.keys == [key("quota", 1), key("good", 3)]


def test_a_pool_that_others_fill(gateway):
    gateway.run(pool=f"keyshm_pool {gateway.pool} rules=openai;")
    assert gateway.get().status == 429
    gateway.ctl("add", gateway.pool, stdin=key("good", 1) + "\n")
    assert gateway.get().status == 200
    gateway.reload()
    assert gateway.get().status == 200


def test_a_pool_that_is_there(gateway):
    gateway.ctl("create", gateway.pool, "--capacity", "16", "--provider-rules", "openai")
    gateway.ctl("add", gateway.pool, stdin=key("dead", 1) + "\n")
    gateway.run(key("dead", 1), key("good", 2))
    assert gateway.get().status == 200
    assert gateway.stat()["capacity"] == 16


def test_a_pool_that_is_replaced(gateway):
    gateway.run(key("good", 1))
    assert gateway.get().status == 200
    gateway.ctl("destroy", gateway.pool)
    gateway.ctl("create", gateway.pool, "--provider-rules", "openai")
    time.sleep(0.15)
    # As long as the new one is empty, the old one does.
    assert gateway.get().status == 200
    gateway.ctl("add", gateway.pool, stdin=key("good", 2) + "\n")
    time.sleep(0.15)
    for _ in range(3):
        assert gateway.get().status == 200
    assert gateway.provider.keys == 2 * [key("good", 1)] + 3 * [key("good", 2)]


def segments_of(gateway):
    """Inodes of those that the worker has mapped."""
    maps = open(f"/proc/{gateway.workers()[0]}/maps").read().splitlines()
    return {line.split()[4] for line in maps if "/dev/shm/" in line}


def test_a_pool_that_is_replaced_while_a_request_has_a_key_of_it(gateway):
    gateway.run(key("hang", 1))
    connection = gateway.connect()
    connection.request("GET", "/v1/x")
    wait_for(lambda: gateway.provider.requests)
    gateway.ctl("destroy", gateway.pool)
    gateway.ctl("create", gateway.pool, "--provider-rules", "openai")
    gateway.ctl("add", gateway.pool, stdin=key("good", 2) + "\n")
    time.sleep(0.15)
    assert gateway.get().status == 200
    assert len(segments_of(gateway)) == 2
    gateway.provider.release.set()
    assert connection.getresponse().status == 200
    assert gateway.get().status == 200
    wait_for(lambda: len(segments_of(gateway)) == 1)


def test_a_key_that_is_removed_while_a_request_has_it(gateway):
    gateway.run(key("hang", 1), key("good", 2))
    connection = gateway.connect()
    connection.request("GET", "/v1/x")
    wait_for(lambda: gateway.provider.requests)
    gateway.write_keys(key("good", 2))
    gateway.signal(signal.SIGHUP)
    wait_for(lambda: gateway.stat()["count"] == 1)
    gateway.provider.release.set()
    assert connection.getresponse().status == 200


def test_workers_are_listed(gateway):
    gateway.run(key("good", 1))
    gateway.get()
    import json
    import subprocess
    from conftest import STAT
    user = ["--user", gateway.user] if os.geteuid() == 0 else []
    said = subprocess.run([STAT, *user, "--workers", "--json", gateway.pool], capture_output=True, text=True, check=True).stdout
    workers = json.loads(said)["pools"][0]["workers"]
    assert [w["pid"] for w in workers if w["picks"]] == gateway.workers()
