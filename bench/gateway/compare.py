#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py [--json FILE]: gateways that put a key into a request, side by side in one run: plain nginx with a fixed key, nginx with
the module, nginx with Lua, and @portkey-ai/gateway. The same client (wrk), request and provider (another nginx) for all.

Needs NGINX_PROGRAM and KEYSHM_NGINX_MODULE. KEYSHM_LUA is the directory into which Debian's packages of Lua for nginx are unpacked,
KEYSHM_NODE_MODULES the one in which @portkey-ai/gateway is. What is not there is left out. scripts/bench --gateway finds all of it.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NGINX = os.environ["NGINX_PROGRAM"]
MODULE = os.environ["KEYSHM_NGINX_MODULE"]
LUA = pathlib.Path(os.environ.get("KEYSHM_LUA", "/"))
NODE_MODULES = pathlib.Path(os.environ.get("KEYSHM_NODE_MODULES", "/none"))
POOL = f"bench{os.getpid()}"

KEYS, TRIES = 8, 3
BODY = '{"model":"gpt-x","messages":[{"role":"user","content":"' + "word " * 400 + '"}]}'
ANSWER = '{"id":"chatcmpl-1","object":"chat.completion","choices":["' + "x" * 1000 + '"]}'
REFUSAL = '{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}'

# All nginx here are alike: one worker, and connections that are kept.
FRAME = """
%(modules)s
%(user)s
daemon off; worker_processes 1; pid nginx.pid; error_log error.log error;
events { worker_connections 512; }
http {
    access_log off; default_type application/json; keepalive_requests 100000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    %(http)s
    server { listen 127.0.0.1:%(port)d; %(server)s }
}
"""

# A key whose name has "rate" in it is refused, and that is noted.
PROVIDER_HTTP = "map $http_authorization $is_refused { default 0; ~rate 1; } log_format refused $status;"
PROVIDER = """
access_log refused.log refused if=$is_refused;
location / {
    if ($is_refused) { add_header Retry-After 600 always; return 429 '%s'; }
    return 200 '%s';
}
""" % (REFUSAL, ANSWER)

UPSTREAM = "upstream provider { server 127.0.0.1:%d; keepalive 32; keepalive_requests 100000000; }"

LOCATION = """
location /v1/ {
    %s
    proxy_http_version 1.1; proxy_set_header Connection ""; client_body_buffer_size 16k;
    proxy_pass http://provider;
}
"""

# As people write it: a turn and the benches in shared memory, and on a 429 the request once more with the next key.
LUA_HTTP = """
lua_package_path "%(root)s/usr/share/lua/5.1/?.lua;;";
lua_shared_dict keys 1m;
init_by_lua_block {
    local list = { %(keys)s }
    local dict = ngx.shared.keys
    function pick()
        for _ = 1, #list do
            local i = dict:incr("turn", 1, 0) %% #list + 1
            if not dict:get("benched " .. i) then
                ngx.ctx.key = i
                ngx.var.key = list[i]
                return true
            end
        end
    end
    function bench()
        dict:set("benched " .. ngx.ctx.key, true, 600)
    end
}
upstream provider {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"
        local state, status = balancer.get_last_failure()
        if not state then
            balancer.set_more_tries(%(tries)d - 1)
        elseif status == 429 then
            bench()
            if pick() then balancer.recreate_request() end
        end
        balancer.set_current_peer("127.0.0.1", %(port)d)
    }
    keepalive 32; keepalive_requests 100000000;
}
"""
LUA_LOCATION = """
set $key "";
access_by_lua_block { if not pick() then return ngx.exit(429) end }
proxy_set_header Authorization "Bearer $key";
proxy_next_upstream error timeout http_429 non_idempotent;
"""

WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = %s
wrk.headers["Content-Type"] = "application/json"
%s
done = function(summary, latency)
    io.write(string.format('{"requests":%%d,"us":%%d,"not_answered":%%d,"not_200":%%d,"p50_us":%%d,"p99_us":%%d}\\n', summary.requests,
        summary.duration, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        summary.errors.status, latency:percentile(50), latency:percentile(99)))
