#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A worker of the torture in Python: worker.py POOL ARENA_FD SEAT SEED NAME=VALUE... (torture.h, program.c).

It picks, leases, marks, reports and forks, and has keys of its own; and like those in C it writes down each operation before it calls,
and that it has returned. The controller kills it, and its child, at any moment. Exit status 1: something was not as it must be.
"""

import mmap
import os
import random
import sys

import keyshm

POOL, ARENA_FD, SEAT, SEED = sys.argv[1], *map(int, sys.argv[2:5])
N = {name: int(value) for name, value in (argument.split("=") for argument in sys.argv[5:])}

CHANCE = random.Random(SEED)


def expect(condition, what):
    """Not assert, which -O takes away."""
    if not condition:
        raise AssertionError(what)


class Arena:
    """The memory that is shared with the controller. A store of one number is one store of the processor."""

    def __init__(self, descriptor, seat):
        self.bytes = memoryview(mmap.mmap(descriptor, 0))
        self.words = self.bytes.cast("I")
        self.ids = self.bytes.cast("Q")
        log = N["LOGS"] + seat * N["LOG_BYTES"]
        self.begun, self.acknowledged, self.entries = log + N["BEGUN"], log + N["ACKNOWLEDGED"], log + N["ENTRIES"]

    def is_over(self):
        return self.bytes[N["OVER"]] != 0

    def is_full(self):
        """Before the last action, which may have many entries."""
        return self.words[self.begun // 4] >= N["LOG_MAX"] - 1000

    def texts_of(self, seat):
        start = N["TEXTS"] + seat * N["OWN_KEYS"] * N["TEXT_SIZE"]
        texts = [bytes(self.bytes[at:at + N["TEXT_SIZE"]]) for at in range(start, start + N["OWN_KEYS"] * N["TEXT_SIZE"], N["TEXT_SIZE"])]
        return [text.partition(b"\0")[0].decode() for text in texts]

    def begin(self, operation, own=0, level=0, key_id=0):
        """Returns the entry, for acknowledge()."""
        number = self.words[self.begun // 4]
        entry = self.entries + number * N["ENTRY_BYTES"]
        self.words[(entry + N["ENTRY_OPERATION"]) // 4] = operation
        self.words[(entry + N["ENTRY_OWN"]) // 4] = own
        self.words[(entry + N["ENTRY_LEVEL"]) // 4] = level
        self.ids[(entry + N["ENTRY_ID"]) // 8] = key_id
        self.words[self.begun // 4] = number + 1
        return entry

    def acknowledge(self, entry, key_id=None):
        if key_id is not None:
            self.ids[(entry + N["ENTRY_ID"]) // 8] = key_id
        self.words[self.acknowledged // 4] = self.words[self.begun // 4]


class OwnKey:
    """What this worker knows of a key that only it adds, removes and marks for long."""

    def __init__(self, number, text, key_id):
        self.number, self.text, self.id = number, text, key_id
        self.is_known = key_id is None  # not what an earlier life has done with it
        self.is_paused, self.level, self.level_for_model = False, N["LEVEL_NONE"], N["LEVEL_NONE"]

    def is_benched(self, model):
        levels = {self.level, self.level_for_model} if model else {self.level}
        return self.is_paused or levels != {N["LEVEL_NONE"]}


class Worker:
    def __init__(self, pool, arena):
        self.pool, self.arena = pool, arena
        self.owners = {text: seat for seat in range(N["SEATS"] + 1) for text in arena.texts_of(seat) if text}
        self.own = {text: OwnKey(number, text, self.find(text)) for number, text in enumerate(arena.texts_of(SEAT))}
        self.picked = None  # the last key that may be marked
        self.depth = 0      # of children

    def find(self, text):
        try:
            return self.pool.find(text)
        except keyshm.NotFound:
            return None

    # ---- anybody's keys ----

    def check_pick(self, secret, key_id, model=0):
        expect(secret in self.owners, "a key of the pool")
        if self.owners[secret] == SEAT and not self.depth:
            key = self.own[secret]
            expect(key_id == key.id, "the key has the id that it was added with")
            expect(not (key.is_known and key.is_benched(model)), "the key can be used")

    def pick(self):
        entry = self.arena.begin(N["OPERATION_PICK"])
        key = self.pool.next()
        self.arena.acknowledge(entry, key.id)
        self.check_pick(key.secret, key.id)
        self.picked = key if self.owners[key.secret] != N["SEATS"] else None

    def lease(self):
        entry = self.arena.begin(N["OPERATION_PICK"])
        with self.pool.lease(model=N["MODEL"], tokens=CHANCE.randrange(100)) as lease:
            self.arena.acknowledge(entry, lease.id)
            self.check_pick(lease.secret, lease.id, N["MODEL"])
            self.picked = lease if self.owners[lease.secret] != N["SEATS"] else None
            CHANCE.choice([self.nothing, self.settle, self.succeed, self.report, self.mark_short, self.fork])(lease)
            self.picked = None

    def nothing(self, key):
        pass

    def settle(self, lease):
        entry = self.arena.begin(N["OPERATION_OTHER"])
        try:
            lease.settle(CHANCE.randrange(200))
        except keyshm.Stale:
            pass
        self.arena.acknowledge(entry)

    def succeed(self, key):
        entry = self.arena.begin(N["OPERATION_OTHER"])
        try:
            key.success()
        except keyshm.Stale:
            pass
        self.arena.acknowledge(entry)

    def mark_short(self, key=None):
        """A key object, or its id: with the stamp of the pick, or without."""
        if self.picked is None:
            return
        seconds = CHANCE.randint(1, N["SHORT_MAX_MS"]) / 1000
        entry = self.arena.begin(N["OPERATION_MARK_SHORT"], key_id=self.picked.id)
        try:
            if CHANCE.random() < 0.5:
                self.picked.rate_limited(seconds)
            else:
                self.pool.rate_limited(self.picked.id, seconds, model=CHANCE.choice([None, N["MODEL"]]))
        except keyshm.Stale:
            pass
        self.arena.acknowledge(entry)

    def report(self, key):
        """What a provider answers that limits the rate."""
        if self.picked is None:
            return
        entry = self.arena.begin(N["OPERATION_MARK_SHORT"], key_id=key.id)
        try:
            verdict = key.report(status=429, headers={"retry-after-ms": str(CHANCE.randint(1, N["SHORT_MAX_MS"]))}, body=b"{}")
            expect(verdict.status == "rate_limited", "a 429 is a rate limit")
        except keyshm.Stale:
            pass
        self.arena.acknowledge(entry)

    def fork(self, lease=None):
        """The child uses the pool too, also while its parent has a lease. It is not the parent's keys' owner."""
        if self.depth:
            return
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.depth, self.picked = 1, None
                for _ in range(CHANCE.randrange(10)):
                    CHANCE.choice([self.pick, self.lease, self.mark_short])()
                status = 0
            except BaseException as exception:
                os.write(2, f"a child: {type(exception).__name__}: {exception}\n".encode())
            finally:
                os._exit(status)
        expect(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child ends well")
        if lease is not None:
            expect(lease.is_held, "the lease is the parent's still")

    # ---- one's own ----

    def add(self, key):
        entry = self.arena.begin(N["OPERATION_ADD"], own=key.number)
        key.__init__(key.number, key.text, None)
        key.id = self.pool.add(key.text)
        self.arena.acknowledge(entry, key.id)

    def remove(self, key):
        entry = self.arena.begin(N["OPERATION_REMOVE"], own=key.number, key_id=key.id)
        self.pool.remove(CHANCE.choice([key.id, key.text]))
        self.arena.acknowledge(entry)
        key.__init__(key.number, key.text, None)
        expect(self.find(key.text) is None, "what was removed is gone")

    def mark_long(self, key):
        model = CHANCE.choice([0, N["MODEL"]])
        level, mark = CHANCE.choice([
            (N["LEVEL_RATE_LIMITED"], lambda: self.pool.rate_limited(key.id, N["LONG_MS"] / 1000, model=model)),
            (N["LEVEL_QUOTA_EXCEEDED"], lambda: self.pool.quota_exceeded(key.id, keyshm.UNTIL_MARKED, model=model)),
            (N["LEVEL_INVALID"], lambda: self.pool.invalid(key.id, model=model)),
        ])
        operation = N["OPERATION_MARK_FOR_MODEL"] if model else N["OPERATION_MARK_LONG"]
        entry = self.arena.begin(operation, own=key.number, level=level, key_id=key.id)
        mark()
        self.arena.acknowledge(entry)
        if model:
            key.level_for_model = max(level, key.level_for_model)
        else:
            key.level = max(level, key.level)
        expect(not self.pool.is_available(key.id, model), "what was marked is not available")

    def mark_available(self, key):
        entry = self.arena.begin(N["OPERATION_MARK_AVAILABLE"], own=key.number, key_id=key.id)
        self.pool.available(key.id)
        self.arena.acknowledge(entry)
        key.level = key.level_for_model = N["LEVEL_NONE"]

    def pause_or_resume(self, key):
        pauses = CHANCE.random() < 0.5
        entry = self.arena.begin(N["OPERATION_PAUSE" if pauses else "OPERATION_RESUME"], own=key.number, key_id=key.id)
        (self.pool.pause if pauses else self.pool.resume)(key.id)
        self.arena.acknowledge(entry)
        key.is_paused = pauses

    def look(self, key):
        entry = self.arena.begin(N["OPERATION_OTHER"])
        expect(self.find(key.text) == key.id, "the key is found")
        CHANCE.choice([self.pool.states, self.pool.workers, self.pool.leases, self.pool.events, self.pool.info, self.pool.groups])()
        self.arena.acknowledge(entry)

    def work_on_own(self):
        key = CHANCE.choice(list(self.own.values()))
        if key.id is None:
            self.add(key)
        else:
            CHANCE.choice([self.remove, self.mark_long, self.mark_available, self.mark_available, self.pause_or_resume, self.look])(key)

    def live(self):
        actions = [self.pick, self.pick, self.lease, self.lease, self.mark_short, self.work_on_own, self.work_on_own]
        while not self.arena.is_over() and not self.arena.is_full():
            if CHANCE.random() < 0.01:
                self.fork()
            CHANCE.choice(actions)()


with keyshm.Pool.attach(POOL) as attached:
    Worker(attached, Arena(ARENA_FD, SEAT)).live()
