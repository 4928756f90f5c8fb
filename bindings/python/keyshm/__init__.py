# SPDX-License-Identifier: MIT
"""API keys of rate-limited services in shared memory, for all workers of a machine.

    pool = keyshm.open("openai")
    with pool.lease(wait=5) as key:
        response = httpx.get(url, headers={"Authorization": f"Bearer {key.secret}"})
        key.report(response)

Durations are seconds, as numbers, or timedelta objects; infinity is "until marked". Errors are subclasses of keyshm.Error.
"""

from keyshm._key_lists import keys_from_environment, read_keys
from keyshm._keyshm import (
    AccessDenied,
    Damaged,
    Empty,
    Error,
    Exhausted,
    Exists,
    InvalidArgument,
    Key,
    Lease,
    LockTimeout,
    NotFound,
    Pool,
    ReadOnly,
    Stale,
    WrongLayout,
    __version__,
    judge,
    layout,
    open,
    pools,
    set_log_level,
    unlink,
)
from keyshm._records import (
    Budget,
    Event,
    Events,
    GroupState,
    HeldLease,
    KeyState,
    Limits,
    Policy,
    PoolInfo,
    Rate,
    Replaced,
    Verdict,
    Worker,
)

__all__ = [
    "AccessDenied", "Budget", "Damaged", "Empty", "Error", "Event", "Events", "Exhausted", "Exists", "GroupState",
    "HeldLease", "InvalidArgument", "Key", "KeyState", "Lease", "Limits", "LockTimeout", "NotFound", "Policy",
    "Pool", "PoolInfo", "Rate", "ReadOnly", "Replaced", "Stale", "UNTIL_MARKED", "Verdict", "Worker", "WrongLayout",
    "judge", "keys_from_environment", "layout", "open", "pools", "read_keys", "set_log_level", "unlink",
]

#: A duration without end.
UNTIL_MARKED = float("inf")