end
"""


class NotThere(Exception):
    """And why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, log):
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise NotThere(log.read_text()[-500:] if log.exists() else "it does not listen")


class Nginx:
    def __init__(self, directory, *, server, modules="", http="", environment=None):
        directory.mkdir()
        directory.chmod(0o755)
        self.port = free_port()
        user = "user www-data;" if os.geteuid() == 0 else ""
        conf = directory / "nginx.conf"
        conf.write_text(FRAME % {"modules": modules, "user": user, "http": http, "port": self.port, "server": server})
        self.process = subprocess.Popen([NGINX, "-p", f"{directory}/", "-e", "error.log", "-c", str(conf)],
                                        env={**os.environ, **(environment or {})}, stderr=open(directory / "stderr", "w"))
        wait_for_port(self.port, self.process, directory / "error.log")
        self.headers = {}

    def processes(self):
        pid = self.process.pid
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def plain(directory, provider, keys):
    return Nginx(directory, http=UPSTREAM % provider, server=LOCATION % f'proxy_set_header Authorization "Bearer {keys[-1]}";')


def keyshm(directory, provider, keys):
    path = directory.with_suffix(".keys")
    path.write_text("\n".join(keys) + "\n")
    path.chmod(0o600)
    location = f'keyshm {POOL}; keyshm_tries {TRIES}; proxy_set_header Authorization "Bearer $keyshm_key";'
    return Nginx(directory, modules=f"load_module {MODULE};", http=f"keyshm_pool {POOL} rules=openai keys={path};" + UPSTREAM % provider,
                 server=LOCATION % location)


def lua(directory, provider, keys):
    modules = [LUA / "usr/lib/nginx/modules" / name for name in ("ndk_http_module.so", "ngx_http_lua_module.so")]
    if not all(map(pathlib.Path.exists, modules)):
        raise NotThere("libnginx-mod-http-lua is not installed")
    http = LUA_HTTP % {"root": str(LUA).rstrip("/"), "keys": ", ".join(f'"{key}"' for key in keys), "tries": TRIES, "port": provider}
    library = next(LUA.glob("usr/lib/*/libluajit-5.1.so.2")).parent
    return Nginx(directory, modules="".join(f"load_module {path};" for path in modules), http=http, server=LOCATION % LUA_LOCATION,
                 environment={"LD_LIBRARY_PATH": str(library)})


class Portkey:
    """A fallback of load balancers, each over all keys, so that a refused request is sent again with a key that chance chooses."""

    def __init__(self, directory, provider, keys):
        program = NODE_MODULES / "@portkey-ai/gateway/build/start-server.js"
        if not shutil.which("node") or not program.exists():
            raise NotThere("no node, or no @portkey-ai/gateway in KEYSHM_NODE_MODULES")
        directory.mkdir()
        self.port = free_port()
        self.process = subprocess.Popen(["node", str(program), f"--port={self.port}", "--headless"], cwd=directory,
                                        env={**os.environ, "NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"},
                                        stdout=open(directory / "stdout", "w"), stderr=subprocess.STDOUT)
        wait_for_port(self.port, self.process, directory / "stdout")
        targets = [{"provider": "openai", "api_key": key, "custom_host": f"http://127.0.0.1:{provider}/v1", "weight": 1} for key in keys]
        balanced = {"strategy": {"mode": "loadbalance"}, "targets": targets}
        config = {"strategy": {"mode": "fallback", "on_status_codes": [401, 403, 429]}, "targets": [balanced] * TRIES}
        self.headers = {"x-portkey-config": json.dumps(config, separators=(",", ":"))}

    def processes(self):
        return [str(self.process.pid)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


GATEWAYS = {"nginx, one fixed key": plain, "nginx with keyshm": keyshm, "nginx with Lua": lua, "@portkey-ai/gateway": Portkey}


# ---- measuring ----

def cpu_ns(gateway):
    paths = (path for pid in gateway.processes() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(path.read_text().split()[0]) for path in paths)


def refusals(directory):
    """How many the provider has given."""
    return (directory / "provider/refused.log").read_text().count("\n")


def run_wrk(directory, gateway, seconds, connections):
    script = directory / "wrk.lua"
    quote = json.dumps  # to Lua it is the same
    headers = "\n".join(f"wrk.headers[{quote(name)}] = {quote(value)}" for name, value in gateway.headers.items())
    script.write_text(WRK_SCRIPT % (quote(BODY), headers))
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script),
                           f"http://127.0.0.1:{gateway.port}/v1/chat/completions"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(directory, gateway, options):
    cpu_before, refusals_before = cpu_ns(gateway), refusals(directory)
    said = run_wrk(directory, gateway, options.seconds, options.connections)
    requests = said["requests"]
    if said["not_answered"] or not requests:
        raise RuntimeError(f"requests without an answer: {said}")
    return {"requests_per_s": requests * 1e6 / said["us"], "cpu_us": (cpu_ns(gateway) - cpu_before) / requests / 1000,
            "p50_ms": said["p50_us"] / 1000, "p99_ms": said["p99_us"] / 1000, "failed": said["not_200"] / requests,
            "refusals": (refusals(directory) - refusals_before) / requests}


