# SPDX-License-Identifier: MIT
"""Every directive where it may stand, and what nginx -t says of a wrong one: the line and the reason."""
import glob
import re

import pytest

from conftest import key, wait_for


def refuses(gateway, reason, line_of=None):
    status, said = gateway.test()
    assert status != 0 and re.search(reason, said), said
    assert "sk-test-" not in said
    if line_of:
        lines = (gateway.directory / "nginx.conf").read_text().splitlines()
        number = next(i for i, line in enumerate(lines, 1) if line_of in line)
        assert f"nginx.conf:{number}" in said, said


@pytest.mark.parametrize("line, reason", [
    ("keyshm_pool;", "invalid number of arguments"),
    ("keyshm_pool .x;", 'a pool cannot have the name ".x"'),
    ("keyshm_pool a/b;", 'a pool cannot have the name "a/b"'),
    ("keyshm_pool p keys=/none/keys;", 'cannot open key file "/none/keys".*No such file'),
    ("keyshm_pool p; keyshm_pool p;", 'there are two pools "p"'),
    ("keyshm_pool p capacity=0;", 'a capacity is 1 to 1048576, not "0"'),
    ("keyshm_pool p capacity=x;", 'a capacity is 1 to 1048576, not "x"'),
    ("keyshm_pool p capacity=1048577;", 'a capacity is 1 to 1048576, not "1048577"'),
    ("keyshm_pool p rules=/;", 'rules cannot have the name "/"'),
    ("keyshm_pool p model=;", 'a model cannot have the name ""'),
    ("keyshm_pool p group=;", 'a group cannot have the name ""'),
    ('keyshm_pool p "group= x";', 'a group cannot have the name " x"'),
    ("keyshm_pool p group=g;", 'no keys= follows the group "g"'),
    ("keyshm_pool p keyz=x;", 'unknown parameter "keyz=x"'),
])
def test_wrong_pools(gateway, line, reason):
    gateway.write_conf(location="", pool=line)
    refuses(gateway, reason, line)


@pytest.mark.parametrize("line, reason", [
    ("keyshm;", "invalid number of arguments"),
    ("keyshm other;", 'no keyshm_pool before this line has the name "other"'),
    ("keyshm p; keyshm p;", '"keyshm" directive is duplicate'),
    ("keyshm p wait=soon;", 'wait= is a time, not "soon"'),
    ("keyshm p wait=;", 'unknown parameter "wait="'),
    ("keyshm p now;", 'unknown parameter "now"'),
    ("keyshm_tries 0;", '"keyshm_tries" directive must be 1 to 100'),
    ("keyshm_tries 101;", '"keyshm_tries" directive must be 1 to 100'),
    ("keyshm_tries many;", "invalid number"),
    ("keyshm_tries 1; keyshm_tries 2;", "duplicate"),
    ("keyshm_provider a/b;", 'a provider cannot have the name "a/b"'),
    ("keyshm_provider a; keyshm_provider b;", "duplicate"),
    ("keyshm_model;", "invalid number of arguments"),
    ("keyshm_model $no_such_variable;", 'unknown "no_such_variable" variable'),
    ("keyshm_affinity;", "invalid number of arguments"),
    ("keyshm_affinity $no_such_variable;", 'unknown "no_such_variable" variable'),
    ("keyshm_status on;", "invalid number of arguments"),
    ("keyshm_status; keyshm_status;", "is duplicate, or the location has another handler"),
])
def test_wrong_locations(gateway, line, reason):
    gateway.write_conf(location="location / { %s }" % line, pool="keyshm_pool p;")
    refuses(gateway, reason, line if "unknown \"no_such" not in reason else None)


