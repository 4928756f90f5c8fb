# SPDX-License-Identifier: MIT
"""The interface of blarify's APIKeyManager, on a pool of keyshm.

    from keyshm.integrations.blarify import APIKeyManager, KeyManagerConfig, KeyState, KeyStatus

By default each manager has a pool of its own, which forked workers share. With pool="NAME" it is one of the machine: all processes
that name it see the same keys, states and cooldowns.

Where it differs: marks of several processes join (the higher status and the later end win), so only an assignment to a state, or
mark_available(), takes one back; retry_after=0 is over at once; a key whose cooldown is over is available without
reset_expired_cooldowns(); a quota that was given a cooldown_until ends then; _key_order is the order of the pool's slots, of which a
removed key's is used again. No key is logged, nor shown by repr().
"""

from __future__ import annotations

import dataclasses
import logging
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import keyshm

__all__ = ["APIKeyManager", "KeyManagerConfig", "KeyState", "KeyStatistics", "KeyStatus"]

_logger = logging.getLogger(__name__)

#: How the keys of known providers begin; what is shorter than this is none.
_PREFIXES = {"openai": "sk-", "anthropic": "sk-ant-", "google": ""}
_KEY_LENGTH_MIN = 21

#: Two readings of one deadline differ by a tick of the kernel's clock and by rounding.
_SAME_DEADLINE = 0.05

#: The longest that a pool can have, in seconds.
_COOLDOWN_MAX = 366 * 86400.0


class KeyStatus(Enum):
    """What is known of a key."""

    AVAILABLE = "available"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    INVALID = "invalid"


@dataclasses.dataclass
class KeyManagerConfig:
    """Settings of a manager."""

    #: add the keys of the environment: see keyshm.keys_from_environment()
    auto_discover: bool = True
    #: add_key() refuses what does not look like a key of the provider
    validate_keys: bool = True
    #: cleanup_invalid_keys() removes keys that were marked invalid so often
    max_error_count: int = 3
    #: of mark_rate_limited() without a time; None: until marked
    default_cooldown_seconds: float | None = None
    #: what get_next_available_key() returns if no key is available: "none", or "soonest": the one whose cooldown ends first
    when_exhausted: str = "none"
    #: the name of a pool of the machine; None: a pool of this process and its children
    pool: str | keyshm.Pool | None = None


@dataclasses.dataclass
class KeyStatistics:
    """The numbers of get_statistics(). Those of requests are sums over the metadata of the keys."""

    total_keys: int
    available_keys: int
    rate_limited_keys: int
    invalid_keys: int
    quota_exceeded_keys: int
    total_requests: int
    successful_requests: int
    failed_requests: int


@dataclasses.dataclass
class KeyState:
    """A key and what is known of it. Those of a manager are live: they read and write its pool."""

    key: str = dataclasses.field(repr=False)
    state: KeyStatus
    cooldown_until: datetime | None = None
    last_used: datetime | None = None
    error_count: int = 0
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)

    def is_available(self) -> bool:
        """Whether it can be used now."""
        if self.state is not KeyStatus.AVAILABLE:
            return False
        return self.cooldown_until is None or self.cooldown_until <= datetime.now()


@dataclasses.dataclass
class _Deadline:
    """The end of a cooldown, as a date and as it was read: between two times of the monotonic clock, or infinity twice."""

    date: datetime | None
    status: str
    earliest: float
    latest: float

    def is_that_of(self, other: _Deadline) -> bool:
        return (
            self.status == other.status
            and self.earliest <= other.latest + _SAME_DEADLINE
            and other.earliest <= self.latest + _SAME_DEADLINE
        )


