# SPDX-License-Identifier: MIT
"""examples/prefork.c: a pool outlives its supervisor, has one at a time, and learns the right thing from each answer: of a key, or
of an account, for one model or for all. (What each answer means is tested where it is decided; here, that answers get there whole.)"""

import email.utils
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

if not os.environ.get("PREFORK"):
    print("SKIPPED: examples/prefork was not built, as there is no libcurl 7.85 or later, or no libkeyshm-http")
    sys.exit(77)

from watch_pools import BASE, STAT, ctl, helpers, key, keys_of, run_tests, segment
from watch_terminal import PATIENCE_S, check

PREFORK = os.environ["PREFORK"]
PAUSE = os.environ["PREFORK_PAUSE"]  # "": under a sanitizer, which has to be the first library itself
HOUR_MS = 3600 * 1000
UNTIL_MARKED = -1
BROKEN_OFF = 0  # in place of a status: the connection is closed without an answer


# ---- the provider ----

class Provider(http.server.BaseHTTPRequestHandler):
    """Answers by the end of the key, which is also all that it remembers of it, and by the model."""

    answers = {}  # by the end of a key, or this and the model: a status, headers, and perhaps a body; others get 200
    again = None  # the answer when a key that has one of these answers is used again; None: the same
    seen = []  # the end of the key of each request
    asked = []  # and the model with it
    came_by = set()  # the headers that keys came by
    hinted = ()  # the ends of keys with which a provisional answer comes first, whose header is none of the answer's

    def do_GET(self):
        by = next((name for name in ("Authorization", "x-api-key", "x-goog-api-key") if name in self.headers), "")
        end, model = self.headers.get(by, "")[-4:], self.path.rpartition("/")[2]
        status, headers, *body = self.answers.get((end, model), self.answers.get(end, (200, {})))
        if end in self.answers and end in self.seen and self.again:
            status, headers = self.again
        self.came_by.add(by + ("" if self.headers.get("anthropic-version") is None else ", a version"))
        self.seen.append(end)
        self.asked.append((end, model))
        if status == BROKEN_OFF:
            self.close_connection = True
            return
        if end in self.hinted:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 7200\r\n\r\n")
        text = body[0] if body else b"{}"
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *arguments):
        """A worker was killed during its request."""


