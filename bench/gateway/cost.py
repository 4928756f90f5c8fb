#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""cost.py [ROUNDS]: CPU time of an nginx worker for each proxied request, with the module and without it, in alternating rounds.

The least of all rounds says most where other work is on the machine; beside it, the median of what each round has of the one
without the module next to it. "again" is without the module once more: by so much two measurements of the same differ.

Needs NGINX_PROGRAM, KEYSHM_NGINX_MODULE, KEYSHM_CTL and KEYSHM_STAT, as the tests of bindings/nginx/t have them. The provider is
another nginx on a loopback port. CPU time is that of /proc/PID/schedstat, in ns, so other load on the machine counts little.
"""
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bindings/nginx/t"))
from conftest import NGINX, Gateway, free_port, key  # noqa: E402

ROUNDS, REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 120, 400
BODY = b'{"model":"gpt-x","messages":[{"role":"user","content":"' + b"word " * 400 + b'"}]}'
FRAME = """daemon off; worker_processes 1; pid provider.pid; error_log provider.log;
events { worker_connections 64; }
http { access_log off; default_type application/json; keepalive_requests 10000000; client_body_temp_path body; proxy_temp_path proxy;
fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
server { listen 127.0.0.1:%d; location / { return 200 '{"id":"chatcmpl-1","choices":[%s]}'; } } }"""


class Fake:
    def __init__(self, port):
        self.port = port


def provider(directory):
    port = free_port()
    (directory / "p").mkdir()
    (directory / "p/nginx.conf").write_text(FRAME % (port, '"' + "x" * 1000 + '"'))
    return port, subprocess.Popen([NGINX, "-p", str(directory / "p"), "-e", str(directory / "p/log"), "-c", str(directory / "p/nginx.conf")])


def cpu_ns(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def ask(port, path, count):
    request = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, len(BODY)) + BODY
    with socket.create_connection(("127.0.0.1", port)) as s:
        for _ in range(count):
            s.sendall(request)
            text = b""
            while b'"]}' not in text:
                text += s.recv(65536)
            assert text.startswith(b"HTTP/1.1 200"), text


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="keyshm-cost-"))
    port, process = provider(directory)
    gateway = Gateway(directory, Fake(port))
    there = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass http://fast; access_log off;"
    with_key = f'keyshm {gateway.pool}; proxy_set_header Authorization "Bearer $keyshm_key"; {there}'
    static = f'proxy_set_header Authorization "Bearer {key("good", 1)}"; {there}'
    locations = {"without": static, "again": static, "with": with_key, "model": with_key + "keyshm_model $keyshm_body_model;"}
    # The variable in one location has the body read in no other.
    gateway.run(*(key("good", i) for i in range(8)), http="upstream fast { server 127.0.0.1:%d; keepalive 4; } keepalive_requests 10000000;" % port,
                location="".join("location /%s/ { %s }" % pair for pair in locations.items()))
    worker = gateway.workers()[0]
    rounds = {name: [] for name in locations}
    for number in range(ROUNDS):
        # Each in its turn goes first: what the one before leaves in the caches is for none of them alone.
        names = list(locations)[number % len(locations):] + list(locations)[:number % len(locations)]
        for name in names:
            before = cpu_ns(worker)
            ask(gateway.port, b"/%s/x" % name.encode(), REQUESTS)
            rounds[name].append((cpu_ns(worker) - before) / REQUESTS / 1000)
    least = min(rounds["without"])
    for name, used in rounds.items():
        pairs = statistics.median(a / b for a, b in zip(used, rounds["without"]))
        print(f"{name:8} {min(used):6.2f} µs a request, {min(used) / least:.3f} of without; in pairs {pairs:.3f}")
    gateway.stop()
    process.terminate()
    gateway.ctl("destroy", gateway.pool)


main()
