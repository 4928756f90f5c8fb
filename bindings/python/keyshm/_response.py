# SPDX-License-Identifier: MIT
"""What a response object says, whichever library it is of, and what an exception does. No library is imported for it."""

from __future__ import annotations

import http.client
import socket
import ssl

_UNANSWERED: tuple = (0, "ok", [], None)
_BODY_MAX = 65536


def read(response, status, headers, body):
    """(status, transport, [(name, value)], body or None), all in bytes."""
    found = _of_object(response) if response is not None else _UNANSWERED
    if response is None and status is None:
        raise TypeError("report() needs a response, or a status")
    return (
        found[0] if status is None else _status(status),
        found[1] if status is None else "ok",
        found[2] if headers is None else _headers(headers),
        found[3] if body is None else _bytes(body)[:_BODY_MAX],
    )


def _of_object(response):
    status = _first(response, "status_code", "status", "code")
    if isinstance(status, int) and not isinstance(status, bool):
        return _status(status), "ok", _headers_of(response), _body_of(response)
    if isinstance(response, BaseException):
        inner = getattr(response, "response", None)
        return _of_object(inner) if inner is not None else (0, _transport(response), [], None)
    raise TypeError(f"a {type(response).__name__} is no response that keyshm knows: give its status, headers and body")


def _first(response, *names):
    for name in names:
        value = getattr(response, name, None)
        if value is not None:
            return value
    return None


def _status(status):
    return int(status)


def _bytes(text):
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    raise TypeError(f"expected str or bytes, not {type(text).__name__}")


def _headers(headers):
    """Of a mapping, or pairs. multi_items() and iteritems() do not join fields of one name."""
    for name in ("multi_items", "iteritems", "items"):
        pairs = getattr(headers, name, None)
        if pairs is not None:
            headers = pairs()
            break
    return [(_bytes(name), _bytes(value)) for name, value in headers]


def _headers_of(response):
    headers = getattr(response, "headers", None)
    return _headers(headers) if headers is not None else []


def _body_of(response):
    """Only what was read before: httpx and requests keep it in _content, aiohttp and urllib3 in _body. Their public attributes
    would read it from the network, or wait for it."""
    for name in ("_content", "_body"):
        body = getattr(response, name, None)
        if isinstance(body, (bytes, bytearray, str)):
            return _bytes(body)[:_BODY_MAX]
    return None


# ---- no answer ----

_BY_TYPE: tuple = (
    (socket.gaierror, "dns"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (socket.timeout, "timeout"),
    (ConnectionRefusedError, "connect"),
    (ConnectionError, "reset"),
    (http.client.HTTPException, "reset"),
)

# The libraries have classes of their own, by whose names they can be told: ConnectTimeout, ReadTimeout, ConnectError,
# RemoteProtocolError, ServerDisconnectedError, NameResolutionError.
_BY_NAME = (
    ("Timeout", "timeout"),
    ("NameResolution", "dns"),
    ("DNS", "dns"),
    ("SSL", "tls"),
    ("Certificate", "tls"),
    ("RemoteProtocol", "reset"),
    ("ServerDisconnected", "reset"),
    ("ReadError", "reset"),
    ("WriteError", "reset"),
    ("ChunkedEncoding", "reset"),
    ("Connect", "connect"),
)


def _chain(exception):
    """The exception and those behind it, the innermost last: it knows best, and the outer one is asked only if that says nothing."""
    chain = []
    while exception is not None and exception not in chain and len(chain) < 16:
        chain.append(exception)
        reason = getattr(exception, "reason", None)
        inner = reason if isinstance(reason, BaseException) else exception.__cause__ or exception.__context__
        exception = inner
    return chain


def _transport(exception):
    chain = _chain(exception)
    for one in reversed(chain):
        for kind, transport in _BY_TYPE:
            if isinstance(one, kind):
                return transport
    for one in chain:
        for base in type(one).__mro__:
            for part, transport in _BY_NAME:
                if part in base.__name__:
                    return transport
    raise TypeError(f"a {type(exception).__name__} does not say how the exchange ended: give its status, headers and body")
