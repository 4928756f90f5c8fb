# SPDX-License-Identifier: MIT
"""Pools for the tests of the live view, and a runner for these tests."""

import atexit
import glob
import json
import os
import re
import signal
import subprocess
import sys

from watch_terminal import Terminal

STAT, CTL, FIXTURE = (os.environ[name] for name in ("KEYSHM_STAT", "KEYSHM_CTL", "FIXTURE"))
BASE = f"cli-{os.path.splitext(os.path.basename(sys.argv[0]))[0].replace('_', '-')}-{os.getpid()}"
LAYOUT = subprocess.check_output([FIXTURE, "layout"], text=True).strip()
SEGMENTS = f"/dev/shm/keyshm.{os.geteuid()}.{LAYOUT}."
helpers = []


def segment(pool):
    return SEGMENTS + pool


@atexit.register
def clean_up():
    for helper in helpers:
        helper.kill()
        helper.wait()
    for path in glob.glob(segment(glob.escape(BASE)) + "*"):
        os.unlink(path)


def ctl(*arguments, keys=None):
    """Run keyshm-ctl, which must succeed, and return its output."""
    result = subprocess.run([CTL, *arguments], input=keys, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f"keyshm-ctl {arguments}: {result.stderr}")
    return result.stdout


def key(end):
    """A key whose masked form is sk-…END."""
    return f"sk-TOPSECRET-0123456789-{end}"


def add(pool, *ends):
    """Add these keys, and return their ids."""
    printed = ctl("add", pool, keys="".join(key(end) + "\n" for end in ends))
    return re.findall(r"^(\d+) ", printed, re.MULTILINE)


def keys_of(pool):
    """The keys as in keyshm-stat --json."""
    return json.loads(subprocess.check_output([STAT, "--json", pool]))["pools"][0]["keys"]


def workers_of(pool):
    """The names of the processes that are attached and live."""
    listed = json.loads(subprocess.check_output([STAT, "--workers", "--json", pool]))
    return [worker["name"] for worker in listed["pools"][0]["workers"] if worker["state"] not in ("closed", "dead")]


def make_pool(name, *ends):
    """Create a pool for the test; its name, and the ids of its keys."""
    pool = f"{BASE}{name}"
    ctl("create", pool)
    return pool, add(pool, *ends) if ends else []


def start_helper(*command):
    helper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    helpers.append(helper)
    return helper


def stopped_holder(pool):
    """A process that is stopped during a membership change, holding the pool's mutex."""
    helper = start_helper(FIXTURE, "change", pool)
    helper.stdout.readline()
    os.kill(helper.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, helper.pid, os.WSTOPPED | os.WNOWAIT)
    return helper


def watch(*arguments, interval="0.1", **options):
    return Terminal([STAT, f"--watch={interval}", *arguments], **options)


def run_tests(tests):
    for test in tests:
        print(test.__name__, flush=True)
        test()
