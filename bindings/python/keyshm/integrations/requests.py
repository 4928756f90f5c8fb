# SPDX-License-Identifier: MIT
"""Keys of a pool for requests: each request gets the next one, the answer marks it, and what another key can mend is asked again.

    session.auth = keyshm.integrations.requests.Auth(pool)
"""

from __future__ import annotations

import importlib
import threading
import weakref
from typing import Any

import keyshm
from keyshm.integrations._rotation import Rotation

__all__ = ["Auth"]


def _base() -> Any:
    try:
        return importlib.import_module("requests.auth").AuthBase
    except ImportError:
        return object


_Base: Any = _base()


class _Turn:
    """The lease of one request. If that ends without an answer nobody says so: it is given back with the request, or at the latest
    when the thread begins another, for the frames of an exception can keep the request for long."""

    _of_thread = threading.local()

    def __init__(self, lease: keyshm.Lease) -> None:
        self.lease = lease
        _Turn._of_thread.last = weakref.ref(self)

    def __del__(self) -> None:
        self.lease.release()

    @classmethod
    def end_last(cls) -> None:
        last = getattr(cls._of_thread, "last", lambda: None)()
        if last is not None:
            last.lease.release()

    def end_with(self, response: Any, is_stream: bool) -> None:
        """When the body was read, or the answer is closed: then urllib3 gives the connection back."""
        if not is_stream and not response.is_redirect:
            response.content  # which is what comes next
        body = response.raw
        if response._content_consumed or getattr(body, "_original_response", None) is None:
            self.lease.release()
        else:
            _Turn._of_thread.last = lambda: None
            self._release_with_connection(body)

    def _release_with_connection(self, body: Any) -> None:
        reference = weakref.ref(body)  # or the body would keep itself, and so the lease, until it is looked for garbage
        release_conn = type(body).release_conn

        def release() -> None:
            self.lease.release()
            release_conn(reference())

        body.release_conn = release


def _can_repeat(request: Any) -> bool:
    """Whether its body is still there. One that comes from an iterator, or a file, was used up by the first try."""
    return request.body is None or isinstance(request.body, (bytes, str))


def _again(request: Any, response: Any, arguments: dict[str, Any]) -> Any:
    """Makes it once more over the same connection, as the digest authentication of requests does."""
    response.close()
    found = response.connection.send(request, **arguments)
    found.history.extend([*response.history, response])
    found.request = request
    return found


class Auth(Rotation, _Base):  # type: ignore[misc]
    """The `auth` of a session, or of one request.

    A lease is held until the body of the answer was read, or the answer is closed. An answer that says that the key is at fault marks
    it, and the request is made again with the next key, up to `tries` keys; if there is none, the caller gets the answer. A request
    whose body is an iterator or a file is not made again. What ends without an answer marks nothing.
    """

    def __call__(self, request: Any) -> Any:
        """Called by requests, before a request is sent."""
        _Turn.end_last()
        turn = _Turn(self._pool.lease(wait=self._wait, **self._lease_arguments(request)))
        self._write(request.headers, turn.lease)
        request.register_hook("response", lambda response, **arguments: self._answered(turn, response, arguments))
        return request

    def _answered(self, turn: _Turn, response: Any, arguments: dict[str, Any]) -> Any:
        """A redirect is followed with the same key, and its answer comes here too."""
        try:
            response = self._best_answer(turn, response, arguments)
            turn.end_with(response, bool(arguments.get("stream")))
        except BaseException:
            turn.lease.release()
            raise
        return response

    def _best_answer(self, turn: _Turn, response: Any, arguments: dict[str, Any]) -> Any:
        asked = {turn.lease.id}
        while self._would_another_help(turn, response) and len(asked) < self._tries and _can_repeat(response.request):
            turn.lease.release()
            lease = self._another(response.request, asked)
            if lease is None:
                break
            asked.add(lease.id)
            turn.lease = lease
            request = response.request.copy()
            self._write(request.headers, lease)
            response = _again(request, response, arguments)
        return response

    def _would_another_help(self, turn: _Turn, response: Any) -> bool:
        if response.status_code >= 400:
            response.content
        return self._asks_for_another(turn.lease, response.request, response)
