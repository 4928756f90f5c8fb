# SPDX-License-Identifier: MIT
"""keyshm-gateway: a whole configuration from one command."""
import glob
import http.client
import os
import pty
import signal
import subprocess

import pytest

from conftest import NGINX, free_port, key, wait_for

GATEWAY = os.environ["KEYSHM_GATEWAY"]


def run(*arguments, **more):
    return subprocess.run(["bash", GATEWAY, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)


@pytest.mark.parametrize("arguments, said", [
    ([], "it needs a provider"),
    (["a", "b", "c"], "it needs a provider"),
    (["Open AI"], "cannot have the name"),
    (["other"], "of 'other' the URL is not known"),
    (["other", "ftp://x"], "no URL"),
    (["other", "https://x/;a"], "no URL"),
    (["other", "https://x/$keyshm_key"], "no URL"),
    (["--port", "0", "openai"], "--port is a number"),
    (["--port", "65536", "openai"], "--port is a number"),
    (["--port"], "--port needs a value"),
    (["--tries", "x", "openai"], "--tries is a number"),
    (["--header", "a b", "openai"], "a header cannot have the name"),
    (["--user", "a;b", "openai"], "a user cannot have the name"),
    (["--what", "openai"], "unknown option '--what'"),
    (["--listen", "0.0.0.0", "openai"], "whoever can reach 0.0.0.0 spends the keys"),
    (["--listen", "[::]", "openai"], "whoever can reach"),
    (["--listen", "all;", "openai"], "no address"),
    (["--allow", "all; x", "openai"], "no network"),
])
def test_refused(arguments, said):
    done = run(*arguments)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("arguments, has", [
    (["openai"], ['proxy_set_header Authorization "Bearer $keyshm_key";', "listen 127.0.0.1:8080;", "server api.openai.com:443;"]),
    (["anthropic"], ["proxy_set_header x-api-key $keyshm_key;", 'proxy_set_header Authorization "";']),
    (["gemini", "--tries", "7"], ["proxy_set_header x-goog-api-key $keyshm_key;", "keyshm_tries 7;"]),
    (["mine", "http://h:81/base/"], ["server h:81;", "proxy_pass http://provider/base;"]),
    (["--listen", "10.0.0.1", "--allow", "10.0.0.0/8", "--allow", "::1", "openai"], ["listen 10.0.0.1:8080;", "allow 10.0.0.0/8;", "allow ::1;", "deny all;"]),
])
def test_printed(tmp_path, arguments, has):
    done = run("--print", *arguments)
    assert done.returncode == 0
    for text in has:
        assert text in done.stdout
    # nginx takes it, but for names that are not known here.
    (tmp_path / "keys").write_text("sk-1\n")
    (tmp_path / "keys").chmod(0o600)
    text = done.stdout.replace("/run/keyshm-gateway", str(tmp_path))
    for provider in ("openai", "anthropic", "gemini", "mine"):
        text = text.replace(f"/etc/keyshm/{provider}.keys", str(tmp_path / "keys"))
    for host in ("api.openai.com:", "api.anthropic.com:", "generativelanguage.googleapis.com:", "server h:"):
        text = text.replace(f"server {host}" if "server" not in host else host, "server 127.0.0.1:")
    (tmp_path / "nginx.conf").write_text(text.replace("listen 10.0.0.1", "listen 127.0.0.1"))
    done = subprocess.run([*os.environ.get("NGINX_WRAPPER", "").split(), NGINX, "-p", str(tmp_path), "-e", str(tmp_path / "e"), "-c",
                           str(tmp_path / "nginx.conf"), "-t"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def ask(port, path="/v1/x"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, b"{}", {"Authorization": "Bearer the-clients-own"})
    return connection.getresponse()


def is_up(port):
    try:
        return ask(port, "/keyshm").status in (200, 405)
    except OSError:
        return False


def started(provider, name, stdin, **more):
    port = free_port()
    process = subprocess.Popen(["bash", GATEWAY, "--port", str(port), name, f"http://127.0.0.1:{provider.port}"], text=True,
                               stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    return port, process


@pytest.mark.skipif("NGINX_WRAPPER" in os.environ, reason="it starts nginx itself")
def test_it_runs(provider):
    name = f"gw{os.getpid()}"
    port, process = started(provider, name, subprocess.PIPE)
    process.stdin.write(key("dead", 1) + "\n" + key("good", 2) + "\n")
    process.stdin.close()
    assert f"is http://127.0.0.1:{provider.port}" in process.stdout.readline()
    assert ask(port).status == 200
    assert provider.keys[-2:] == [key("dead", 1), key("good", 2)]
    # Another one of the same name would take its pool away.
    other = run("--port", str(free_port()), name, "http://127.0.0.1:1")
    assert other.returncode == 1 and "there is a pool" in other.stderr
    assert ask(port).status == 200
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert not glob.glob(f"/dev/shm/keyshm.*.{name}")


@pytest.mark.skipif("NGINX_WRAPPER" in os.environ, reason="it starts nginx itself")
def test_keys_of_the_environment(provider):
    name = f"gwe{os.getpid()}"
    ours, theirs = pty.openpty()
    port, process = started(provider, name, theirs, env={**os.environ, f"{name.upper()}_API_KEYS": key("dead", 1) + "," + key("good", 2)})
    wait_for(lambda: is_up(port) and ask(port).status == 200)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    os.close(ours)
    os.close(theirs)


@pytest.mark.skipif("NGINX_WRAPPER" in os.environ, reason="it starts nginx itself")
def test_no_keys():
    done = run("openai")
    assert done.returncode == 1 and "has no keys" in done.stderr
