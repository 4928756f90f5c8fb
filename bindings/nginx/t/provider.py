# SPDX-License-Identifier: MIT
"""A provider on a loopback port: an HTTP server that answers each key as a test says, and notes what it was asked.

A key says by its own text how it is answered: sk-test-ANSWER-NUMBER. What each ANSWER is stands in ANSWERS.
"""
import itertools
import re
import socket
import socketserver
import threading
import time

ERROR = '{"error":{"message":"%s","type":"%s","param":null,"code":"%s"}}'
FINE = b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}'
EVENTS = [b'data: {"id":"chatcmpl-1","choices":[{"delta":{"content":"word %d"}}]}\n\n' % i for i in range(5)] + [b"data: [DONE]\n\n"]
BAD_EVENT = b'data: {"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}\n\n'


def error(status, message, kind, code, *headers):
    return status, [("Content-Type", "application/json"), *headers], (ERROR % (message, kind, code)).encode()


ANSWERS = {
    "good": (200, [("Content-Type", "application/json")], FINE),
    "dead": error(401, "Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
    "rate": error(429, "Rate limit reached", "requests", "rate_limit_exceeded", ("Retry-After", "7")),
    "quota": error(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
    "denied": error(403, "You have insufficient permissions for this operation.", "invalid_request_error", "insufficient_permissions"),
    "busy": error(503, "The server is overloaded", "server_error", "overloaded"),
    "slack": (200, [("Content-Type", "application/json")], b'{"ok":false,"error":"invalid_auth"}'),
    "wrong": error(400, "No such parameter", "invalid_request_error", "unknown_parameter"),
}

MEANING = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 503: "Service Unavailable"}


class Request:
    def __init__(self, method, path, headers, body, connection):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.connection = connection  # its number
        match = re.search(r"sk-test-(\w+)-\d+", headers.get("authorization", "") + path)
        self.key = match.group(0) if match else None
        self.answer = match.group(1) if match else "dead"


class Handler(socketserver.StreamRequestHandler):
    def read_request(self):
        line = self.rfile.readline()
        if not line.strip():
            return None
        method, path, _ = line.decode().split(" ", 2)
        headers = {}
        while (line := self.rfile.readline().decode().strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while (size := int(self.rfile.readline(), 16)):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = int(headers.get("content-length", 0))
            while len(body) < length:
                part = self.rfile.read(length - len(body))
                if not part:
                    break
                body += part
        return Request(method, path, headers, body, self.number)

    def handle(self):
        self.number = next(self.server.provider.connections)
        try:
            while (request := self.read_request()) is not None:
                self.server.provider.note(request)
                if not self.answer(request):
                    break
        except (ConnectionError, OSError):
            pass

    def send(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def head(self, request, status, headers):
        keeps = request.headers.get("connection", "") != "close" and not self.server.provider.closes
        lines = [f"HTTP/1.1 {status} {MEANING[status]}", *(f"{name}: {value}" for name, value in headers)]
        lines.append(f"Connection: {'keep-alive' if keeps else 'close'}")
        return keeps, ("\r\n".join(lines) + "\r\n\r\n").encode()

    def answer(self, request):
        custom = getattr(self, "answer_" + request.answer, None)
        if custom:
            return custom(request)
        status, headers, body = ANSWERS[request.answer]
        how = self.server.provider.how
        if how == "chunked":
            keeps, head = self.head(request, status, [*headers, ("Transfer-Encoding", "chunked")])
            half = len(body) // 2
            self.send(head)
            for part in (body[:half], body[half:]):
                self.send(b"%x\r\n%s\r\n" % (len(part), part))
            self.send(b"0\r\n\r\n")
            return keeps
        if how == "until-close":
            _, head = self.head(request, status, headers)
            self.send(head.replace(b"keep-alive", b"close"))
            self.send(body)
            return False
        keeps, head = self.head(request, status, [*headers, ("Content-Length", str(len(body)))])
        if how == "slow":
            for part in (head[:20], head[20:], body[:10], body[10:]):
                self.send(part)
                time.sleep(0.05)
        else:
            self.send(head + body)
        return keeps

    def answer_stalled(self, request):
        """An error whose body does not come."""
        _, head = self.head(request, 401, [("Content-Length", "100")])
        self.send(head + b'{"error"')
        self.server.provider.release.wait(20)
        return False

    def answer_cut(self, request):
        """An error whose body is cut."""
        _, head = self.head(request, 401, [("Content-Type", "application/json"), ("Content-Length", "1000")])
        self.send(head + ANSWERS["dead"][2])
        return False

    def answer_large(self, request):
        """An error whose body is larger than nginx's buffer for the header."""
        body = ANSWERS["dead"][2] + b" " * 100000
        keeps, head = self.head(request, 401, [("Content-Length", str(len(body)))])
        self.send(head + body)
        return keeps

    def answer_gone(self, request):
        """No answer."""
        return False

    def answer_hang(self, request):
        self.server.provider.release.wait(30)
        return self.answer_stream(request)

    def answer_stream(self, request):
        keeps, head = self.head(request, 200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        self.send(head)
        for event in EVENTS:
            self.send(b"%x\r\n%s\r\n" % (len(event), event))
            self.server.provider.step()
        self.send(b"0\r\n\r\n")
        return keeps

    def answer_badstream(self, request):
        keeps, head = self.head(request, 200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        self.send(head + b"%x\r\n%s\r\n" % (len(BAD_EVENT), BAD_EVENT))
        self.server.provider.release.wait(300)
        self.send(b"0\r\n\r\n")
        return keeps

    def answer_cutstream(self, request):
        _, head = self.head(request, 200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        self.send(head + b"%x\r\n%s\r\n" % (len(EVENTS[0]), EVENTS[0]))
        return False


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


class Provider:
    def __init__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.provider = self
        self.port = self.server.server_address[1]
        self.requests = []
        self.connections = itertools.count()
        self.how = "plain"
        self.closes = False
        self.pace = 0.0
        self.release = threading.Event()
        self.lock = threading.Lock()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def note(self, request):
        with self.lock:
            self.requests.append(request)

    def step(self):
        if self.pace:
            time.sleep(self.pace)

    @property
    def keys(self):
        return [request.key for request in self.requests]

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
