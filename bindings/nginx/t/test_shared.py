# SPDX-License-Identifier: MIT
"""One pool, three programs of one user at the same time: nginx, php-fpm by FFI as docs/gateway.md has it, and a Python worker."""
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from conftest import STAT, key, wait_for

FPM = next(iter(sorted(glob.glob("/usr/sbin/php-fpm[0-9]*"))), None)
LIBRARIES = os.environ.get("KEYSHM_LIBRARIES", "").split()
PYTHON = pathlib.Path(os.environ.get("KEYSHM_PYTHON", ""))  # the directory in which the package is
ROOT = pathlib.Path(__file__).resolve().parents[3]
if os.geteuid() != 0:
    REASON = "only root has workers of another user"
elif not LIBRARIES:
    REASON = "an interpreter cannot load a library with a sanitizer in it"
elif "NGINX_WRAPPER" in os.environ:
    REASON = "of nginx's memory the other tests are enough"
elif not FPM:
    REASON = "no php-fpm"
else:
    REASON = None
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

FPM_CONF = """
[global]
pid = {d}/fpm.pid
error_log = {d}/logs/fpm.log
daemonize = no
[www]
user = www-data
group = www-data
listen = {d}/php.sock
listen.owner = www-data
pm = static
pm.max_children = 2
catch_workers_output = yes
"""

# One pick for each line that it reads.
WORKER = """
import sys
import keyshm
pool = keyshm.Pool.attach(sys.argv[1])
for line in sys.stdin:
    with pool.lease() as key:
        print(key.masked, flush=True)
"""


def snippet(language, **names):
    """From the documentation, with other names."""
    text = (ROOT / "docs/gateway.md").read_text(encoding="utf-8")
    code = re.search(rf"^```{language}\n(.*?)^```$", text.partition("## Who shares the pool")[2], re.M | re.S).group(1)
    for name, other in names.values():
        assert name in code, name
        code = code.replace(name, other)
    return code