@pytest.mark.parametrize("text, reason", [
    ("sk one\n", "line 1: it has a space in it"),
    ("\n# a comment\nsk-\"quoted\n", "line 3: it has a quotation mark in it"),
    ("export A=b\n", "line 1: it is an assignment"),
    ("fine\nOPENAI_API_KEY=sk-1\n", "line 2: it is an assignment"),
    ("\ufeffsk-1\n", "line 1: it begins with a byte order mark"),
    ("sk\t1\n", "line 1: it has a control character"),
    pytest.param("x" * 4097, "line 1: it is too long", id="long"),
    ("# nothing\n\n", "has no keys"),
])
def test_wrong_key_files(gateway, text, reason):
    gateway.write_keys()
    (gateway.directory / "keys").write_text(text)
    gateway.write_conf(location="")
    refuses(gateway, reason, "keyshm_pool")


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602, 0o644])
def test_a_key_file_that_others_can_read(gateway, mode):
    gateway.write_keys(key("good", 1)).chmod(mode)
    gateway.write_conf(location="")
    refuses(gateway, "can be read by all, or written by its group")


def test_a_directory_for_a_key_file(gateway):
    gateway.write_conf(location="", pool="keyshm_pool p keys=%s;" % gateway.directory)
    refuses(gateway, "is no regular file")


def test_more_keys_than_room(gateway):
    gateway.write_keys(key("good", 1), key("good", 2))
    gateway.write_conf(location="", pool=f"keyshm_pool p keys={gateway.directory}/keys capacity=1;")
    refuses(gateway, 'there are more keys than the capacity of the pool "p"')


def test_what_people_write(gateway):
    """CRLF, comments, blank lines, quotes and base64."""
    (gateway.directory / "keys").write_text('# ours\r\n\r\n"%s"\r\n\'%s\'\nABC=\nno-newline-at-the-end' % (key("good", 1), key("good", 2)))
    (gateway.directory / "keys").chmod(0o600)
    gateway.write_conf(location=gateway.proxy())
    gateway.start()
    assert gateway.stat()["count"] == 4


def test_nginx_t_changes_nothing(gateway):
    gateway.write_keys(key("good", 1))
    gateway.write_conf(location=gateway.proxy())
    assert gateway.test()[0] == 0, gateway.test()[1]
    assert not glob.glob(f"/dev/shm/keyshm.*.{gateway.pool}")


def test_inherited_and_off(gateway):
    """From http and server; off in a location."""
    gateway.write_keys(key("dead", 1), key("dead", 2), key("good", 3))
    there = f'proxy_set_header Authorization "Bearer $keyshm_key"; proxy_pass http://127.0.0.1:{gateway.provider.port};'
    gateway.write_conf(location="location /v1/ { %s } location /off/ { keyshm off; %s } location /in/ { if ($arg_x) { keyshm off; } %s }" % (there, there, there),
                       http=f"keyshm {gateway.pool}; keyshm_tries 3; keyshm_provider openai; keyshm_affinity $arg_session;")
    gateway.start()
    assert gateway.get("/v1/x").status == 200
    assert gateway.get("/off/x").status == 401
    assert gateway.provider.requests[-1].headers["authorization"] == "Bearer"


@pytest.mark.parametrize("rules, status", [("openai", "available"), ("slack", "invalid")])
def test_provider(gateway, rules, status):
    """The same answer is another thing to another provider. A 200 is the client's, whatever its body says."""
    gateway.run(key("slack", 1), location=gateway.proxy(f"keyshm_provider {rules};"))
    assert gateway.post().status == 200
    wait_for(lambda: gateway.states()["0001"][0] == status)


def test_affinity(gateway):
    gateway.run(*(key("good", i) for i in range(1, 9)), location=gateway.proxy("keyshm_affinity $http_x_session;"))
    for session in ("a", "b", "c", "d"):
        for _ in range(3):
            assert gateway.get(headers={"X-Session": session}).status == 200
    keys = gateway.provider.keys
    assert all(len(set(keys[i:i + 3])) == 1 for i in range(0, 12, 3))
    assert len(set(keys)) > 1
    for _ in range(8):
        gateway.get()
    assert len(set(gateway.provider.keys[12:])) == 8


def test_tries_variable(gateway):
    gateway.run(key("dead", 1), key("good", 2))
    gateway.get()
    wait_for(gateway.access)
    assert "tries=2" in gateway.access()[0]
