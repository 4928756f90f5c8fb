# SPDX-License-Identifier: MIT
"""Celery's prefork workers with the task of docs/python.md: each key gets as many requests as the others; and a limit on tokens is
kept and used up, whatever tasks are killed.

In that test KEYSHM_TEST_PROCESSES workers (8) have more to ask than the provider answers: scripts/prove has 50."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

import keyshm
from processes import wait_until
from provider import Handler, Provider
from recipes import FILES, adapted

celery = pytest.importorskip("celery", reason="needs python3-celery")
pytest.importorskip("httpx", reason="needs python3-httpx")

KEYS = [f"sk-celery-{number:030d}" for number in range(10)]
PROCESSES = int(os.environ.get("KEYSHM_TEST_PROCESSES", "8"))


class Account:
    """What the keys of one account have used comes back evenly. All of it can be used at once."""

    def __init__(self, tokens, per):
        self.tokens, self.rate = tokens, tokens / per
        self.used, self.at = 0.0, 0.0
        self.admitted = []  # (when, how many)
        self.refused = 0

    def take(self, tokens):
        now = time.monotonic()
        self.used = max(0.0, self.used - (now - self.at) * self.rate)
        self.at = now
        if self.used + tokens > self.tokens:
            self.refused += 1
            return False
        self.used += tokens
        self.admitted.append((now, tokens))
        return True

    def sum(self):
        return sum(tokens for _, tokens in self.admitted[:])

    def share(self, burst):
        """Which share of what came back was used: what is beyond those that could be used at once."""
        (first, _), (last, _) = self.admitted[0], self.admitted[-1]
        return (self.sum() - burst) / (self.rate * (last - first))


class Counting(Handler):
    """A question says how many tokens it takes. One that hangs has no answer before its client is gone."""

    def do_POST(self):
        question = json.loads(self.read_body())
        provider = self.server.provider
        with provider.lock:
            provider.asked.append((self.path, self.key(), question))
            admitted = provider.account is None or provider.account.take(question["tokens"])
        if not admitted:
            return self.answer(429, {"Retry-After": "1"}, b"{}")
        if question.get("hangs"):
            self.close_connection = True
            self.wait_for_its_end()
            with provider.lock:
                provider.hung += 1
            return None
        return self.answer(200, {}, json.dumps({"usage": {"total_tokens": question["tokens"]}}).encode())

    def wait_for_its_end(self):
        try:
            assert self.connection.recv(1) == b""
        except ConnectionResetError:
            pass


@pytest.fixture
def provider():
    made = Provider(Counting)
    made.account, made.hung = None, 0
    yield made
    made.close()


# Celery shares locks between its processes if a broker has no descriptor to wait for; killed with one of them, they all stop. So
# this broker of files says that it has, as those have that people use.
CONFIGURATION = """
import queue

import kombu.transport
from kombu.transport import filesystem


class Transport(filesystem.Transport):
    implements = filesystem.Transport.implements.extend(asynchronous=True)

    def register_with_event_loop(self, connection, loop):
        loop.call_repeatedly(0.005, self.look)

    def look(self):
        try:
            while True:
                self.cycle.get(self._deliver)
        except queue.Empty:
            pass


