# SPDX-License-Identifier: MIT
# All of it is public in the package.
from keyshm import (
    AccessDenied as AccessDenied,
    Damaged as Damaged,
    Empty as Empty,
    Error as Error,
    Exhausted as Exhausted,
    Exists as Exists,
    InvalidArgument as InvalidArgument,
    Key as Key,
    Lease as Lease,
    LockTimeout as LockTimeout,
    NotFound as NotFound,
    Pool as Pool,
    ReadOnly as ReadOnly,
    Stale as Stale,
    WrongLayout as WrongLayout,
    __version__ as __version__,
    judge as judge,
    layout as layout,
    open as open,
    pools as pools,
    set_log_level as set_log_level,
    unlink as unlink,
)

def _at_exit() -> None: ...
