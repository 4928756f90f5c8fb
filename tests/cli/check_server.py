#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_server.py DIRECTORY [CERTIFICATE]: a provider for the tests of keyshm-ctl check.

It prints its port. With a certificate, in a file with its key, it speaks TLS. What it answers depends on how the key ends, in the header Authorization, the header x-key or the parameter
key. Each request that has begun is a line of DIRECTORY/begun: method, path without parameters, and the end of the key.
"""

import json
import os
import ssl
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

directory = Path(sys.argv[1])
BODY = {
    "DEAD": (401, "invalid_api_key"),
    "QUOT": (429, "insufficient_quota"),
    "RATE": (429, "cli_fast"),
    "DOWN": (503, "cli_down"),
    "NOTU": (400, "not_understood"),
}


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def key(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        return (query.get("key") or [self.headers.get("x-key") or self.headers.get("Authorization", "")])[0]

    def begin(self):
        line = f"{self.command} {urllib.parse.urlparse(self.path).path} {self.key()[-4:]} {self.headers.get('x-extra', '-')}\n"
        fd = os.open(directory / "begun", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, line.encode())
        os.close(fd)

    def give(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def wait(self, name):
        while not (directory / name).exists():
            time.sleep(0.01)

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"data": ')
        self.close_connection = True

    def flood(self):
        """More than anybody reads."""
        self.send_response(401)
        self.end_headers()
        self.wfile.write(json.dumps({"error": {"code": "invalid_api_key"}, "pad": "x" * 1000}).encode())
        try:
            while not (directory / "stop").exists():
                self.wfile.write(b" " * 65536)
        except OSError:
            (directory / "left").touch()
        self.close_connection = True

    def answer(self):
        self.begin()
        end = self.key()[-4:]
        if end in BODY:
            status, code = BODY[end]
            self.give(status, {"error": {"code": code, "message": f"no: {self.key()}"}}, [("retry-after", "30")])
        elif end == "CUTS":
            self.cut()
        elif end == "MUCH":
            self.flood()
        elif end == "GOES":
            self.give(302, {}, [("Location", "/elsewhere")])
        elif end.startswith("W"):
            self.wait(end)
            self.give(200, {"data": []})
        else:
            self.give(200, {"data": []})

    do_GET = do_HEAD = do_POST = answer


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Who asks may have gone."""


server = Server(("127.0.0.1", 0), Provider)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
