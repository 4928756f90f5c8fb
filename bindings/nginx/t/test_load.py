# SPDX-License-Identifier: MIT
"""Many requests while keys are refused, workers are killed, nginx reloads and the pool is replaced: no answer but the right
one. KEYSHM_NGINX_REQUESTS says how many; a few thousand without it."""
import asyncio
import os
import re
import signal
import subprocess
import threading

import pytest

from conftest import NGINX, free_port, key, wait_for

REQUESTS = int(os.environ.get("KEYSHM_NGINX_REQUESTS", "3000"))
CLIENTS = 16
BODY = b'{"model":"gpt-x","text":"' + b"x" * 3000 + b'"}'
KEYS = [key("good", i) for i in range(1, 9)] + [key("dead", 11), key("rate", 12), key("quota", 13)]

CONF = """
daemon off; worker_processes 1; pid provider.pid; error_log provider.log;
events { worker_connections 1024; }
http {
    access_log off; default_type application/json; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi; keepalive_requests 100000;
    map $http_authorization $rule { default wrong; "~ sk-test-good-" good; "~ sk-test-rate-" rate; "~ sk-test-quota-" quota; }
    server {
        listen 127.0.0.1:@PORT@;
        location / {
            if ($rule = wrong) { return 401 '{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}'; }
            if ($rule = rate) { add_header Retry-After 1 always; return 429 '{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}'; }
            if ($rule = quota) { return 429 '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}'; }
            return 200 '{"id":"right"}';
        }
    }
}
"""


@pytest.fixture
def fast_provider(tmp_path):
    directory = tmp_path / "provider"
    directory.mkdir()
    port = free_port()
    (directory / "nginx.conf").write_text(CONF.replace("@PORT@", str(port)))
    process = subprocess.Popen([NGINX, "-p", str(directory), "-e", str(directory / "provider.log"), "-c", str(directory / "nginx.conf")])
    yield port
    process.send_signal(signal.SIGQUIT)
    process.wait()


class Load:
    def __init__(self, port):
        self.port, self.left = port, REQUESTS
        self.right = self.lost = 0
        self.wrong = []

    async def ask(self, reader, writer):
        writer.write(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        body = await reader.readexactly(length)
        if head.startswith(b"HTTP/1.1 200 ") and body == b'{"id":"right"}':
            self.right += 1
        else:
            self.wrong.append(head + body)
        return b"Connection: close" not in head

    async def client(self):
        while self.left > 0:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            keeps = True
            while keeps and self.left > 0:
                self.left -= 1
                try:
                    keeps = await self.ask(reader, writer)
                except (OSError, asyncio.IncompleteReadError):
                    self.lost += 1
                    break
            writer.close()

    async def run(self):
        await asyncio.gather(*(self.client() for _ in range(CLIENTS)))


def memory_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))


class Trouble(threading.Thread):
    """What goes on meanwhile."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.is_over = gateway, threading.Event()
        self.killed = self.reloads = self.replaced = 0

    def revive(self):
        """Keys that were refused are asked for again."""
        for k in self.gateway.stat()["keys"]:
            if k["status"] != "available":
                self.gateway.ctl("mark", self.gateway.pool, str(k["id"]), "available")

    def run(self):
        step = 0
        while not self.is_over.wait(0.05):
            step += 1
            try:
                if step % 7 == 3 and (workers := self.gateway.workers()):
                    os.kill(workers[0], signal.SIGKILL)
                    self.killed += 1
                elif step % 7 == 5:
                    self.gateway.signal(signal.SIGHUP)
                    self.reloads += 1
                elif step % 14 == 6:
                    self.gateway.ctl("destroy", self.gateway.pool)
                    self.gateway.ctl("create", self.gateway.pool, "--provider-rules", "openai")
                    self.gateway.ctl("set", self.gateway.pool, stdin="\n".join(KEYS) + "\n")
                    self.gateway.ctl("limits", self.gateway.pool, "all", "--in-flight", "16")
                    self.replaced += 1
                else:
                    self.revive()
            except (subprocess.CalledProcessError, ProcessLookupError, IndexError):
                pass  # in the middle of a replacement


@pytest.mark.parametrize("calm", [True, False])
def test_load(gateway, fast_provider, calm):
    location = gateway.proxy("keyshm_tries 8; keyshm_model $keyshm_body_model;", "http://fast").replace(
        f"keyshm {gateway.pool};", f"keyshm {gateway.pool} wait=20s;")
    http = "upstream fast { server 127.0.0.1:%d; keepalive 16; } keepalive_requests 100000;" % fast_provider
    gateway.run(*KEYS, location=location, http=http, pool=f"keyshm_pool {gateway.pool} keys={gateway.directory}/keys rules=openai model=gpt-x;")
    gateway.ctl("limits", gateway.pool, "all", "--in-flight", "16")
    load, trouble = Load(gateway.port), Trouble(gateway)
    if calm:
        # Only keys that come back to be refused.
        trouble.run = lambda: [trouble.revive() for _ in iter(lambda: trouble.is_over.wait(0.1), True)]
    first = memory_kb(gateway.workers()[0])
    trouble.start()
    asyncio.run(load.run())
    trouble.is_over.set()
    trouble.join()
    print(f"{load.right} right, {load.lost} lost, {trouble.killed} killed, {trouble.reloads} reloads, {trouble.replaced} replaced")
    assert load.wrong == []
    # A connection that dies with its worker, or that an old worker closes, is no answer.
    assert load.lost <= CLIENTS * (trouble.killed + trouble.reloads)
    assert load.right + load.lost == REQUESTS
    wait_for(lambda: sum(k["in_flight"] for k in gateway.stat()["keys"]) == 0, 5)
    if calm:
        assert load.lost == 0
        # A sanitizer keeps what was freed for a while.
        assert "LD_PRELOAD" in os.environ.get("NGINX_WRAPPER", "") or memory_kb(gateway.workers()[0]) < first + 4096
        assert gateway.stat()["keys"][8]["marked"]["invalid"] > 1
