# SPDX-License-Identifier: MIT
"""What the tests of servers ask of processes that they have not started themselves."""

import os
import time

#: Only a test that fails waits for so long.
PATIENCE = 300


def wait_until(condition, explain):
    """Looks at it again and again. `explain` says what there is instead."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, explain()
        time.sleep(0.01)


def _parent_of(pid):
    """None: it has ended, as a zombie has."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, parent = file.read().rpartition(") ")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else int(parent)


def children_of(pid):
    return {int(name) for name in os.listdir("/proc") if name.isdigit() and _parent_of(int(name)) == pid}
