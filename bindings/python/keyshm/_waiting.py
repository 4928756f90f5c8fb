# SPDX-License-Identifier: MIT
"""Pool.alease(): a wait that asyncio drives.

A timer, and nothing that a fork would have to take apart: it asks the pool again when a key is to be expected, at the latest after a
tenth of a second, since another process may have given one back.
"""

from __future__ import annotations

import asyncio
import datetime
import math
import random
import time

from keyshm._keyshm import Exhausted

_LONGEST = 0.1
_SHORTEST = 0.001
# So that not all who wait for the same instant come at the same time.
_JITTER = 0.02


def _seconds(wait):
    if wait is None:
        return 0.0
    if isinstance(wait, datetime.timedelta):
        return wait.total_seconds()
    if not isinstance(wait, (int, float)):
        raise TypeError("wait must be seconds (a number) or a timedelta")
    if math.isnan(wait):
        raise ValueError("wait is not a number")
    return float(wait)


class Acquisition:
    """What alease() returns: await it, or use it in an `async with` statement."""

    __slots__ = ("_pool", "_request", "_wait", "_soonest", "_lease")

    def __init__(self, pool, *, model=None, tokens=0, affinity=None, wait=None, soonest=False):
        self._pool = pool
        self._request = {"model": model, "tokens": tokens, "affinity": affinity}
        self._wait = _seconds(wait)
        self._soonest = soonest

    def __await__(self):
        return self._acquire().__await__()

    async def __aenter__(self):
        self._lease = await self._acquire()
        return self._lease

    async def __aexit__(self, *exception):
        self._lease.release()

    async def _acquire(self):
        end = time.monotonic() + self._wait
        pause = _SHORTEST
        while True:
            left = end - time.monotonic()
            try:
                return self._pool.lease(**self._request, soonest=self._soonest and left <= 0)
            except Exhausted as exhausted:
                if left <= 0:
                    raise
                expected = exhausted.retry_in
            # Where a key is to be had now and was not got, others were faster: do not go round and round.
            pause = min(2 * pause, _LONGEST) if expected == 0 else _SHORTEST
            delay = pause if expected == 0 else _LONGEST if expected is None else min(expected, _LONGEST)
            await asyncio.sleep(min(delay * (1 + _JITTER * random.random()), left))
