# SPDX-License-Identifier: MIT
"""Three workers share four keys against a server of this process that refuses each key's sixth request: python -m keyshm"""

import http.client
import http.server
import os
import sys
import threading

import keyshm

KEYS = [f"sk-example-{name * 12}" for name in ("North", "South", "East", "West")]
REQUESTS_PER_KEY = 5
WORKERS = 3
REQUESTS = 8


class Provider(http.server.BaseHTTPRequestHandler):
    """Answers each key so many times, and then that it should come back in a minute."""

    served: dict = {}
    lock = threading.Lock()

    def do_GET(self):
        with self.lock:
            count = self.served[self.headers["Authorization"]] = self.served.get(self.headers["Authorization"], 0) + 1
        self.send_response(200 if count <= REQUESTS_PER_KEY else 429)
        if count > REQUESTS_PER_KEY:
            self.send_header("Retry-After", "60")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *arguments):
        pass


def ask(pool, port):
    """One request: with another key, as long as the provider refuses this one. Returns the lines that tell of it."""
    while True:
        try:
            with pool.lease() as key:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", "/", headers={"Authorization": f"Bearer {key.secret}"})
                response = connection.getresponse()
                verdict = key.report(response)
                yield f"{key.masked} answers {response.status}"
        except keyshm.Exhausted as exhausted:
            yield f"no key is left for {exhausted.retry_in:.0f} s"
            return
        if verdict.retry != "other_key":
            return


def work(pool, port, number):
    for _ in range(REQUESTS):
        for line in ask(pool, port):
            # One write a line, so that those of different workers do not mix.
            os.write(1, f"worker {number}: {line}\n".encode())


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    pool = keyshm.Pool.anonymous("example")
    pool.replace_keys(KEYS)
    workers = []
    for number in range(1, WORKERS + 1):
        pid = os.fork()
        if pid == 0:
            work(pool, server.server_port, number)
            os._exit(0)
        workers.append(pid)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    failed = sum(os.waitpid(pid, 0)[1] != 0 for pid in workers)
    for state in pool.states():
        print(f"{state.masked}: {state.picks} picks, {state.status}" + (f", {state.cooldown:.0f} s" if state.cooldown else ""))
    return failed


if __name__ == "__main__":
    sys.exit(main())
