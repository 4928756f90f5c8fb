#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What one pick costs in Python, beside what programs do instead. What is not installed is left out.

    bench/python/compare.py [--json FILE] [--rounds N] [--check] [--library LIBKEYSHM] [--package DIRECTORY]

Each contender hands out one of 100 keys in turn, and knows of cooldowns where it can. CPU time is that of this process, the least of
all rounds, of which each contender has one in turn; of those that ask a server, that of the server is not in it. Wall time is the
least, too. What the loop itself costs is taken off from both. With --check the exit status is 1 if a bar is not met. The table is
Markdown, for docs/python.md; bench/plot.py draws the same from the JSON.
"""

import argparse
import ctypes
import datetime
import json
import multiprocessing
import os
import pathlib
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

KEYS = [f"sk-bench-{number:042d}" for number in range(100)]
ROUND_SECONDS = 0.02


def arguments():
    parser = argparse.ArgumentParser(description="What one pick costs in Python.")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--rounds", type=int, default=9, help="of each contender (9)")
    parser.add_argument("--check", action="store_true", help="fail if a bar is not met")
    parser.add_argument("--library", help="libkeyshm.so, for ctypes")
    parser.add_argument("--package", help="the directory in which the package keyshm is")
    return parser.parse_args()


# ---- keyshm ----


def keyshm_pool():
    import keyshm
    pool = keyshm.Pool.anonymous("bench", capacity=128)
    pool.replace_keys(KEYS)
    return pool


def keyshm_secret():
    return keyshm_pool().next_secret


def keyshm_key():
    return keyshm_pool().next


def keyshm_lease():
    pool = keyshm_pool()

    def use():
        with pool.lease():
            pass

    return use


def keyshm_lease_model():
    pool = keyshm_pool()

    def use():
        with pool.lease(model="large", tokens=500):
            pass

    return use


def keyshm_mark():
    key = keyshm_pool().next()
    return key.success


# ---- without the package ----


def by_ctypes(library="libkeyshm.so.0"):
    """The library as it can be reached without the package: one call, and the bytes of the buffer."""
    library = ctypes.CDLL(library)
    pool = ctypes.c_void_p()
    if library.keyshm_create_anonymous(ctypes.byref(pool), b"bench", None) != 0:
        raise OSError("keyshm_create_anonymous")
    identifier = ctypes.c_uint64()
    for key in KEYS:
        library.keyshm_add(pool, key.encode(), ctypes.byref(identifier))
    pick = library.keyshm_next_key
    pick.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    pick.restype = ctypes.c_ssize_t
    buffer = ctypes.create_string_buffer(513)

    def use():
        pick(pool, buffer, 513, None)
        return buffer.value.decode()

    return use


class Manager:
    """As in-process managers are written: an RLock, a dict of states, and all cooldowns looked at before each pick."""

    def __init__(self, keys):
        self.lock = threading.RLock()
        self.keys = {key: {"state": "available", "until": None, "last_used": None, "count": 0} for key in keys}
        self.order = list(keys)
        self.index = 0

    def reset_expired(self):
        with self.lock:
            now = datetime.datetime.now()
            for state in self.keys.values():
                if state["state"] == "rate_limited" and state["until"] is not None and now >= state["until"]:
                    state["state"], state["until"] = "available", None

    def next(self):
        with self.lock:
            self.reset_expired()
            for _ in range(len(self.order)):
                key = self.order[self.index]
                self.index = (self.index + 1) % len(self.order)
                state = self.keys[key]
                if state["state"] == "available":
                    state["last_used"] = datetime.datetime.now()
                    state["count"] += 1
                    return key
        return None


def rlock_manager(count):
    return lambda: Manager(KEYS[:count]).next


# ---- shared, by other means ----

DIRECTORY = ""  # of this run
STOP = []


def by_shared_value():
    lock, index = multiprocessing.Lock(), multiprocessing.RawValue("L", 0)
    until = multiprocessing.RawArray("d", len(KEYS))

    def use():
        with lock:
            for _ in KEYS:
                number = index.value = (index.value + 1) % len(KEYS)
                if until[number] <= time.monotonic():
                    return KEYS[number]
        return None

    return use


def by_lmdb():
    import lmdb
    environment = lmdb.open(os.path.join(DIRECTORY, "lmdb"), sync=False, metasync=False)
    with environment.begin(write=True) as transaction:
        transaction.put(b"index", b"0")
        for number, key in enumerate(KEYS):
            transaction.put(b"key%d" % number, key.encode())

    def use():
        with environment.begin(write=True) as transaction:
            number = int(transaction.get(b"index"))
            transaction.put(b"index", b"%d" % ((number + 1) % len(KEYS)))
            return transaction.get(b"key%d" % number).decode()

    return use


def by_sqlite():
    database = sqlite3.connect(os.path.join(DIRECTORY, "keys.sqlite"), isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.execute("CREATE TABLE keys (key TEXT PRIMARY KEY, until REAL, used INTEGER)")
    database.execute("CREATE INDEX turns ON keys (used)")
    database.executemany("INSERT INTO keys VALUES (?, 0, ?)", [(key, -len(KEYS) + n) for n, key in enumerate(KEYS)])
    turn = 0

    def use():
        nonlocal turn
        turn += 1
        database.execute("BEGIN IMMEDIATE")
        key, = database.execute("SELECT key FROM keys WHERE until <= ? ORDER BY used LIMIT 1", (time.time(),)).fetchone()
        database.execute("UPDATE keys SET used = ? WHERE key = ?", (turn, key))
        database.execute("COMMIT")
        return key

    return use


def by_diskcache():
    import diskcache
    cache = diskcache.Cache(os.path.join(DIRECTORY, "cache"))
    for number, key in enumerate(KEYS):
        cache[number] = key

    def use():
        return cache[cache.incr("index") % len(KEYS)]

    return use


def by_manager():
    manager = multiprocessing.Manager()
    STOP.append(manager.shutdown)
    shared, lock = manager.dict(index=0, **{str(number): key for number, key in enumerate(KEYS)}), multiprocessing.Lock()

    def use():
        with lock:
            number = shared["index"]
            shared["index"] = (number + 1) % len(KEYS)
            return shared[str(number)]

    return use


def by_redis():
    import redis
    server = shutil.which("redis-server")
    if server is None:
        raise ImportError("redis-server")
    path = os.path.join(DIRECTORY, "redis.sock")
    process = subprocess.Popen([server, "--port", "0", "--unixsocket", path, "--save", "", "--dir", DIRECTORY],
                               stdout=subprocess.DEVNULL)
    STOP.append(lambda: (process.terminate(), process.wait()))
    deadline = time.monotonic() + 20
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                break
        if time.monotonic() > deadline:
            raise ImportError("redis-server does not start")
        time.sleep(0.01)
    client = redis.Redis(unix_socket_path=path)
    client.rpush("keys", *KEYS)
    return lambda: client.rpoplpush("keys", "keys").decode()


CONTENDERS = {
    "keyshm: pool.next_secret()": keyshm_secret,
    "keyshm: pool.next()": keyshm_key,
    "keyshm: with pool.lease()": keyshm_lease,
    "keyshm: with pool.lease(model=, tokens=)": keyshm_lease_model,
    "keyshm: key.success()": keyshm_mark,
    "keyshm by ctypes": by_ctypes,
    "RLock manager, 1 key": rlock_manager(1),
    "RLock manager, 5 keys": rlock_manager(5),
    "RLock manager, 100 keys": rlock_manager(100),
    "multiprocessing.Lock and RawArray": by_shared_value,
    "py-lmdb, no sync": by_lmdb,
    "sqlite3, WAL, no sync": by_sqlite,
    "diskcache": by_diskcache,
    "redis-py, unix socket": by_redis,
    "multiprocessing.Manager": by_manager,
}

BASE = "keyshm: pool.next_secret()"

# (what, at most: in ns, or as a part of another)
BARS = [
    (BASE, 60, None),
    ("keyshm: with pool.lease()", 300, None),
    (BASE, 1 / 5, "keyshm by ctypes"),
    (BASE, 1 / 25, "RLock manager, 1 key"),
    (BASE, 1 / 25, "RLock manager, 5 keys"),
    (BASE, 1 / 25, "RLock manager, 100 keys"),
]


# ---- measuring ----


def loop(function, count):
    for _ in range(count):
        function()


def empty():
    pass


def timed(function, count):
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    loop(function, count)
    return time.process_time_ns() - cpu, time.perf_counter_ns() - wall


def calibrated(function):
    """So many calls take a round."""
    count = 10
    while (elapsed := timed(function, count)[1]) < ROUND_SECONDS * 1e9 / 4:
        count *= 4
    return max(1, int(count * ROUND_SECONDS * 1e9 / elapsed))


def loop_cost(rounds):
    """Of the loop alone, in ns: a for statement, without what it calls."""
    def bare(count):
        for _ in range(count):
            pass

    best = float("inf")
    for _ in range(rounds):
        start = time.process_time_ns()
        bare(1_000_000)
        best = min(best, (time.process_time_ns() - start) / 1_000_000)
    return best


def ready():
    functions = {"(an empty function)": empty}
    for name, make in CONTENDERS.items():
        try:
            functions[name] = make()
        except (ImportError, OSError) as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
    return functions


def run(rounds):
    """{contender: ([CPU ns of each round], [wall ns of each round])}"""
    functions, loop_ns = ready(), loop_cost(rounds)
    counts = {name: calibrated(function) for name, function in functions.items()}
    figures = {name: ([], []) for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            for times, elapsed in zip(figures[name], timed(function, counts[name])):
                times.append(elapsed / counts[name] - loop_ns)
    return figures


def processor():
    names = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def as_json(figures, rounds):
    return {
        "machine": {"processor": processor(), "processors": os.cpu_count(), "system": f"{platform.system()} {platform.release()}",
                    "python": f"Python {platform.python_version()}"},
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "python_picks": [{"contender": name, "cpu_ns": cpu, "wall_ns": wall} for name, (cpu, wall) in figures.items()],
    }


# ---- what came of it ----


def duration(ns):
    """Two digits, or three."""
    if ns < 1000:
        return f"{ns:.0f} ns"
    return f"{float(f'{ns / 1000:.3g}'):g} µs"


def ratio(times):
    return f"{times:.1f}" if times < 9.95 else f"{float(f'{times:.3g}'):,.0f}"


def markdown(result):
    """A table: of each contender the least CPU and wall time of all rounds, and how many times the first one's."""
    least = [(one["contender"], min(one["cpu_ns"]), min(one["wall_ns"])) for one in result["python_picks"]]
    base = dict((name, cpu) for name, cpu, _ in least)[BASE]
    rows = ["| one pick of 100 keys, as `str` | CPU | wall | times |", "|---|---|---|---|"]
    return "\n".join(rows + [f"| {name} | {duration(cpu)} | {duration(wall)} | {ratio(cpu / base)} |" for name, cpu, wall in least])


def check(result):
    """How many bars are not met."""
    least = {one["contender"]: min(one["cpu_ns"]) for one in result["python_picks"]}
    failed = 0
    for name, most, other in BARS:
        if other is not None and other not in least:
            continue
        bar = most if other is None else most * least[other]
        failed += least[name] > bar
        words = f"{most} ns" if other is None else f"a {round(1 / most)}th of {other}, {bar:,.0f} ns"
        print(f"{'met' if least[name] <= bar else 'NOT MET':8} {name}: {least[name]:,.1f} ns, at most {words}")
    return failed


def main():
    global DIRECTORY
    options = arguments()
    if options.package:
        sys.path.insert(0, options.package)
    if options.library:
        CONTENDERS["keyshm by ctypes"] = lambda: by_ctypes(options.library)
    with tempfile.TemporaryDirectory(prefix="keyshm-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as DIRECTORY:
        try:
            result = as_json(run(options.rounds), options.rounds)
        finally:
            for stop in STOP:
                stop()
    print(markdown(result), end="\n\n")
    failed = check(result)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if options.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
