#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""worker.py ROOT LIBRARY LIBRARY-HTTP KEYSHM-STAT KEYSHM-CTL: the README's loop is that of examples/worker.c, which compiles and works."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from compiling import compiled

POOL = f"docs-worker-{os.getpid()}"
KEYS = "sk-0123456789-0123456789-3Abc\nsk-0123456789-0123456789-7Def\n"
TIMEOUT_S = 60


def c_blocks(readme):
    return re.findall(r"^```c\n(.*?)^```$", readme, re.M | re.S)


def keys_of(stat):
    output = subprocess.run([stat, "--json", POOL], check=True, text=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)["pools"][0]["keys"]


def await_keys(process, stat, are_right):
    end = time.monotonic() + TIMEOUT_S
    while not are_right(keys_of(stat)):
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the worker picks and marks no key: {keys_of(stat)}")
        time.sleep(0.02)


def run(worker, stat, ctl):
    """It waits for the first key, picks every key, marks one as rate limited, and waits again when there is no key left."""
    subprocess.run([ctl, "create", POOL], check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen([worker, POOL])
    try:
        for _ in range(2):
            subprocess.run([ctl, "add", POOL], input=KEYS, check=True, text=True, stdout=subprocess.DEVNULL)
            await_keys(process, stat, lambda keys: all(key["picks"] for key in keys)
                       and any(key["marked"]["rate_limited"] for key in keys))
            for key in keys_of(stat):
                subprocess.run([ctl, "remove", POOL, str(key["id"])], check=True, stdout=subprocess.DEVNULL)
    finally:
        process.kill()
        process.wait()


def main():
    root, library, library_http, stat, ctl = sys.argv[1:]
    source = Path(root, "examples", "worker.c")
    program = source.read_text(encoding="utf-8")
    blocks = c_blocks(Path(root, "README.md").read_text(encoding="utf-8"))
    for block in blocks:
        if textwrap.indent(block, "    ") not in program:
            print(f"README.md has C that is not in {source.name}:\n{block}")
            return 1
    with tempfile.TemporaryDirectory() as scratch:
        run(compiled(source, Path(root, "include"), [library_http, library], scratch), stat, ctl)
    print(f"{len(blocks)} block of the README; compiled and run")
    return 0 if blocks else 1


try:
    sys.exit(main())
finally:
    for segment in glob.glob(f"/dev/shm/keyshm.*.{POOL}"):
        os.unlink(segment)