class _LiveState(KeyState):
    """A key of a manager."""

    def __init__(self, manager: APIKeyManager, key: str) -> None:
        self._manager = manager
        self._key = key

    @property
    def key(self) -> str:  # type: ignore[override]
        return self._key

    @property
    def state(self) -> KeyStatus:
        return KeyStatus(self._manager._pool.inspect(self._key).status)

    @state.setter
    def state(self, value: KeyStatus) -> None:
        self._manager._assign_state(self._key, KeyStatus(value))

    @property
    def cooldown_until(self) -> datetime | None:
        return self._manager._deadline(self._key).date

    @cooldown_until.setter
    def cooldown_until(self, value: datetime | None) -> None:
        self._manager._assign_cooldown(self._key, value)

    @property
    def last_used(self) -> datetime | None:  # type: ignore[override]
        ago = self._manager._pool.inspect(self._key).last_used_ago
        return None if ago is None else datetime.now() - timedelta(seconds=ago)

    @property
    def error_count(self) -> int:  # type: ignore[override]
        """How often it was marked invalid, by any process."""
        return self._manager._pool.inspect(self._key).error_count

    @property
    def metadata(self) -> dict[str, Any]:
        """Of this process: other processes have their own."""
        return self._manager._metadata.setdefault(self._key, {})

    @metadata.setter
    def metadata(self, value: dict[str, Any]) -> None:
        self._manager._metadata[self._key] = value

    def is_available(self) -> bool:
        """Whether it can be picked now: its limits allow it too."""
        return self._manager._pool.is_available(self._key)


class _Keys(Mapping[str, KeyState]):
    """The keys of a pool, in the order of its slots."""

    def __init__(self, manager: APIKeyManager) -> None:
        self._manager = manager

    def __getitem__(self, key: str) -> KeyState:
        if key not in self:
            raise KeyError("the pool has no such key")
        return _LiveState(self._manager, key)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not key:
            return False
        try:
            self._manager._pool.find(key)
        except (keyshm.NotFound, keyshm.InvalidArgument):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._manager._key_order)

    def __len__(self) -> int:
        return self._manager._pool.info().keys

    def __repr__(self) -> str:
        return f"<{len(self)} keys of {self._manager._pool.name}>"


def _imported(number: int, state: dict[str, Any]) -> tuple[KeyStatus, datetime | None, dict[str, Any]]:
    """Of one key, which is not to be in a message."""
    try:
        date = state.get("cooldown_until")
        return KeyStatus(state["state"]), datetime.fromisoformat(date) if date else None, dict(state.get("metadata", {}))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"key {number} of the state: {type(error).__name__}: {error}") from None


def _pool_of(name: str | keyshm.Pool | None, provider: str) -> keyshm.Pool:
    if isinstance(name, keyshm.Pool):
        return name
    if name is not None:
        return keyshm.open(name)
    pool = keyshm.Pool.anonymous(re.sub(r"[^A-Za-z0-9._-]", "_", provider).lstrip(".")[:64] or "keys")
    # A cooldown is as long as the caller says.
    pool.set_policy(cooldown_max=_COOLDOWN_MAX)
    return pool


