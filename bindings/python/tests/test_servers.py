# SPDX-License-Identifier: MIT
"""gunicorn with the Flask and the Django application of docs/python.md: each key gets as many requests as the others, also when
workers are killed, and what is known of the keys outlives reloads and upgrades."""

import http.client
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import keyshm
from processes import children_of, wait_until
from recipes import FILES, adapted

KEYS = [f"sk-server-{number:030d}" for number in range(10)]
WORKERS = 4

if shutil.which("gunicorn") is None:
    pytest.skip("needs gunicorn", allow_module_level=True)


def needs(library):
    return pytest.mark.skipif(importlib.util.find_spec(library) is None, reason=f"needs python3-{library}")


class Connection(http.client.HTTPConnection):
    """To a socket in the file system."""

    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Gunicorn:
    """An application in its folder, with four workers."""

    def __init__(self, folder, application, *options):
        self.folder, self.log = folder, folder / "log"
        self.masters = [
            subprocess.Popen(
                [sys.executable, shutil.which("gunicorn"), "--workers", str(WORKERS), "--bind", f"unix:{folder}/socket",
                 "--pid", folder / "pid", "--log-file", self.log, "--timeout", "120", *options, application],
                cwd=folder, start_new_session=True, env={**os.environ, "OPENAI_API_KEYS": ",".join(KEYS)},
            )
        ]
        self.master = self.masters[0].pid
        self.wait_until(lambda: self.master_of("pid") == self.master)
        self.wait_for_workers()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            os.killpg(self.masters[0].pid, signal.SIGKILL)  # of an upgrade too
        except ProcessLookupError:
            pass
        self.masters[0].wait()

    def wait_until(self, condition):
        wait_until(condition, lambda: self.log.read_text() if self.log.exists() else "gunicorn has not begun")

    def master_of(self, pid_file):
        try:
            return int((self.folder / pid_file).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def wait_for_workers(self, but=()):
        """Until there are four, and none of those."""
        self.wait_until(lambda: len(children_of(self.master) - set(but)) == WORKERS == len(children_of(self.master)))

    def ask(self, count):
        """So many requests, of which eight are under way at a time."""

        def one(_):
            connection = Connection(self.folder / "socket")
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                return response.status, response.read()
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            return Counter(threads.map(one, range(count)))

    def kill_a_worker(self):
        workers = children_of(self.master)
        victim = min(workers)
        os.kill(victim, signal.SIGKILL)
        self.wait_for_workers(but=[victim])

    def reload(self):
        workers = children_of(self.master)
        os.kill(self.master, signal.SIGHUP)
        self.wait_for_workers(but=workers)

    def upgrade(self):
        """A new master executes the program; then the old one is told to go."""
        os.kill(self.master, signal.SIGUSR2)
        self.wait_until(lambda: self.master_of("pid.2"))
        self.master = self.master_of("pid.2")
        self.wait_for_workers()
        self.masters[0].send_signal(signal.SIGQUIT)
        assert self.masters[0].wait(120) == 0
        self.wait_until(lambda: self.master_of("pid") == self.master)


@pytest.fixture
def project(tmp_path, named, provider):
    """A folder with these files, which use a pool and a provider of the test."""

    def make(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(adapted(text, named, provider.url))
        return tmp_path

    return make


def asked(provider):
    """How often with each key."""
    counts = Counter(provider.keys)
    return [counts[key] for key in KEYS]


@needs("flask")
@pytest.mark.parametrize("options", [[], ["--preload"]], ids=["as it is", "preload"])
def test_flask(project, provider, named, options):
    with Gunicorn(project(app=FILES["app.py"]), "app:app", *options) as server:
        assert server.ask(400) == {(200, b""): 400}
        assert asked(provider) == [40] * 10
        pool = keyshm.Pool.attach(named)
        server.kill_a_worker()
        assert server.ask(100) == {(200, b""): 100}
        assert asked(provider) == [50] * 10

        pool.rate_limited(KEYS[3], 3600)
        server.reload()
        assert server.ask(90) == {(200, b""): 90}
        assert asked(provider) == [60] * 3 + [50] + [60] * 6
        pool.invalid(KEYS[5])
        server.upgrade()
        assert server.ask(80) == {(200, b""): 80}
        assert asked(provider) == [70] * 3 + [50, 70, 60] + [70] * 4
        assert [state.picks for state in pool.states()] == asked(provider) and not pool.is_replaced
        assert [state.status for state in pool.states() if not state.is_available] == ["rate_limited", "invalid"]
        assert pool.leases() == [] and pool.verify() == []


@needs("django")
@needs("requests")
def test_django(project, provider, named):
    files = {
        "settings": 'SECRET_KEY = "of-a-test"\nALLOWED_HOSTS = ["*"]\nROOT_URLCONF = "urls"\n',
        "urls": 'from django.urls import path\nimport views\nurlpatterns = [path("", views.ask)]\n',
        "wsgi": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
                'os.environ["DJANGO_SETTINGS_MODULE"] = "settings"\napplication = get_wsgi_application()\n',
        "views": FILES["views.py"],
    }
    with keyshm.open(named) as pool, Gunicorn(project(**files), "wsgi:application") as server:
        pool.replace_keys(KEYS)
        assert server.ask(100) == {(200, b""): 100}
        assert asked(provider) == [10] * 10
        server.kill_a_worker()
        assert server.ask(100) == {(200, b""): 100}
        assert asked(provider) == [20] * 10
        assert pool.leases() == [] and pool.verify() == []
