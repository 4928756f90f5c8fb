# SPDX-License-Identifier: MIT
"""nginx with the module, a provider, and pools of their own for each test."""
import http.client
import itertools
import json
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from provider import Provider

NGINX = os.environ["NGINX_PROGRAM"]
MODULE = os.environ["KEYSHM_NGINX_MODULE"]
CTL = os.environ["KEYSHM_CTL"]
STAT = os.environ["KEYSHM_STAT"]

# What nginx is run by, such as valgrind or, for a sanitizer, env.
WRAPPER = os.environ.get("NGINX_WRAPPER", "").split()
IS_IN_VALGRIND = any("valgrind" in word for word in WRAPPER)

numbers = itertools.count()


reserved = []  # as long as this process runs


def free_port():
    """Of no other process that asks here, though nobody listens yet; and none that the kernel gives to a connection."""
    while True:
        port = random.randrange(10240, 32768)
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0keyshm-port-{port}")
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        reserved.append(lock)
        return port


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


class Gateway:
    """nginx in a directory of its own. As root it has workers of another user, as in real life."""

    def __init__(self, directory, provider):
        self.directory = directory
        self.provider = provider
        self.port = free_port()
        self.pool = f"ngx{os.getpid()}n{next(numbers)}"
        self.user = "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.process = None
        os.chmod(directory, 0o755)
        for name in ("logs", "body", "proxy"):
            (directory / name).mkdir()
        if os.geteuid() == 0:
            for name in ("body", "proxy"):
                shutil.chown(directory / name, self.user)

    def write_keys(self, *keys, name="keys"):
        path = self.directory / name
        path.write_text("".join(key + "\n" for key in keys))
        path.chmod(0o600)
        return path

    def write_conf(self, location, http="", pool=None, server="", main=""):
        pool = f"keyshm_pool {self.pool} keys={self.directory}/keys rules=openai;" if pool is None else pool
        user = "user www-data www-data;" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(f"""\
load_module {MODULE};
{user}
daemon off;
worker_processes 1;
pid {self.directory}/nginx.pid;
error_log {self.directory}/logs/error.log info;
{main}
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {self.directory}/body;
    proxy_temp_path {self.directory}/proxy;
    fastcgi_temp_path {self.directory}/fastcgi;
    uwsgi_temp_path {self.directory}/uwsgi;
    scgi_temp_path {self.directory}/scgi;
    {pool}
    log_format keys escape=none '$status $upstream_status id=$keyshm_id masked=$keyshm_masked tries=$keyshm_tries verdict=$keyshm_verdict';
    access_log {self.directory}/logs/access.log keys;
    {http}
    server {{
        listen 127.0.0.1:{self.port};
        {server}
        {location}
        location = /keys {{ keyshm_status; }}
        location = /ready {{ access_log off; return 204; }}
    }}
}}
""")

    def upstream(self, servers=1, keepalive=False):
        lines = [f"server 127.0.0.1:{self.provider.port};"] * servers
        return "upstream provider { %s %s }" % (" ".join(lines), "keepalive 8;" if keepalive else "")

    def proxy(self, extra="", target=None, uri="/v1/", version="1.1"):
        return """
        location %s {
            keyshm %s;
            proxy_set_header Authorization "Bearer $keyshm_key";
            proxy_http_version %s;
            proxy_set_header Connection "";
            proxy_pass %s;
            %s
        }""" % (uri, self.pool, version, target or f"http://127.0.0.1:{self.provider.port}", extra)

    def command(self, *more):
        return [*WRAPPER, NGINX, "-p", str(self.directory), "-e", str(self.directory / "logs/error.log"),
                "-c", str(self.directory / "nginx.conf"), *more]

    def test(self):
        """nginx -t: its exit status and what it says."""
        done = subprocess.run(self.command("-t"), capture_output=True, text=True)
        assert not IS_IN_VALGRIND or not re.search(r"^==\d+==", done.stderr, re.M), done.stderr
        return done.returncode, done.stderr

    def start(self):
        self.process = subprocess.Popen(self.command(), stderr=open(self.directory / "logs/stderr", "w"))
        until = time.monotonic() + 60
        while True:
            try:
                if self.get("/ready").status == 204:
                    return self
            except OSError:
                pass
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)

    def run(self, *keys, **conf):
        """Start it with these keys, and a location that asks the provider."""
        self.write_keys(*keys)
        conf.setdefault("location", self.proxy())
        self.write_conf(**conf)
        return self.start()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        before = self.workers()
        self.signal(signal.SIGHUP)
        wait_for(lambda: self.workers() and not set(self.workers()) & set(before))

    def workers(self):
        pid = self.process.pid
        path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        found = []
        for child in path.read_text().split():
            try:
                title = pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if IS_IN_VALGRIND or b"worker process" in title and b"shutting down" not in title:  # valgrind shows its own title
                found.append(int(child))
        return found

    def log(self):
        return (self.directory / "logs/error.log").read_text() + (self.directory / "logs/stderr").read_text()

    def access(self):
        return (self.directory / "logs/access.log").read_text().splitlines()

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def get(self, path="/v1/models", **more):
        return self.ask("GET", path, **more)

    def post(self, body=b'{"model":"gpt-x"}', path="/v1/chat/completions", **more):
        return self.ask("POST", path, body, **more)

    def ctl(self, *arguments, stdin=None):
        user = ["--user", self.user] if os.geteuid() == 0 else []
        return subprocess.run([CTL, *user, *arguments], input=stdin, capture_output=True, text=True, check=True).stdout

    def stat(self):
        user = ["--user", self.user] if os.geteuid() == 0 else []
        done = subprocess.run([STAT, *user, "--json", self.pool], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["pools"][0]

    def states(self):
        """(status, reason) by the last digits of a key."""
        return {key["masked_key"][-4:]: (key["status"], key["reason"]) for key in self.stat()["keys"]}

    def leases(self):
        user = ["--user", self.user] if os.geteuid() == 0 else []
        done = subprocess.run([STAT, *user, "--leases", "--json", self.pool], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["pools"][0]["leases"]


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.02)


def key(answer, number):
    """Long enough that its end is shown."""
    return f"sk-test-{answer}-{number:08d}"


@pytest.fixture
def provider():
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def gateway(tmp_path, provider):
    for parent in list(tmp_path.parents)[:3]:
        if os.geteuid() == 0 and parent.owner() == "root" and str(parent) not in ("/", "/tmp"):
            parent.chmod(0o755)
    gateway = Gateway(tmp_path, provider)
    yield gateway
    gateway.provider.release.set()
    gateway.stop()
    log = gateway.log() if (tmp_path / "logs/stderr").exists() else ""
    for path in pathlib.Path("/dev/shm").glob(f"keyshm.*.{gateway.pool}*"):
        path.unlink()
    assert "signal 11" not in log and "signal 6" not in log and "AddressSanitizer" not in log, log
    assert not IS_IN_VALGRIND or not re.search(r"^==\d+==", log, re.M), log
    for name in ("error.log", "access.log", "stderr"):
        path = tmp_path / "logs" / name
        assert not path.exists() or "sk-test-" not in path.read_text(), f"a key in {name}"