kombu.transport.TRANSPORT_ALIASES["files"] = "celeryconfig:Transport"
broker_url = "files://"
broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
worker_prefetch_multiplier = 8
worker_enable_remote_control = False
task_ignore_result = True
"""


class Worker:
    """A worker of Celery in a folder of its own, with so many processes; and who sends it tasks."""

    def __init__(self, folder, processes, pool, provider):
        self.outbox, self.queue, self.log = folder / "outbox", folder / "queue", folder / "log"
        self.outbox.mkdir()
        self.queue.mkdir()
        (folder / "celeryconfig.py").write_text(CONFIGURATION)
        (folder / "tasks.py").write_text(adapted(FILES["tasks.py"], pool, provider.url))
        self.app = celery.Celery("tests", broker="filesystem://", set_as_current=False)
        folders = {"data_folder_in": self.outbox, "data_folder_out": self.outbox, "control_folder": folder / "control"}
        self.app.conf.broker_transport_options = {name: str(path) for name, path in folders.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--app", "tasks", "worker", "--concurrency", str(processes), "--loglevel", "error",
             "--logfile", self.log, "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_until(self, condition):
        wait_until(condition, lambda: self.log.read_text() if self.log.exists() else "the worker has not begun")

    def ask(self, estimate, time_limit=None, **question):
        """The worker looks into its queue without a lock, so a task comes there when it is written."""
        self.app.send_task("tasks.ask", (question, estimate), time_limit=time_limit, ignore_result=True)
        for task in self.outbox.iterdir():
            task.rename(self.queue / task.name)

    def waiting(self):
        return len(os.listdir(self.queue))


def asked(provider):
    counts = Counter(provider.keys)
    return [counts[key] for key in KEYS]


def test_even(tmp_path, named, provider):
    with keyshm.open(named) as pool, Worker(tmp_path, 4, named, provider) as worker:
        pool.replace_keys(KEYS)
        for _ in range(400):
            worker.ask(10, tokens=10)
        worker.wait_until(lambda: len(provider.asked) == 400)
        assert asked(provider) == [40] * 10

        pool.set_limits(in_flight=8)  # for places that name their holder; no key's are all taken
        worker.ask(10, tokens=10, hangs=True)
        worker.wait_until(pool.leases)
        worker.wait_until(lambda: len(provider.asked) == 401)
        os.kill(pool.leases()[0].pid, signal.SIGKILL)
        for _ in range(99):
            worker.ask(10, tokens=10)
        worker.wait_until(lambda: len(provider.asked) == 500)
        assert asked(provider) == [50] * 10
        worker.wait_until(lambda: pool.reap() == 0 and pool.leases() == [])
        assert pool.verify() == []


# ---- a limit on tokens ----

ESTIMATE = 30
#: What the provider allows. The pool allows a little less of that at once, for a request that comes late, when its process was killed
#: and what it held is draining.
AMOUNT = 160 + 10 * PROCESSES
LIMIT = keyshm.Rate(amount=AMOUNT, per=2, burst=AMOUNT - 3 * ESTIMATE)
#: So much of it is used.
TIMES = 3
#: A task has to wait for its tokens, too.
TIME_LIMIT = 3 if PROCESSES <= 8 else 5
#: If these kept what they held, nothing would be left.
KILLED = LIMIT.burst // ESTIMATE + 1
TIMED_OUT = 2

#: Of the tasks, for one that does not end: then Celery has to start little more than a process in a second.
ANSWERED = AMOUNT // 50


def send_tasks(worker):
    """Those that are answered use half of what they have estimated."""
    for _ in range(ANSWERED):
        worker.ask(ESTIMATE, tokens=ESTIMATE // 2)
    worker.ask(ESTIMATE, time_limit=TIME_LIMIT, tokens=ESTIMATE, hangs=True)


class Killer:
    """Of three processes that hold a lease for long, it kills two, not more than Celery starts others meanwhile. The time limit tells
    the third one to end before it kills it."""

    def __init__(self, pool):
        self.pool, self.spared, self.killed = pool, set(), set()
        self.not_before = 0.0

    def look(self):
        for held in self.pool.leases():
            if held.held < 0.7 or held.pid in self.spared | self.killed or time.monotonic() < self.not_before:
                continue
            if 2 * len(self.spared) < len(self.killed):
                self.spared.add(held.pid)
            else:
                os.kill(held.pid, signal.SIGKILL)
                self.killed.add(held.pid)
                self.not_before = time.monotonic() + 0.5


def use_tokens(folder, name, provider):
    """Returns which share of what came back was used."""
    account = provider.account = Account(LIMIT.amount, LIMIT.per)
    provider.hung = 0

    def is_done():
        if worker.waiting() < 2 * PROCESSES:
            send_tasks(worker)
        killer.look()
        enough = len(killer.killed) >= KILLED and provider.hung >= KILLED + TIMED_OUT
        return enough and account.sum() >= TIMES * LIMIT.amount

    with keyshm.open(name) as pool:
        group = pool.group("account")
        pool.replace_keys(KEYS[:4], group=group)
        pool.set_limits(group, tokens=LIMIT)
        killer = Killer(pool)
        with Worker(folder, PROCESSES, name, provider) as worker:
            worker.wait_until(is_done)
        wait_until(lambda: pool.reap() == 0 and pool.leases() == [], lambda: f"{len(pool.leases())} leases")
        assert pool.verify() == []
    keyshm.unlink(name)
    return account.share(LIMIT.burst)


def test_tokens(tmp_path, named, provider):
    """All of what the provider allows is used, but for what a machine loses that does not get round to it: that is tried again."""
    shares = []
    while len(shares) < 3 and max(shares, default=0) < 0.9:
        folder = tmp_path / str(len(shares))
        folder.mkdir()
        shares.append(use_tokens(folder, named, provider))
        assert provider.account.refused == 0
    print("shares of the limit that were used:", *shares)
    assert max(shares) >= 0.9