def start_all(directory, provider, keys, names, left_out):
    started = {}
    for i, name in enumerate(names):
        try:
            started[name] = GATEWAYS[name](directory / f"gateway{i}", provider, keys)
        except NotThere as reason:
            left_out[name] = str(reason)
    return started


def run_scenario(scenario, keys, names, options, left_out):
    """All in turn, so that what else the machine does meets all alike."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="keyshm-gateways-"))
    directory.chmod(0o755)
    provider = Nginx(directory / "provider", http=PROVIDER_HTTP, server=PROVIDER)
    gateways = start_all(directory, provider.port, keys, names, left_out)
    rounds = {name: [] for name in gateways}
    try:
        for number in range(options.rounds + 1):
            for name, gateway in gateways.items():
                figures = measure(directory, gateway, options)
                if number > 0:  # the first is to warm up
                    rounds[name].append(figures)
    finally:
        for gateway in (*gateways.values(), provider):
            gateway.stop()
        for path in pathlib.Path("/dev/shm").glob(f"keyshm.*.{POOL}"):
            path.unlink()
        shutil.rmtree(directory)
    for name, figures in rounds.items():
        medians = {field: statistics.median(each[field] for each in figures) for field in figures[0]}
        yield {"gateway": name, "scenario": scenario, **medians, "rounds": figures}


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()[0]


def machine():
    found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    programs = [first_line(NGINX, "-v").removeprefix("nginx version: ")]
    package = NODE_MODULES / "@portkey-ai/gateway/package.json"
    if package.exists():
        programs += [f"@portkey-ai/gateway {json.loads(package.read_text())['version']}", f"node {first_line('node', '--version')}"]
    return {"processor": found.group(1) if found else platform.machine(), "processors": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}", "programs": programs}


def print_table(rows):
    print(f"{'':<22}{'requests/s':>11}{'CPU µs':>9}{'p50 ms':>9}{'p99 ms':>9}{'failed':>9}{'refusals':>10}")
    for row in rows:
        print(f"{row['gateway']:<22}{row['requests_per_s']:>11,.0f}{row['cpu_us']:>9,.1f}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}"
              f"{row['failed']:>9.1%}{row['refusals']:>10.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("compare.py: no wrk")
    good = [f"sk-test-good-{i:08}" for i in range(KEYS)]
    rows, left_out = [], {}
    print("For each request: CPU time of the gateway; failed: the answer is not 200; refusals: of the provider, which the gateway may hide")
    for scenario, keys, names in (("all keys are good", good, list(GATEWAYS)),
                                  ("one key of eight is rate limited", ["sk-test-rate-00000000", *good[1:]], list(GATEWAYS)[1:])):
        found = list(run_scenario(scenario, keys, names, options, left_out))
        print(f"\n{scenario}:")
        print_table(found)
        rows += found
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    if options.json:
        result = {"date": datetime.date.today().isoformat(), "machine": machine(), "seconds": options.seconds, "number_of_rounds": options.rounds,
                  "connections": options.connections, "gateways": rows, "left_out": left_out}
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


main()
