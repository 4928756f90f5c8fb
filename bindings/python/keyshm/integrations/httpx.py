# SPDX-License-Identifier: MIT
"""Keys of a pool for httpx: each request gets the next one, the answer marks it, and what another key can mend is asked again.

    client = httpx.Client(auth=keyshm.integrations.httpx.Auth(pool))

The same object serves Client and AsyncClient, of httpx and of httpx2, and all threads.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, Generator
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


class Auth(Rotation, _Base):  # type: ignore[misc]
    """The `auth` of a client, or of one request.

    A lease is held until the head of the answer is there. An answer that says that the key is at fault marks it, and the request is
    made again with the next key, up to `tries` keys; if there is none, the caller gets the answer. A request whose body is an
    iterator, a file or multipart is not made again. What ends without an answer marks nothing.
    """

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by Client."""
        lease: keyshm.Lease | None = self._pool.lease(wait=self._wait, **self._lease_arguments(request))
        for number in range(1, self._tries + 1):
            if lease is None:
                return
            with lease:
                self._write(request.headers, lease)
                response = yield request
                if response.is_error:
                    response.read()
                again = self._asks_for_another(lease, response.request, response)
            if not again or number == self._tries or not _can_repeat(request):
                return
            lease = self._another(request)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by AsyncClient."""
        lease: keyshm.Lease | None = await self._pool.alease(wait=self._wait, **self._lease_arguments(request))
        for number in range(1, self._tries + 1):
            if lease is None:
                return
            with lease:
                self._write(request.headers, lease)
                response = yield request
                if response.is_error:
                    await response.aread()
                again = self._asks_for_another(lease, response.request, response)
            if not again or number == self._tries or not _can_repeat(request):
                return
            lease = self._another(request)