class Programs:
    """php-fpm and a Python worker beside the gateway's nginx."""

    def __init__(self, gateway):
        self.gateway, directory = gateway, gateway.directory
        # The workers cannot look into every home.
        for path in map(pathlib.Path, LIBRARIES):
            shutil.copy(path, directory / re.match(r".*\.so\.\d+", path.name).group())
        subprocess.run(["sh", "-ec", snippet("sh", header=("/usr/local/include/keyshm.ffi.h", os.environ["KEYSHM_FFI_HEADER"]),
                                             library=("libkeyshm.so.0", f"{directory}/libkeyshm.so.0"), made=("/etc/php/keyshm.h", f"{directory}/keyshm.h"))],
                       check=True)
        (directory / "ask.php").write_text(snippet("php", pool=("'openai'", f"'{gateway.pool}'"),
                                                   provider=("https://api.openai.com", f"http://127.0.0.1:{gateway.provider.port}")))
        (directory / "fpm.conf").write_text(FPM_CONF.format(d=directory))
        self.fpm = subprocess.Popen([FPM, "-n", "-F", "-y", str(directory / "fpm.conf"), "-d", "extension=ffi", "-d", "ffi.enable=true", "-d",
                                     f"ffi.preload={directory}/keyshm.h"], stderr=open(directory / "logs/fpm.stderr", "w"))
        self.python = None
        wait_for(lambda: self.fpm.poll() is not None or self.listens())
        assert self.fpm.poll() is None, (directory / "logs/fpm.stderr").read_text()

    def listens(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.gateway.directory / "php.sock")) == 0

    def children(self):
        return [int(pid) for pid in pathlib.Path(f"/proc/{self.fpm.pid}/task/{self.fpm.pid}/children").read_text().split()]

    def start_python(self):
        package = self.gateway.directory / "python"
        shutil.copytree(PYTHON / "keyshm", package / "keyshm", ignore=shutil.ignore_patterns("*.p", "__pycache__"))
        environment = {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", "LD_LIBRARY_PATH": str(self.gateway.directory)}
        self.python = subprocess.Popen([sys.executable, "-c", WORKER, self.gateway.pool], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True, env=environment, user=self.gateway.user, cwd="/")

    def pick_in_python(self):
        self.python.stdin.write("\n")
        self.python.stdin.flush()
        return self.python.stdout.readline()

    def stop(self):
        if self.python:
            self.python.stdin.close()
            self.python.wait(20)
        self.fpm.send_signal(signal.SIGTERM)
        self.fpm.wait(20)
        for name in ("fpm.log", "fpm.stderr"):
            path = self.gateway.directory / "logs" / name
            assert not path.exists() or "sk-test-" not in path.read_text(), f"a key in {name}"


@pytest.fixture
def programs(gateway):
    started = []

    def start(*keys):
        php = "location /php/ { fastcgi_pass unix:%s/php.sock; fastcgi_param SCRIPT_FILENAME %s/ask.php; fastcgi_param REQUEST_METHOD GET; }"
        gateway.run(*keys, location=gateway.proxy() + php % (gateway.directory, gateway.directory))
        started.append(Programs(gateway))
        return started[0]

    yield start
    gateway.provider.release.set()
    for each in started:
        each.stop()


def workers(gateway):
    """{pid: name} of those that have picked."""
    done = subprocess.run([STAT, "--user", gateway.user, "--workers", "--json", gateway.pool], capture_output=True, text=True, check=True)
    return {w["pid"]: w["name"] for w in json.loads(done.stdout)["pools"][0]["workers"] if w["picks"]}


@pytest.mark.skipif(not glob.glob(f"{PYTHON}/keyshm/_keyshm*.so"), reason="no Python package of keyshm")
def test_one_pool(programs, gateway):
    both = programs(*(key("good", i) for i in range(1, 7)))
    both.start_python()
    gateway.ctl("limits", gateway.pool, "all", "--in-flight", "8")
    answers = {"nginx": [], "php": [], "python": []}
    asks = {"nginx": lambda: gateway.get().status, "php": lambda: gateway.get("/php/ask").status, "python": both.pick_in_python}
    threads = [threading.Thread(target=lambda n=n: answers[n].extend(asks[n]() for _ in range(30))) for n in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers["nginx"] == answers["php"] == [200] * 30
    assert all(re.fullmatch("sk-…000[1-6]\n", masked) for masked in answers["python"])
    seen = workers(gateway)
    assert gateway.workers()[0] in seen and both.python.pid in seen and any("php" in name for name in seen.values()), seen
    picks = [k["picks"] for k in gateway.stat()["keys"]]
    assert sum(picks) == 90 and min(picks) > 0
    assert gateway.leases() == []


def test_what_php_learns_nginx_knows(programs, gateway):
    """The first request is php's, and its key is refused."""
    programs(key("rate", 1), key("good", 2))
    assert b"Rate limit reached" in gateway.get("/php/ask").body
    assert gateway.states()["0001"] == ("rate_limited", "rate_limit")
    for _ in range(3):
        assert gateway.get().status == 200
    assert gateway.provider.keys == [key("rate", 1)] + 3 * [key("good", 2)]


def test_a_php_request_that_dies_with_a_lease(programs, gateway):
    both = programs(key("hang", 1))
    gateway.ctl("limits", gateway.pool, "all", "--in-flight", "1")
    client = gateway.connect()
    client.request("GET", "/php/ask")
    wait_for(gateway.leases)
    holder, = gateway.leases()
    assert holder["pid"] in both.children()
    # Nobody else can have the key.
    assert gateway.get().status == 429
    os.kill(holder["pid"], signal.SIGKILL)
    assert client.getresponse().status == 502
    gateway.provider.release.set()
    wait_for(lambda: gateway.get().status == 200)
    wait_for(lambda: gateway.leases() == [])
