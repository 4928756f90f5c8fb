# SPDX-License-Identifier: MIT
"""Keys of a pool for httpx: each request gets the next one, the answer marks it, and what another key can mend is asked again.

    client = httpx.Client(auth=keyshm.integrations.httpx.Auth(pool))

The same object serves Client and AsyncClient, of httpx and of httpx2, and all threads.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

import keyshm
from keyshm.integrations._rotation import Rotation

__all__ = ["Auth"]


def _bases() -> tuple[type, ...]:
    """The clients want an instance of their own class. Whichever of them is installed."""
    found = []
    for name in ("httpx", "httpx2"):
        try:
            found.append(importlib.import_module(name).Auth)
        except ImportError:
            pass
    return tuple(found)


_Base: Any = type("_Base", _bases(), {})


def _can_repeat(request: Any) -> bool:
    """Whether its body is still there. One that comes from an iterator, or a file, was used up by the first try."""
    try:
        request.content
    except RuntimeError:  # RequestNotRead
        return False
    return True


class _Held:
    """The body of an answer, with the lease of its request, which lasts until it is closed. The client closes it when it was read."""

    def __init__(self, body: Any, lease: keyshm.Lease) -> None:
        self._body = body
        self._lease = lease

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def __aiter__(self) -> Any:
        return aiter(self._body)

    def close(self) -> None:
        try:
            self._body.close()
        finally:
            self._lease.release()

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            self._lease.release()


@functools.cache
def _held_type(body_type: type) -> Any:
    """The clients want a stream of their own class."""
    return type("_HeldStream", (_Held, body_type), {})


def _release_with(response: Any, lease: keyshm.Lease) -> None:
    if response.is_closed:
        lease.release()
    else:
        response.stream = _held_type(response.stream.__class__)(response.stream, lease)


class Auth(Rotation, _Base):  # type: ignore[misc]
    """The `auth` of a client, or of one request.

    A lease is held until the body of the answer was read, or the answer is closed. An answer that says that the key is at fault marks
    it, and the request is made again with the next key, up to `tries` keys; if there is none, the caller gets the answer. A request
    whose body is an iterator, a file or multipart is not made again. What ends without an answer marks nothing.
    """

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by Client."""
        lease: keyshm.Lease | None = self._pool.lease(wait=self._wait, **self._lease_arguments(request))
        asked: set[int] = set()
        while lease is not None:
            asked.add(lease.id)
            try:
                self._write(request.headers, lease)
                response = yield request
                if response.is_error:
                    response.read()
                again = self._asks_for_another(lease, response.request, response)
            except BaseException:  # of which GeneratorExit says that there is no answer
                lease.release()
                raise
            _release_with(response, lease)
            lease = self._another(request, asked) if again and len(asked) < self._tries and _can_repeat(request) else None

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by AsyncClient."""
        lease: keyshm.Lease | None = await self._pool.alease(wait=self._wait, **self._lease_arguments(request))
        asked: set[int] = set()
        while lease is not None:
            asked.add(lease.id)
            try:
                self._write(request.headers, lease)
                response = yield request
                if response.is_error:
                    await response.aread()
                again = self._asks_for_another(lease, response.request, response)
            except BaseException:
                lease.release()
                raise
            _release_with(response, lease)
            lease = self._another(request, asked) if again and len(asked) < self._tries and _can_repeat(request) else None