class APIKeyManager:
    """Keys of one provider: which is next, and which cannot be used. All methods may be called by all threads, and after fork."""

    def __init__(
        self,
        provider: str,
        config: KeyManagerConfig | None = None,
        auto_discover: bool | None = None,
        *,
        pool: str | keyshm.Pool | None = None,
        when_exhausted: str | None = None,
    ) -> None:
        """What is given besides the config counts before it."""
        given = {"auto_discover": auto_discover, "pool": pool, "when_exhausted": when_exhausted}
        self.provider = provider
        self.config = dataclasses.replace(
            config or KeyManagerConfig(), **{name: value for name, value in given.items() if value is not None}
        )
        if self.config.when_exhausted not in ("none", "soonest"):
            raise ValueError(f'when_exhausted is "none" or "soonest", not {self.config.when_exhausted!r}')
        self._pool = _pool_of(self.config.pool, provider)
        self._metadata: dict[str, dict[str, Any]] = {}
        self._deadlines: dict[str, _Deadline] = {}
        self._last_picked: str | None = None
        if self.config.auto_discover:
            self.refresh_keys()

    # ---- the keys ----

    @property
    def pool(self) -> keyshm.Pool:
        """The pool behind it: for leases, limits and whatever else blarify's class has not."""
        return self._pool

    @property
    def keys(self) -> Mapping[str, KeyState]:
        """The keys and their states, live. add_key() and remove_key() change which there are."""
        return _Keys(self)

    @property
    def _key_order(self) -> list[str]:
        return [key for key, _ in self._snapshot()]

    @property
    def _current_index(self) -> int:
        """That of the key after the one that was picked last, in this process."""
        order = self._key_order
        return (order.index(self._last_picked) + 1) % len(order) if self._last_picked in order else 0

    def add_key(self, key: str, validate: bool | None = None) -> bool:
        """Adds a key. False: it is there already, or does not look like one of the provider."""
        if self.config.validate_keys if validate is None else validate:
            if not self._looks_right(key):
                _logger.warning("%s: refused a key that does not look like one", self.provider)
                return False
        try:
            self._pool.add(key)
        except keyshm.Exists:
            return False
        self._log(logging.DEBUG, "added", key)
        return True

    def remove_key(self, key: str) -> bool:
        """Removes a key. False: there is none such."""
        if key not in self.keys:
            return False
        masked = self._masked(key)
        try:
            self._pool.remove(key)
        except (keyshm.NotFound, keyshm.Stale):
            return False
        self._metadata.pop(key, None)
        self._deadlines.pop(key, None)
        _logger.debug("%s: removed %s", self.provider, masked)
        return True

    def refresh_keys(self) -> int:
        """Adds the keys of the environment (keyshm.keys_from_environment()); returns how many are new."""
        added = sum(self.add_key(key) for key in keyshm.keys_from_environment(self.provider))
        if added:
            _logger.info("%s: %d keys are of the environment", self.provider, added)
        return added

    def cleanup_invalid_keys(self) -> int:
        """Removes the invalid keys that were marked so at least max_error_count times; returns how many."""
        return sum(
            self.remove_key(key)
            for key, state in self._snapshot()
            if state.status == "invalid" and state.error_count >= self.config.max_error_count
        )

    def _looks_right(self, key: str) -> bool:
        prefix = _PREFIXES.get(self.provider.lower())
        return bool(key) if prefix is None else key.startswith(prefix) and len(key) >= _KEY_LENGTH_MIN

    # ---- the next one ----

    def get_next_available_key(self) -> str | None:
        """The next key in turn that can be used. None: there is none; or the one that can be soonest, if the config says so."""
        try:
            key = self._pool.next_secret()
        except keyshm.Exhausted:
            return self._exhausted()
        except keyshm.Empty:
            return None
        self._last_picked = key
        return key

    def _exhausted(self) -> str | None:
        if self.config.when_exhausted == "soonest":
            try:
                with self._pool.lease(soonest=True) as lease:
                    _logger.warning("%s: no key is available for %.1f s", self.provider, lease.benched)
                    return lease.secret
            except (keyshm.Exhausted, keyshm.Empty):
                pass
        _logger.warning("%s: no key is available", self.provider)
        return None

    def is_key_available(self, key: str) -> bool:
        """Whether this key can be used now."""
        return key in self.keys and self._pool.is_available(key)

    def get_available_count(self) -> int:
        """How many keys can be used now."""
        return self._pool.available_count()

    # ---- marks ----

    def mark_rate_limited(self, key: str, retry_after: float | None = None) -> None:
        """For so many seconds. None: as KeyManagerConfig.default_cooldown_seconds says."""
        if retry_after is None:
            retry_after = self.config.default_cooldown_seconds
        if retry_after is None:
            retry_after = keyshm.UNTIL_MARKED
        self._mark("rate_limited", key, retry_after)

    def mark_invalid(self, key: str) -> None:
        """The provider does not take it."""
        self._mark("invalid", key)

    def mark_quota_exceeded(self, key: str) -> None:
        """What was paid for is used up."""
        self._mark("quota_exceeded", key)

    def mark_available(self, key: str) -> None:
        """Takes back what it was marked with."""
        self._mark("available", key)

    def reset_expired_cooldowns(self) -> None:
        """Writes down which cooldowns are over. Nothing needs it: whoever reads a state compares it with the clock."""
        self._pool.reset_expired_cooldowns()

    def _mark(self, mark: str, key: str, *arguments: float) -> None:
        """A key that is not there, or no more, is nothing to mark. What changes is logged."""
        try:
            before = self._pool.inspect(key).status
            getattr(self._pool, mark)(key, *arguments)
            after = self._pool.inspect(key).status
        except (keyshm.NotFound, keyshm.Stale):
            return
        if after != before:
            self._log(logging.WARNING if after in ("invalid", "quota_exceeded") else logging.DEBUG, f"{after} is", key)

    # ---- assignments ----

    def _deadline(self, key: str) -> _Deadline:
        """As it was last read or assigned in this process, if it is still the same: so that it does not change with each reading."""
        before = time.monotonic()
        state = self._pool.inspect(key)
        now, after = datetime.now(), time.monotonic()
        found = _Deadline(None, state.status, before + state.cooldown, after + state.cooldown)
        known = self._deadlines.get(key)
        if state.cooldown == 0:
            self._deadlines.pop(key, None)
            return found
        if known is not None and known.is_that_of(found):
            return known
        if state.cooldown != keyshm.UNTIL_MARKED:
            found.date = now + timedelta(seconds=state.cooldown)
        self._deadlines[key] = found
        return found

    def _assign_state(self, key: str, state: KeyStatus) -> None:
        date = self._deadline(key).date
        if state is KeyStatus.AVAILABLE:
            self._pool.available(key)
        elif state is KeyStatus.INVALID:
            self._pool.invalid(key)
        else:
            self._rewrite(key, state.value, date)

    def _assign_cooldown(self, key: str, date: datetime | None) -> None:
        status = self._pool.inspect(key).status
        if status == "available" and date is not None and date > datetime.now():
            status = "rate_limited"
        if status in ("rate_limited", "quota_exceeded"):
            self._rewrite(key, status, date)
        elif status == "invalid":  # has no end: only remembered
            self._remember(key, date)

    def _rewrite(self, key: str, status: str, date: datetime | None) -> None:
        """Marks join, so what is there goes first."""
        left = keyshm.UNTIL_MARKED if date is None else (date - datetime.now(date.tzinfo)).total_seconds()
        self._pool.available(key)
        if left > 0:
            getattr(self._pool, status)(key, left)
            self._remember(key, date)

    def _remember(self, key: str, date: datetime | None) -> None:
        self._deadlines.pop(key, None)
        self._deadline(key).date = date

    # ---- views ----

    def _snapshot(self) -> list[tuple[str, keyshm.KeyState]]:
        found = []
        for state in self._pool.states():
            try:
                found.append((self._pool.get(state.id).secret, state))
            except keyshm.Stale:  # removed since
                pass
        return found

    def get_key_states(self) -> dict[str, KeyState]:
        """All keys with their states, which are live."""
        return dict(self.keys)

    def get_statistics(self) -> KeyStatistics:
        """How many keys are in which state, and what the metadata of this process counts."""
        keys = self._snapshot()
        statuses = [state.status for _, state in keys]
        metadata = [self._metadata.get(key, {}) for key, _ in keys]
        return KeyStatistics(
            total_keys=len(keys),
            available_keys=statuses.count("available"),
            rate_limited_keys=statuses.count("rate_limited"),
            invalid_keys=statuses.count("invalid"),
            quota_exceeded_keys=statuses.count("quota_exceeded"),
            total_requests=sum(one.get("request_count", 0) for one in metadata),
            successful_requests=sum(one.get("success_count", 0) for one in metadata),
            failed_requests=sum(one.get("failure_count", 0) for one in metadata),
        )

    # ---- to keep, and to take over ----

    def export_state(self) -> dict[str, Any]:
        """What is known of the keys, for import_state(). It has the keys themselves in it: whoever can read it can use them."""
        return {
            "provider": self.provider,
            "keys": {
                key: {
                    "state": state.state.value,
                    "cooldown_until": state.cooldown_until.isoformat() if state.cooldown_until else None,
                    "error_count": state.error_count,
                    "metadata": state.metadata,
                }
                for key, state in self.keys.items()
            },
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Takes over what export_state() said of the keys that are there; other keys are not added. The error_count is not taken
        over: a pool counts the marks that it gets. ValueError: it is no such state, and nothing was changed."""
        found = {key: _imported(number, one) for number, (key, one) in enumerate(state.get("keys", {}).items())}
        for key, (status, date, metadata) in found.items():
            if key in self.keys:
                self._assign_state(key, status)
                if date is not None:
                    self._assign_cooldown(key, date)
                self._metadata[key] = metadata

    def _masked(self, key: str) -> str:
        try:
            return self._pool.get(key).masked
        except (keyshm.NotFound, keyshm.Stale):
            return "a key that is gone"

    def _log(self, level: int, what: str, key: str) -> None:
        if _logger.isEnabledFor(level):
            _logger.log(level, "%s: %s %s", self.provider, what, self._masked(key))
