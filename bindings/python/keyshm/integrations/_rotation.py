# SPDX-License-Identifier: MIT
"""What the integrations of HTTP clients have in common: which key a request gets, and when it is made again with another."""

from __future__ import annotations

from typing import Any

import keyshm

_PASSED_OVER_MAX = 16


class Rotation:
    """The settings, and the decisions that do not depend on the client."""

    def __init__(
        self,
        pool: keyshm.Pool,
        *,
        header: str = "Authorization",
        scheme: str | None = "Bearer",
        tries: int = 3,
        model: Any = None,
        tokens: Any = 0,
        affinity: Any = None,
        wait: Any = None,
    ) -> None:
        """
        pool      where the keys are from
        header    that has the key
        scheme    that stands before it; None: the header is the key alone, as x-api-key is
        tries     so many keys at most for one request; 1: it is never made again
        model, tokens, affinity
                  of the lease (Pool.lease()); each a value, or a function of the request that returns it
        wait      for so many seconds, or a timedelta, a request waits for its first key if none is available. After that, or
                  without it, keyshm.Exhausted is raised.
        """
        if tries < 1:
            raise ValueError(f"tries is at least 1, not {tries}")
        self._pool = pool
        self._header = header
        self._scheme = scheme
        self._tries = tries
        self._asked = {"model": model, "tokens": tokens, "affinity": affinity}
        self._wait = wait

    def _lease_arguments(self, request: Any) -> dict[str, Any]:
        return {name: value(request) if callable(value) else value for name, value in self._asked.items()}

    def _another(self, request: Any, asked: set[int]) -> keyshm.Lease | None:
        """For one more try, without waiting: none of those that were `asked` before, of which some are not marked, such as one that
        lacks a permission. None: there is no key for it."""
        arguments = self._lease_arguments(request)
        for _ in range(_PASSED_OVER_MAX):
            try:
                lease = self._pool.lease(**arguments)
            except (keyshm.Exhausted, keyshm.Empty):
                return None
            if lease.id not in asked:
                return lease
            lease.cancel()
            arguments["affinity"] = None  # it would get the same one
        return None

    def _write(self, headers: Any, key: keyshm.Key) -> None:
        headers[self._header] = key.secret if self._scheme is None else f"{self._scheme} {key.secret}"

    def _has(self, headers: Any, key: keyshm.Key) -> bool:
        """A client that is sent to another host by a redirect does not show it the key: its answer says nothing about that."""
        value = headers.get(self._header)
        return isinstance(value, str) and value.endswith(key.secret)

    def _asks_for_another(self, key: keyshm.Key, request: Any, response: Any) -> bool:
        """Marks the key by an answer, of which the body was read if it is an error. Whether another key would help."""
        return self._has(request.headers, key) and key.report(response).retry == "other_key"
