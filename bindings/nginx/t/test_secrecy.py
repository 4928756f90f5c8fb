# SPDX-License-Identifier: MIT
"""$keyshm_key is for the provider: no log is to have it, and no client."""
import pytest

from conftest import key, wait_for

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
    ("map '' $m { default $keyshm_key; } log_format l $m;", "m"),
    pytest.param("log_format l %s $keyshm_key;" % ("x " * 100), "keyshm_key", id="long"),
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


SHOWN = [
    "return 200 $keyshm_key;",
    "return 302 /x?$keyshm_key;",
    "return https://x/?${keyshm_key};",
    "add_header X-Key $keyshm_key;",
    "add_header X-Key a-$KEYSHM_key always;",
    "add_trailer X-Key $keyshm_key;",
    "rewrite ^ /x?$keyshm_key;",
    "if ($keyshm_key ~ (.*)) { return 200 $1; }",
    "error_page 404 /x?$keyshm_key;",
    "auth_basic $keyshm_key;",
    "charset $keyshm_key;",
    "try_files /$keyshm_key =404;",
    "root /$keyshm_key;",
    "proxy_redirect / $keyshm_key;",
    "proxy_cookie_path / /$keyshm_key;",
    "proxy_cache_key $keyshm_key;",
    "proxy_store /tmp/$keyshm_key;",
    "proxy_pass http://$keyshm_key;",
    "proxy_pass http://a.$keyshm_key.b/x;",
    "set $mine http://127.0.0.1:1/$keyshm_key; proxy_pass $mine;",
    "proxy_pass http://127.0.0.1:1/; proxy_ssl_name $keyshm_key;",
    "set $mine $keyshm_key; return 200 $mine;",
    "set $mine a; set $yours '$mine$keyshm_key'; add_header X-Key $yours;",
]


@pytest.mark.parametrize("directives", SHOWN)
def test_refused_where_a_client_or_the_error_log_would_have_it(gateway, directives):
    gateway.write_keys(key("good", 1))
    gateway.write_conf(location=gateway.proxy() + "location /other {\n %s\n }" % directives)
    status, said = gateway.test()
    lines = (gateway.directory / "nginx.conf").read_text().splitlines()
    line = lines.index(f" {directives}") + 1
    assert status != 0 and '" cannot have "$' in said and f"nginx.conf:{line}" in said, said


def test_refused_in_a_file_that_a_map_includes(gateway):
    gateway.write_keys(key("good", 1))
    (gateway.directory / "a.map").write_text("a b;\ndefault $keyshm_key;\n")
    gateway.write_conf(location=gateway.proxy("add_header X-Key $m;"), http="map $host $m { include a.map; }")
    status, said = gateway.test()
    assert status != 0 and '"add_header" cannot have "$m"' in said, said


@pytest.mark.parametrize("http", ["map $keyshm_key $m { ~(?<most>.*).$ a; }", "map x$keyshm_key $m { default b; '~*^(.*)$' a; }"])
def test_refused_to_a_regular_expression(gateway, http):
    gateway.write_keys(key("good", 1))
    gateway.write_conf(location=gateway.proxy(), http=http)
    status, said = gateway.test()
    assert status != 0 and 'in a map of "$keyshm_key" would keep parts' in said and "nginx.conf:" in said, said


@pytest.mark.parametrize("http", [
    "# log_format l $keyshm_key;\n",
    "log_format l '$keyshm_masked $keyshm_id $keyshm_tries $keyshm_verdict $keyshm_key_is_another'; map $host $keyshm_key_is_another { default 1; }",
    "map $host $m { default 'Bearer $keyshm_key'; } log_format l $host;",
    "map $keyshm_masked $m { default 1; '~*[{;]' \"}\"; } log_format l $m;",
    "map $host $m { default 'Bearer $keyshm_key'; '~(.*)' $keyshm_key; }",
    "upstream by_key { hash $keyshm_key consistent; server 127.0.0.1:1; server 127.0.0.1:2; }",
    "add_header X-Id $keyshm_id; add_header X-Key $keyshm_masked;",
    "server { listen 127.0.0.1:10239; location / { proxy_set_body $keyshm_key; fastcgi_param K $keyshm_key; uwsgi_param K $keyshm_key;"
    " scgi_param K $keyshm_key; } }",
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


@pytest.mark.parametrize("url", ["?key=$keyshm_key", "bot$keyshm_key/x", "x?$mine"])
def test_a_key_in_the_url_is_not_in_the_error_log(gateway, url):
    """The fixture looks for keys in all logs."""
    location = f"location /v1/ {{ keyshm {gateway.pool}; proxy_pass http://127.0.0.1:1/{url}; }}"
    gateway.run(key("good", 1), location=location, http="map $host $mine { default key=$keyshm_key; }")
    assert gateway.get().status == 502
    wait_for(lambda: 'upstream: "http://127.0.0.1:1/..."' in gateway.log())
