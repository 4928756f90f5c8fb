# SPDX-License-Identifier: MIT
"""$keyshm_key is not to be in a log."""
import pytest

from conftest import key

BAD = [
    ("log_format l '$remote_addr $keyshm_key';", "keyshm_key"),
    ("log_format l 'a' \"${keyshm_key}b\";", "keyshm_key"),
    ("log_format l escape=json '$KEYSHM_key';", "KEYSHM_key"),
    ("map $host $m { default $keyshm_key; } log_format l $m;", "m"),
    ("map $keyshm_key $m { default 1; } log_format l $m;", "m"),
    ("map $host $m { default 'Bearer $keyshm_key'; }\n map $m $n { default \"$m\"; a b; } log_format l $n;", "n"),
    ("log_format l $n; map $m $n { default $m; } map $host $m { hostnames; default x$keyshm_key; }", "n"),
    ("split_clients $keyshm_key $s { 50% a; * b; } log_format l $s;", "s"),
    ("access_log logs/$keyshm_key.log;", "keyshm_key"),
]


@pytest.mark.parametrize("http, name", BAD)
def test_refused(gateway, http, name):
    gateway.write_keys(key("good", 1))
    gateway.write_conf(location=gateway.proxy(), http=http)
    status, said = gateway.test()
    assert status != 0 and f'a log cannot have "${name}"' in said, said
    assert "nginx.conf:" in said


def test_refused_by_way_of_set(gateway):
    gateway.write_keys(key("good", 1))
    gateway.write_conf(location=gateway.proxy("set $mine \"Bearer $keyshm_key\";"), http="log_format l $mine;")
    status, said = gateway.test()
    assert status != 0 and 'a log cannot have "$mine"' in said, said


def test_refused_in_an_included_file(gateway):
    gateway.write_keys(key("good", 1))
    (gateway.directory / "conf.d").mkdir()
    (gateway.directory / "conf.d/a.conf").write_text("# $keyshm_key; {\nlog_format l\n    '$keyshm_key';\n")
    gateway.write_conf(location=gateway.proxy(), http="include conf.d/*.conf;")
    status, said = gateway.test()
    assert status != 0 and "conf.d/a.conf:2" in said, said


@pytest.mark.parametrize("http", [
    "# log_format l $keyshm_key;\n",
    "log_format l '$keyshm_masked $keyshm_id $keyshm_tries $keyshm_verdict $keyshm_key_is_another'; map $host $keyshm_key_is_another { default 1; }",
    "map $host $m { default 'Bearer $keyshm_key'; } log_format l $host;",
    "map $keyshm_masked $m { default 1; '~*[{;]' \"}\"; } log_format l $m;",
])
def test_taken(gateway, http):
    gateway.write_keys(key("good", 1))
    gateway.write_conf(location=gateway.proxy(), http=http)
    status, said = gateway.test()
    assert status == 0, said


def test_a_map_that_is_sent(gateway):
    gateway.run(key("dead", 1), key("good", 2), http="map $host $authorization { volatile; default 'Bearer $keyshm_key'; }",
                location=gateway.proxy().replace('"Bearer $keyshm_key"', "$authorization"))
    assert gateway.get().status == 200
    assert gateway.provider.keys == [key("dead", 1), key("good", 2)]


def test_a_map_that_keeps_its_value(gateway):
    """What was made of the old key is forgotten with it."""
    gateway.run(key("dead", 1), key("good", 2), http="map $host $authorization { default 'Bearer $keyshm_key'; }",
                location=gateway.proxy().replace('"Bearer $keyshm_key"', "$authorization"))
    assert gateway.get().status == 200
    assert gateway.provider.keys == [key("dead", 1), key("good", 2)]


def test_no_value_when_it_is_logged(gateway):
    """Also of a log that is no log_format: what is left of the key when a request is logged is nothing."""
    gateway.run(key("good", 1), location=gateway.proxy("access_log logs/of-$arg_x.log keys if=$keyshm_key;"))
    assert gateway.get("/v1/x?x=a").status == 200
    assert gateway.get("/ready").status == 204
    assert not (gateway.directory / "logs/of-a.log").exists()
