# SPDX-License-Identifier: MIT
"""What the calls of a pool return. The extension makes them, by the order of their fields."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional


class Rate(NamedTuple):
    """So much in a time, spread evenly; at most `burst` at once (0: a sixth of the amount)."""

    amount: int
    per: Optional[float] = None
    burst: int = 0
    #: "at_pick", or "at_release" (the default of tokens): held while the request is in flight, and what it has used is charged
    charge: Optional[str] = None


class Limits(NamedTuple):
    """What a provider allows; None: no limit. A number is so many a minute, or in the _long ones a day."""

    requests: Optional[Rate] = None
    tokens: Optional[Rate] = None
    requests_long: Optional[Rate] = None
    tokens_long: Optional[Rate] = None
    in_flight: Optional[int] = None


class Policy(NamedTuple):
    """How marks are understood. Durations are seconds; infinity: until marked, or never."""

    cooldown: float = 60.0
    cooldown_max: float = 86400.0
    streak_forget: float = 600.0
    invalid_retry: float = float("inf")
    quota_retry: float = float("inf")
    probe: float = 0.0
    lease_max: float = 600.0
    cooldown_growth_percent: int = 100
    invalid_after: int = 1


class KeyState(NamedTuple):
    """A key, or a group. Durations are seconds; what is None has no limit, or never happened."""

    id: int
    slot: int
    status: str
    reason: str
    #: 0.0: none; infinity: until marked
    cooldown: float
    #: of "key", "key_model", "group", "group_model", "pause", "budget" and "cap"; empty: it can be picked
    benched_by: tuple[str, ...]
    is_paused: bool
    is_probing: bool
    streak: int
    priority: int
    weight: int
    in_flight: int
    in_flight_cap: Optional[int]
    requests_left: Optional[int]
    requests_burst: Optional[int]
    tokens_left: Optional[int]
    tokens_burst: Optional[int]
    group: Optional[int]
    last_used_ago: Optional[float]
    error_count: int
    picks: int
    #: how often it was marked with each status
    marked: dict[str, int]
    masked: str
    metadata: dict[str, str]

    @property
    def is_available(self) -> bool:
        """Whether it can be picked."""
        return not self.benched_by


class GroupState(NamedTuple):
    """A group, and how many keys are in it."""

    id: int
    name: str
    keys: int
    state: KeyState


class PoolInfo(NamedTuple):
    """The settings of a pool, and where it comes from. Times are seconds, `created` since 1970."""

    name: str
    rules: str
    capacity: int
    key_max: int
    keys: int
    created: float
    age: float
    creator_pid: int
    creator_uid: int
    creator_name: str
    recoveries: int
    waiting: int
    in_flight_max: int
    group_in_flight_max: int
    #: the process that holds the mutex, None if it is free or of another PID namespace; and for how many seconds
    mutex_holder_pid: Optional[int]
    mutex_held: Optional[float]


class Worker(NamedTuple):
    """A process that is or was attached."""

    pid: int
    name: str
    #: None: not known, as it is in another PID namespace
    is_alive: Optional[bool]
    has_closed: bool
    state: Optional[str]
    picks: int
    attached_ago: float


class HeldLease(NamedTuple):
    """A lease that has a place."""

    id: int
    model: int
    pid: int
    name: str
    held: float
    tokens: int


class Event(NamedTuple):
    """Something that happened; None where it does not apply. `time` is seconds since 1970."""

    kind: str
    number: int
    time: float
    ago: float
    pid: int
    id: Optional[int]
    model: int
    scope: str
    reason: str
    before: Optional[str]
    after: Optional[str]
    duration: Optional[float]
    dead_pid: Optional[int]
    masked: Optional[str]


class Events:
    """The events, the oldest first: iterate over it. Give it to events() to get those after it."""

    __slots__ = ("events", "cursor", "missing", "overwritten")

    def __init__(self, events: list[Event], cursor: tuple[int, ...], missing: int, overwritten: int) -> None:
        self.events = events
        self.cursor = cursor
        #: incomplete, since the process that wrote them was killed or stopped
        self.missing = missing
        #: no longer kept
        self.overwritten = overwritten

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, index: int) -> Event:
        return self.events[index]

    def __repr__(self) -> str:
        return f"<keyshm.Events: {len(self.events)}, missing {self.missing}, overwritten {self.overwritten}>"


class Replaced(NamedTuple):
    """What replace_keys() has done, in numbers of keys."""

    kept: int
    added: int
    removed: int


class Budget(NamedTuple):
    """What a provider says of one of its limits; None: not said. `reset` is seconds from now."""

    limit: Optional[int]
    remaining: Optional[int]
    reset: Optional[float]


class Verdict(NamedTuple):
    """What an answer says about the key that was used."""

    is_success: bool
    #: as it was marked; None: it was not
    status: Optional[str]
    #: of the mark, in seconds; None: not said
    duration: Optional[float]
    reason: Optional[str]
    #: "none", "key", "group", "model" or "provider"
    scope: str
    #: what helps: "none" (it succeeded), "other_key", "later" or "never"
    retry: str
    #: without a mark: for so many seconds nobody should ask
    wait: Optional[float]
    model: Optional[str]
    #: that decided
    rule: Optional[str]
    requests: Optional[Budget]
    tokens: Optional[Budget]
    input_tokens: Optional[Budget]
    output_tokens: Optional[Budget]
    budget_scope: str
