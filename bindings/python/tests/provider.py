# SPDX-License-Identifier: MIT
"""A provider on this machine, for the tests of HTTP clients: it refuses some keys, and writes down what it was asked."""

import http.server
import json
import socket
import sys
import threading

QUOTA = json.dumps({"error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your quota"}}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or the body would wait until the head is acknowledged

    def handle_one_request(self):
        """A client that sends the head and then the body waits in between until the head is acknowledged."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        super().handle_one_request()

    def do_POST(self):
        provider = self.server.provider
        body = self.read_body()
        key = self.key()
        with provider.lock:
            provider.asked.append((self.path, key, body))
            status, headers, answer = provider.answers.get(key, (200, {}, body))
        if self.path.startswith("/moved/"):
            status, headers, answer = 307, {"Location": f"http://{self.path.removeprefix('/moved/')}/"}, b""
        elif self.path == "/broken":
            self.close_connection = True
            return
        self.answer(status, headers, answer)

    do_GET = do_POST

    def key(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")

    def answer(self, status, headers, body):
        self.send_response(status)
        kind = self.headers.get("Content-Type")
        for name, value in {**({"Content-Type": kind} if kind else {}), **headers, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.close_connection |= self.wfile.write(body) < len(body)

    def read_body(self):
        # So that a client that sends head and body apart does not wait 40 ms for the acknowledgement of the head (tcp(7)).
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # all workers connect at once

    def handle_error(self, request, client_address):
        """A client that was killed is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Provider:
    """`answers`: of which key the answer is another than 200 with the body of the request; (status, headers, body)."""

    def __init__(self, handler=Handler):
        self.answers = {}
        self.asked = []
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), handler)
        self.server.provider = self
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.address}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def keys(self):
        """Those it was asked with."""
        return [key for _, key, _ in self.asked]