server = Server(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()


# ---- a supervisor ----

class Supervisor:
    """A run of prefork. What it says is checked for keys as soon as it has ended."""

    def __init__(self, pool, lines=b"", workers=2, before=(), preload="", arguments=(), providers=None, url=None):
        self.output = tempfile.TemporaryFile("w+", encoding="utf-8")
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        if preload:
            environment["LD_PRELOAD"] = preload
        if providers:
            environment["KEYSHM_PROVIDERS"] = providers
        with tempfile.TemporaryFile() as keys:
            keys.write(lines)
            keys.seek(0)
            self.process = subprocess.Popen(
                [*before, PREFORK, "--url", url or f"http://127.0.0.1:{server.server_port}/", "--pool", pool, "--workers", str(workers),
                 "--pace-ms", "20", *arguments], stdin=keys, stdout=self.output, stderr=self.output, env=environment)
        self.pid = self.process.pid
        helpers.append(self.process)

    def said(self):
        self.output.seek(0)
        text = self.output.read()
        check("TOPSECRET" not in text, "a key in its output")
        return text

    def comes_to(self, condition, what):
        wait_for(lambda: condition() or check(self.process.poll() is None, f"it ended: {self.said()}"), what)

    def end(self, status):
        """Wait for its end, and return what it has said."""
        ended = self.process.wait(PATIENCE_S)
        check(ended == status, f"exit status {ended}, not {status}: {self.said()}")
        return self.said()

    def stop(self):
        """End it regularly, and return what was counted."""
        self.process.terminate()
        return {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", self.end(0), re.MULTILINE)}

    def kill(self, pool):
        """Kill it, and wait until its workers are gone, too."""
        self.process.kill()
        self.end(-signal.SIGKILL)
        wait_for(lambda: not attached(pool), "its workers do not end")


def wait_for_stop(supervisor):
    """It is stopped since the last call, if there was one."""
    wait_for(lambda: os.waitid(os.P_PID, supervisor.pid, os.WSTOPPED | os.WNOHANG), "it does not stop")


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        check(time.monotonic() < end, what)
        time.sleep(0.01)


def key_list(*ends):
    return "".join(key(end) + "\n" for end in ends).encode()


def attached(pool):
    """{pid: name} of the processes that are."""
    listed = json.loads(subprocess.check_output([STAT, "--workers", "--json", pool]))["pools"][0]["workers"]
    return {worker["pid"]: worker["name"] for worker in listed if worker["state"] not in ("dead", "closed")}


def is_there(pool):
    return os.path.exists(segment(pool))


def known(pool):
    """What the pool knows of each key, by its end."""
    return {each["masked_key"][-4:]: (each["id"], each["status"], each["reason"]) for each in keys_of(pool)} if is_there(pool) else {}


def has_status(pool, **statuses):
    found = known(pool)
    return all(found.get(end, (0, ""))[1] == status for end, status in statuses.items())


def serves(pool, end):
    """A supervisor for the pool has a worker that asks with this key from now on."""
    before = Provider.seen.count(end)
    return lambda: is_there(pool) and Provider.seen.count(end) > before


def start(pool, lines, end, **options):
    is_served = serves(pool, end)
    supervisor = Supervisor(pool, lines, **options)
    supervisor.comes_to(is_served, f"no request with {end}")
    return supervisor


def marks(pool):
    """Each key's first mark: its status, reason and duration. Of all groups together, that with the key ""."""
    found = {}
    for event in json.loads(subprocess.check_output([STAT, "--events", "--json", pool]))["pools"][0]["events"]:
        if event["kind"] == "marked":
            found.setdefault(event["masked_key"][-4:], (event["to"], event["reason"], event["duration_ms"]))
    return found


# ---- the tests ----

def test_starts_again():
    pool = f"{BASE}-again"
    Provider.answers = {"AAAA": (401, {}), "BBBB": (429, {"Retry-After": "3600"})}
    supervisor = start(pool, key_list("AAAA", "BBBB", "CCCC", "DDDD"), "DDDD")
    supervisor.comes_to(lambda: has_status(pool, AAAA="invalid", BBBB="rate_limited"), "the marks are not made")
    check(attached(pool).get(supervisor.pid) == "supervisor", "it has no name in the list of workers")
    supervisor.kill(pool)
    before = known(pool)
    wasted = [Provider.seen.count(end) for end in ("AAAA", "BBBB")]

    # In any order, with comments, blank lines and the line ends of DOS.
    lines = f"# keys\r\n\r\n{key('EEEE')}\r\n{key('CCCC')}\n\n#{key('FFFF')}\n{key('BBBB')}\n{key('AAAA')}\r\n{key('BBBB')}"
    supervisor = start(pool, lines.encode(), "EEEE")
    after = known(pool)
    check(set(after) == {"AAAA", "BBBB", "CCCC", "EEEE"}, f"the pool has {sorted(after)}")
    check(all(after[end] == before[end] for end in ("AAAA", "BBBB", "CCCC")), f"{before} became {after}")
    supervisor.kill(pool)

    # None of them is available.
    supervisor = Supervisor(pool, key_list("AAAA", "BBBB"))
    supervisor.comes_to(lambda: set(known(pool)) == {"AAAA", "BBBB"} and len(attached(pool)) > 0, "it does not take the pool over")
    check(supervisor.stop()["requests"] == 0, "requests with keys that are not available")
    check([Provider.seen.count(end) for end in ("AAAA", "BBBB")] == wasted, "a key that was known to be of no use was used")
    check(not is_there(pool), "the pool is still there after a regular end")


def test_bad_keys():
    pool = f"{BASE}-bad"
    Provider.answers = {"AAAA": (401, {})}
    bad = [
        (f"# a\n\n{key('BBBB')}\n{key('CC')}\x01CC\n{key('DDDD')}\n", "line 4"),
        (f"{key('BBBB')}\n{key('CCCC')}\0{key('DDDD')}", "line 2"),
        (f"{key('BBBB') * 100}\n", "line 1"),
        (f"{key('BBBB')}\r\n{key('CCCC')} \r\n", "line 2"),
        (f"\n\r\n#{key('BBBB')}\n", "no keys"),
        ("", "no keys"),
    ]

    def refuse_all():
        for lines, message in bad:
            said = Supervisor(pool, lines.encode()).end(1)
            check(message in said, f"no '{message}' in: {said}")

    refuse_all()
    check(not is_there(pool), "a pool without keys was left")
    supervisor = start(pool, key_list("AAAA", "CCCC"), "CCCC")
    supervisor.comes_to(lambda: has_status(pool, AAAA="invalid"), "the mark is not made")
    supervisor.kill(pool)
    before = known(pool)
    refuse_all()
    check(known(pool) == before, "a refused list changed the pool")
    start(pool, key_list("CCCC"), "CCCC").stop()


def test_one_at_a_time():
    pool = f"{BASE}-one"
    Provider.answers = {"AAAA": (401, {})}
    first = start(pool, key_list("AAAA", "BBBB"), "BBBB")
    first.comes_to(lambda: has_status(pool, AAAA="invalid"), "the mark is not made")
    before = known(pool)

    def refuse():
        said = Supervisor(pool, key_list("CCCC")).end(1)
        check(re.search(rf"\b{first.pid}\b", said), f"pid {first.pid} is not named: {said}")
        check(known(pool) == before, "a second supervisor changed the pool")

    refuse()
    first.comes_to(serves(pool, "BBBB"), "the first supervisor no longer works")
    os.kill(first.pid, signal.SIGSTOP)
    wait_for_stop(first)
    refuse()

    # Of the supervisors in the list, one is dead now, and the others have closed the pool.
    first.kill(pool)
    check(known(pool) == before, "the pool is not as it was")
    start(pool, key_list("CCCC"), "CCCC").stop()
    check(not is_there(pool), "the pool is still there after a regular end")


def test_started_at_once():
    """All but one give way, or all do: it is never two that stay."""
    pool = f"{BASE}-at-once"
    Provider.answers = {}
    supervisors = [Supervisor(pool, key_list(end * 4)) for end in "ABCDEF"]
    wait_for(lambda: sum(each.process.poll() is None for each in supervisors) <= 1, "more than one supervisor stays")
    for each, end in zip(supervisors, "ABCDEF"):
        is_served = serves(pool, end * 4)
        wait_for(lambda: each.process.poll() is not None or is_served(), "it does not work")  # pylint: disable=cell-var-from-loop
        if each.process.poll() is None:
            check(set(known(pool)) == {end * 4}, f"the pool has {sorted(known(pool))}")
            each.stop()
        else:
            check("is the supervisor" in each.end(1), each.said())


def test_named_late():
    """A supervisor that attached first, but was not named yet when the other one looked, gives way to it."""
    if not PAUSE:
        print("  not under a sanitizer")
        return
    pool = f"{BASE}-late"
    Provider.answers = {}
    late = Supervisor(pool, key_list("AAAA"), preload=PAUSE)
    wait_for_stop(late)
    other = start(pool, key_list("BBBB"), "BBBB")
    os.kill(late.pid, signal.SIGCONT)
    said = late.end(1)
    check(re.search(rf"\b{other.pid}\b", said), f"pid {other.pid} is not named: {said}")
    check(set(known(pool)) == {"BBBB"}, "it changed the pool")
    other.stop()


def test_pool_was_replaced():
    """A supervisor removes its own pool only; and one that finds its pool unlinked when it starts opens another."""
    pool = f"{BASE}-replaced"
    Provider.answers = {}
    first = start(pool, key_list("AAAA"), "AAAA")
    ctl("destroy", pool)
    second = start(pool, key_list("BBBB"), "BBBB")
    first.stop()
    check(set(known(pool)) == {"BBBB"}, "it removed the pool of another supervisor")
    if PAUSE:
        third = Supervisor(pool, key_list("CCCC"), preload=PAUSE)
        wait_for_stop(third)
        second.stop()
        os.kill(third.pid, signal.SIGCONT)
        wait_for_stop(third)  # it names itself in either pool
        os.kill(third.pid, signal.SIGCONT)
        third.comes_to(serves(pool, "CCCC"), "no request with CCCC")
        check(set(known(pool)) == {"CCCC"}, f"the pool has {sorted(known(pool))}")
        third.stop()
    else:
        second.stop()
    check(not is_there(pool), "the pool is still there after a regular end")


def test_unknown():
    """Whether a supervisor in another PID namespace is alive cannot be told."""
    container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*container, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        container.insert(1, "--map-root-user")
    if subprocess.run([*container, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("  not permitted to make a PID namespace")
        return
    pool = f"{BASE}-unknown"
    Provider.answers = {}
    other = start(pool, key_list("AAAA"), "AAAA", before=container)
    before = known(pool)
    for _ in ("it is alive", "it is dead"):
        said = Supervisor(pool, key_list("BBBB")).end(1)
        check("cannot be told" in said and f"keyshm-ctl destroy {pool}" in said, said)
        check(known(pool) == before, "it changed the pool")
        # The pid of the other one there is that of this one here.
        said = Supervisor(pool, key_list("BBBB"), before=container).end(1)
        check("cannot be told" in said, said)
        check(known(pool) == before, "it changed the pool")
        other.process.kill()
        other.process.wait()
    ctl("destroy", pool)
    start(pool, key_list("BBBB"), "BBBB").stop()


def limit(model):
    """OpenAI's, which says in a header and in words when it ends."""
    text = (f"Rate limit reached for {model} in organization org-0 on requests per min (RPM): Limit 3, Used 3, Requested 1. "
            "Please try again in 3600s.")
    return (429, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h0m0s"}, error(text, "rate_limit_exceeded"))


def error(message, code):
    return json.dumps({"error": {"message": message, "type": "requests", "param": None, "code": code}}).encode()


def gemini(status, message, *details, name="RESOURCE_EXHAUSTED"):
    return (status, {}, json.dumps({"error": {"code": status, "message": message, "status": name, "details": details}}).encode())


def anthropic(status, kind, message, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return (status, headers, json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode())


OUT_OF_MONEY = (429, {}, error("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota"))
NO_MODEL = (403, {}, error("Project `proj_0` does not have access to model `small`", "model_not_found"))
LONG = "x" * 20000  # more than a read(2) or a header is likely to give at once


def expect_marks(provider, answers, headers, came_by):
    """Each key is marked as its first answer says, and one that has no answer here goes on."""
    pool = f"{BASE}-{provider}"
    Provider.answers = {end: answer for end, (answer, _) in answers.items()}
    Provider.again, Provider.came_by = (429, {"Retry-After": "3600"}), set()  # so that the first marks stay among the events
    supervisor = start(pool, key_list(*Provider.answers, "ZZZZ"), "ZZZZ", workers=1, arguments=["--provider", provider, *headers])
    supervisor.comes_to(lambda: set(Provider.answers) <= set(marks(pool)), "not every key is marked")
    found = marks(pool)
    for end, (_, wanted) in answers.items():
        status, reason, duration_ms = found[end]
        least_ms, most_ms = wanted[2] if isinstance(wanted[2], tuple) else (wanted[2], wanted[2])
        check((status, reason) == wanted[:2] and least_ms <= duration_ms <= most_ms, f"{provider}, {end}: {found[end]}, not {wanted}")
    check(Provider.came_by == {came_by}, f"{provider}: keys came by {Provider.came_by}")
    counted = supervisor.stop()
    for name in ("rate_limited", "quota_exceeded", "invalid"):
        wanted = sum(mark[0] == name for _, mark in answers.values())
        check(counted[name] == wanted if name != "rate_limited" else counted[name] >= wanted, f"{provider}: {wanted} {name}: {counted}")
    check(counted["other_key"] == counted["later"] == counted["never"] == 0, f"{provider}: {counted}")


def test_answers_of_openai():
    in_an_hour = email.utils.formatdate(time.time() + 3600, usegmt=True)
    Provider.hinted = ("OHHH",)
    expect_marks("openai", {
        "OAAA": ((429, {"Retry-After": in_an_hour}, error("Rate limit reached", "rate_limit_exceeded")),
                 ("rate_limited", "rate_limit", (HOUR_MS - 60000, HOUR_MS + 2000))),
        "OAAB": ((429, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7m12s"}),
                 ("rate_limited", "rate_limit", 432000)),
        "OAAC": ((429, {}, error("Rate limit reached. Please try again in 1m12.5s.", "rate_limit_exceeded")),
                 ("rate_limited", "rate_limit", 72500)),
        "OAAD": ((429, {"x-long": LONG, "retry-after-ms": "1500000"}), ("rate_limited", "rate_limit", 1500000)),
        "OHHH": ((429, {"Retry-After": "1800"}), ("rate_limited", "rate_limit", 1800000)),
        "OAAE": (OUT_OF_MONEY, ("quota_exceeded", "billing", UNTIL_MARKED)),
        "OAAF": ((401, {}, error("Incorrect API key provided: sk-TOPS****.", "invalid_api_key")),
                 ("invalid", "authentication", UNTIL_MARKED)),
        "OAAG": ((429, {}, json.dumps({"pad": LONG * 2}).encode()[:-1] + b", " + OUT_OF_MONEY[2][1:]),
                 ("quota_exceeded", "billing", UNTIL_MARKED)),
    }, [], "Authorization")


def test_answers_of_anthropic():
    expect_marks("anthropic", {
        "PAAA": (anthropic(429, "rate_limit_error", "This request would exceed your organization's rate limit.", retry_after="1800"),
                 ("rate_limited", "rate_limit", 1800000)),
        "PAAB": (anthropic(429, "rate_limit_error", "This request would exceed your organization's rate limit.",
                           anthropic_ratelimit_requests_limit="50", anthropic_ratelimit_requests_remaining="0",
                           anthropic_ratelimit_requests_reset=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))),
                 ("rate_limited", "rate_limit", (HOUR_MS - 60000, HOUR_MS + 2000))),
        "PAAC": (anthropic(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
                 ("quota_exceeded", "billing", UNTIL_MARKED)),
        "PAAD": (anthropic(401, "authentication_error", "invalid x-api-key"), ("invalid", "authentication", UNTIL_MARKED)),
    }, ["--header", "x-api-key: {key}", "--header", "anthropic-version: 2023-06-01"], "x-api-key, a version")


def test_answers_of_gemini():
    violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaDimensions": {"model": "gemini-2.5-flash"}}
    expect_marks("gemini", {
        "GAAA": (gemini(429, "You exceeded your current quota.", {"violations": [violation]}, {"retryDelay": "1800s"}),
                 ("rate_limited", "rate_limit", 1800000)),
        "GAAB": (gemini(429, "Your prepayment credits are depleted."), ("quota_exceeded", "billing", UNTIL_MARKED)),
        "GAAC": (gemini(400, "API key not valid. Please pass a valid API key.", {"reason": "API_KEY_INVALID"}, name="INVALID_ARGUMENT"),
                 ("invalid", "authentication", UNTIL_MARKED)),
    }, ["--header", "x-goog-api-key: {key}"], "x-goog-api-key")


def test_other_key_at_once():
    """What another key can have answered does not wait; and it is not tried for ever, where no key may do it."""
    pool = f"{BASE}-at-once-again"
    Provider.answers, Provider.again, Provider.asked[:] = {"AAAA": OUT_OF_MONEY, "BBBB": OUT_OF_MONEY, "CCCC": OUT_OF_MONEY}, None, []
    arguments = ["--provider", "openai", "--pace-ms", "3600000", "--model", "large", "--model", "small"]
    supervisor = Supervisor(pool, key_list("AAAA", "BBBB", "CCCC", "DDDD"), workers=1, arguments=arguments)
    supervisor.comes_to(lambda: ("DDDD", "large") in Provider.asked, "a request is not tried again with another key, and at once")
    check(Provider.asked == [("AAAA", "large"), ("BBBB", "large"), ("CCCC", "large"), ("DDDD", "large")], f"{Provider.asked}")
    check(supervisor.stop()["ok"] == 1, "it was not answered")

    Provider.answers, Provider.asked[:] = {("AAAA", "large"): NO_MODEL, ("BBBB", "large"): NO_MODEL}, []
    supervisor = Supervisor(pool, key_list("AAAA", "BBBB"), workers=1, arguments=arguments)
    supervisor.comes_to(lambda: Provider.asked[-1:] in ([("AAAA", "small")], [("BBBB", "small")]),
                        "what no key may do is tried for ever")
    check({end for end, _ in Provider.asked[:2]} == {"AAAA", "BBBB"}, f"not with another key: {Provider.asked}")
    check(has_status(pool, AAAA="available", BBBB="available"), f"{known(pool)}")
    counted = supervisor.stop()
    check(counted["ok"] == 1 and counted["other_key"] == counted["requests"] - 1 > 1, f"{counted}")


def test_nothing_about_a_key():
    """No key is marked; and workers go on, whatever the pace, after a while that the server may say."""
    pool = f"{BASE}-nothing"
    echo = f"No model {key('DDDD')} here".encode()
    Provider.answers = {"AAAA": (BROKEN_OFF, {}), "BBBB": (503, {"Retry-After": "1"}), "CCCC": (529, {}), "DDDD": (400, {}, echo),
                        "EEEE": (302, {"Location": f"http://127.0.0.1:{server.server_port}/other"}),
                        "FFFF": (200, {"Content-Length": "1000"}, b"{"), "GGGG": (200, {})}
    Provider.again, Provider.seen[:] = None, []
    supervisor = start(pool, key_list(*Provider.answers), "GGGG", workers=1)
    supervisor.comes_to(serves(pool, "GGGG"), "it does not go on")
    check(all(status == "available" for _, status, _ in known(pool).values()), f"{known(pool)}")
    said = supervisor.said()
    for message in ("Server returned nothing", "Transferred a partial file", "answered 503", "answered 529", "answered 400", "answered 302"):
        check(message in said, f"no '{message}' in: {said}")
    counted = supervisor.stop()
    wanted = {"ok": ("GGGG",), "later": ("AAAA", "BBBB", "CCCC", "FFFF"), "never": ("DDDD", "EEEE")}
    for name, ends in wanted.items():
        check(counted[name] == sum(Provider.seen.count(end) for end in ends), f"{name}: {counted}, and {Provider.seen}")

    nobody = http.server.HTTPServer(("127.0.0.1", 0), None)  # whose port nobody else gets, as long as it is not closed
    url = f"http://127.0.0.1:{nobody.server_port}/"
    nobody.socket.close()
    supervisor = Supervisor(pool, key_list("AAAA"), workers=1, url=url)
    supervisor.comes_to(lambda: "connect to server" in supervisor.said(), "it does not say that nobody answers")
    check(has_status(pool, AAAA="available"), f"{known(pool)}")
    check(supervisor.stop()["later"] >= 1, "a server that is not there was not counted")


def policy(pool):
    return json.loads(ctl("policy", "--json", pool))


def test_rules():
    """A new pool has the rules that are asked for, and probes; one that is there keeps its own."""
    pool = f"{BASE}-rules"
    Provider.answers, Provider.again = {}, None
    supervisor = start(pool, key_list("AAAA"), "AAAA", arguments=["--provider", "openai-2"])
    check(policy(pool)["probe_ms"] == 10000, f"{policy(pool)}")
    supervisor.kill(pool)
    said = Supervisor(pool, key_list("BBBB"), arguments=["--provider", "gemini"]).end(1)
    check("'openai-2'" in said and f"keyshm-ctl destroy {pool}" in said, said)
    check(set(known(pool)) == {"AAAA"}, "other rules than asked for changed the pool")
    start(pool, key_list("AAAA"), "AAAA", arguments=["--provider", "openai-2"]).stop()

    ctl("create", "--provider-rules", "groq", pool)
    supervisor = start(pool, key_list("AAAA"), "AAAA")
    check(policy(pool)["probe_ms"] == 0, "the policy of a pool that was there was changed")
    supervisor.stop()

    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "mine.json"), "w", encoding="utf-8") as file:
            file.write('{"provider": "mine",\n "rules": 3}')
        said = Supervisor(pool, key_list("AAAA"), providers=directory).end(1)
    check("/mine.json" in said and "rules" in said, said)
    check(not is_there(pool), "a pool was left")


class Accounts:
    """Files of keys."""

    def __init__(self, **ends_of):
        self.directory = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.write(**ends_of)

    def write(self, **ends_of):
        for name in os.listdir(self.directory.name):
            os.unlink(os.path.join(self.directory.name, name))
        for name, ends in ends_of.items():
            with open(os.path.join(self.directory.name, name), "wb") as file:
                file.write(key_list(*ends))

    def arguments(self):
        files = [os.path.join(self.directory.name, name) for name in sorted(os.listdir(self.directory.name))]
        return ["--provider", "openai", "--model", "large", "--model", "small", *files]


def asks(*wanted):
    """From now on there is one more request with each of these keys, for each of these models."""
    before = {each: Provider.asked.count(each) for each in wanted}
    return lambda: all(Provider.asked.count(each) > before[each] for each in wanted)


def refused(*ends):
    """How many requests with these keys the provider has refused."""
    return sum(Provider.asked.count(each) for each in Provider.answers if each[0] in ends)


def test_accounts():
    """A limit is one of an account and a model: a refusal takes all keys of the account out, for that model only."""
    pool = f"{BASE}-accounts"
    Provider.answers = {("AAAA", "large"): limit("large"), ("AAAB", "large"): limit("large"), ("BBBA", "small"): NO_MODEL,
                        ("CCCA", "large"): OUT_OF_MONEY, ("CCCA", "small"): OUT_OF_MONEY,
                        ("CCCB", "large"): OUT_OF_MONEY, ("CCCB", "small"): OUT_OF_MONEY}
    Provider.again, Provider.asked[:] = None, []
    accounts = Accounts(acme=("AAAA", "AAAB"), bolt=("BBBA", "BBBB"), cargo=("CCCA", "CCCB"))

    def goes_on():
        # Twice: a round in which the last refusal is made may be under way.
        for _ in range(2):
            supervisor.comes_to(asks(("AAAA", "small"), ("AAAB", "small"), ("BBBA", "large"), ("BBBB", "large"), ("BBBB", "small")),
                                "a model suffers from the limit of another, or a key from that of another account")

    supervisor = Supervisor(pool, workers=1, arguments=accounts.arguments())
    supervisor.comes_to(lambda: has_status(pool, CCCA="quota_exceeded", CCCB="quota_exceeded"), "an account has no money")
    goes_on()
    check(refused("AAAA", "AAAB") == 1, "the limit of an account was not marked for both of its keys")
    check(refused("CCCA", "CCCB") == 1, "that an account has no money was not marked for all models")
    check(has_status(pool, AAAA="available", AAAB="available", BBBA="available", BBBB="available"), f"{known(pool)}")
    check(known(pool)["CCCB"][2] == "billing", f"{known(pool)}")
    check(set(marks(pool)) == {""}, f"a key was marked in place of its account: {marks(pool)}")

    # All this stays known when the accounts come again, one of them with another name, a new key, and without one.
    supervisor.kill(pool)
    accounts.write(acme=("AAAA", "AAAB", "AAAC"), bolt=("BBBA", "BBBB"), dune=("CCCB", "DDDD"))
    is_asked = asks(("AAAC", "small"), ("DDDD", "large"), ("DDDD", "small"), ("CCCB", "small"))
    Provider.answers = {each: answer for each, answer in Provider.answers.items() if each[0] not in ("CCCA", "CCCB")}
    supervisor = Supervisor(pool, workers=1, arguments=accounts.arguments())
    supervisor.comes_to(is_asked, "the new keys are not used")
    goes_on()
    check(set(known(pool)) == {"AAAA", "AAAB", "AAAC", "BBBA", "BBBB", "CCCB", "DDDD"}, f"the pool has {sorted(known(pool))}")
    check(refused("AAAA", "AAAB") == 1 and ("AAAC", "large") not in Provider.asked, "what was known of an account is forgotten")
    supervisor.stop()


def test_limits():
    """Three of an account for a model, by all workers together; others go on."""
    pool = f"{BASE}-limits"
    Provider.answers, Provider.seen, Provider.asked = {}, [], []
    accounts = Accounts(acme=("AAAA", "AAAB"), bolt=("BBBA",))
    arguments = ["--limits", "acme/large=3/86400,3", "--limits", "=1000/1"]
    supervisor = Supervisor(pool, workers=4, arguments=[*accounts.arguments(), *arguments])
    supervisor.comes_to(lambda: Provider.asked.count(("BBBA", "large")) > 20 and Provider.asked.count(("AAAA", "small")) > 20,
                        "what has no limit does not go on")
    supervisor.stop()
    sent = Provider.asked.count(("AAAA", "large")) + Provider.asked.count(("AAAB", "large"))
    check(sent == 3, f"{sent} requests were sent, where the limit is 3")

    for limit, message in [("acme", "--limits takes"), ("acme=3", "--limits takes"), ("acme=3,4/5", "--limits takes"),
                           ("acme=0/1", "'0' is not a number"), ("acme=1/", "'' is not a number"), ("acme=1/1,x", "'x' is not"),
                           ("none=1/1", "the account 'none'"), ("acme/none=1/1", "no --model is 'none'")]:
        said = Supervisor(pool, arguments=[*accounts.arguments(), "--limits", limit]).end(1)
        check(message in said, f"no '{message}' in: {said}")
        check(not is_there(pool), "a pool was left")


def test_bad_files():
    pool = f"{BASE}-bad-files"
    Provider.answers = {}
    good, bad = Accounts(acme=("AAAA",)), Accounts(acme=("AAAA",), bolt=())
    for arguments, message in [(bad.arguments(), "bolt: no keys"), ([*good.arguments(), "/none"], "cannot open /none"),
                               (["--model", " "], "cannot make the model"), (["--model", "m"] * 9, "more than 8 models"),
                               (["/none"] * 65, "more than 64 accounts"), (["--provider", "a b"], "cannot open the pool"),
                               (["--header", "none"], "--header takes"), (["--header", ": {key}"], "--header takes"),
                               (["--header", "a: b\r\nc: {key}"], "--header takes"), (["--header", "a: " + 1024 * "b"], "--header takes"),
                               (["--header", "a: {key}"] * 9, "more than 8 header fields")]:
        said = Supervisor(pool, arguments=arguments).end(1)
        check(message in said, f"no '{message}' in: {said}")
        check(not is_there(pool), "a pool without keys was left")


run_tests([test_starts_again, test_bad_keys, test_one_at_a_time, test_started_at_once, test_named_late, test_pool_was_replaced, test_unknown,
           test_answers_of_openai, test_answers_of_anthropic, test_answers_of_gemini, test_other_key_at_once, test_nothing_about_a_key,
           test_rules, test_accounts, test_limits, test_bad_files])
