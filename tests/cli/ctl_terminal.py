# SPDX-License-Identifier: MIT
"""keyshm-ctl on a terminal: it asks, shows its progress, and Ctrl-C reaches the command that it runs."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from watch_pools import BASE, CTL, FIXTURE, ctl, key, keys_of, make_pool, run_tests, start_helper, stopped_holder, workers_of
from watch_terminal import PATIENCE_S, Terminal, check

CLEAR_LINE = b"\r\x1b[K"


def test_break_lock_asks():
    pool, _ = make_pool("-asks", "AAAA")
    helper = stopped_holder(pool)
    for answer in ("n\r", "\r", "yesterday\r", "\x04"):
        terminal = Terminal([CTL, "break-lock", pool], columns=120)
        terminal.wait_for(rf"The mutex of pool {pool} is held by pid {helper.pid} \(cli-fixture\), stopped, for ([0-9]+\.[0-9]s|[0-9]+m [0-9]{2}s)\.")
        terminal.wait_for(r"Kill that process, with SIGKILL\? \[y/N\]")
        terminal.send(answer)
        check(terminal.finish() == 1, f"status {terminal.status} after {answer!r}")
        check("nothing was done" in terminal.text(), terminal.text())
        check(helper.poll() is None, f"killed after {answer!r}")
    terminal = Terminal([CTL, "break-lock", pool], columns=120)
    terminal.wait_for("y/N")
    terminal.send("\x03")
    check(terminal.finish() == -signal.SIGINT and helper.poll() is None, f"status {terminal.status} after Ctrl-C")
    terminal = Terminal([CTL, "break-lock", pool], columns=120)
    terminal.wait_for("y/N")
    terminal.send("y\r")
    check(terminal.finish() == 0, f"status {terminal.status} after y")
    check(f"pid {helper.pid} was killed while it added or removed a key" in terminal.text(), terminal.text())
    check(helper.wait() == -signal.SIGKILL, "it was not killed")
    ctl("verify", pool)


def test_break_lock_looks_again():
    """A process that releases the mutex while the question is on the screen is not killed."""
    pool, _ = make_pool("-again", "AAAA")
    helper = stopped_holder(pool)
    terminal = Terminal([CTL, "break-lock", pool], columns=120)
    terminal.wait_for("y/N")
    helper.kill()
    helper.wait()
    other = stopped_holder(pool)
    terminal.send("y\r")
    check(terminal.finish() == 1, f"status {terminal.status}")
    check("the process that held the mutex has given it back; nothing was done" in terminal.text(), terminal.text())
    check(other.poll() is None, "another than the one that was shown was killed")


def adding(pool, keys, stderr):
    """Run keyshm-ctl add while another process holds the mutex for a while. The caller checks the output."""
    helper = start_helper(FIXTURE, "hold", pool)
    helper.stdout.readline()
    result = stderr(f"{CTL} add {pool} <{keys} >/dev/null")
    end = time.monotonic() + PATIENCE_S
    while "keyshm-ctl" not in workers_of(pool):
        check(time.monotonic() < end, "keyshm-ctl add does not attach to the pool")
    time.sleep(1)  # longer than its delay before showing progress
    helper.kill()
    return result


def test_add_shows_progress():
    with tempfile.TemporaryDirectory() as directory:
        keys = os.path.join(directory, "keys")
        with open(keys, "w", encoding="utf-8") as file:
            file.writelines(key(f"{number:06}") + "\n" for number in range(1200))
        pool = f"{BASE}-progress"
        ctl("create", pool, "--capacity", "1200")
        terminal = adding(pool, keys, lambda command: Terminal(["sh", "-c", command], columns=120))
        check(terminal.finish() == 0, f"status {terminal.status}: {terminal.text()}")
        shown = re.findall(rb"\r\x1b\[Kadded ([0-9,]+) of 1,200 keys", terminal.output)
        check(shown and shown[0] == b"1", f"no progress was shown: {terminal.output}")
        rest = terminal.output.rpartition(b" of 1,200 keys")[2]
        check(rest.startswith(CLEAR_LINE + b"keyshm-ctl: pool "), f"the line of the progress is not cleared: {rest}")
        check(terminal.screen.text()[0] == f"keyshm-ctl: pool {pool}: 1200 added, 0 present before; it has 1200/1200 keys",
              terminal.text())

        ctl("destroy", pool)
        ctl("create", pool, "--capacity", "1200")
        process = adding(pool, keys, lambda command: subprocess.Popen(command, shell=True, stderr=subprocess.PIPE))
        said = process.communicate(timeout=PATIENCE_S)[1]
        check(said.count(b"\n") == 1 and b"\r" not in said, f"progress, and no terminal: {said}")


def test_keys_are_not_shown():
    """What is typed is not shown, and the terminal shows what is typed afterwards, also after Ctrl-C."""
    pool, _ = make_pool("-silent")
    for command in ("add", "set"):
        terminal = Terminal(["sh", "-c", f"{CTL} {command} {pool}; read line; echo got $line"], columns=120)
        terminal.wait_for("they are not shown")
        terminal.send(key("AAAA") + "\r\x04")
        terminal.wait_for("1 added" if command == "add" else "1 kept")
        terminal.send("visible\r")
        check(terminal.finish() == 0, f"status {terminal.status}: {terminal.text()}")
        check("TOPSECRET" not in terminal.text(), terminal.text())
        check(terminal.text().count("visible") == 2, f"the terminal does not show what is typed: {terminal.text()}")
    terminal = Terminal(["sh", "-c", f"trap : INT; {CTL} add {pool}; read line; echo got $line"], columns=120)
    terminal.wait_for("they are not shown")
    terminal.send(key("BBBB") + "\x03")
    time.sleep(0.1)
    terminal.send("visible\r")
    check(terminal.finish() == 0, f"status {terminal.status}: {terminal.text()}")
    check("TOPSECRET" not in terminal.text() and terminal.text().count("visible") == 2, terminal.text())
    check(len(keys_of(pool)) == 1, "the key was added")


COUNT_INTERRUPTS = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("ready", flush=True)
count = 0
while signal.sigtimedwait({signal.SIGINT}, 0.2 if count else 60):
    count += 1
print("got", count)
sys.exit(9)
"""


def test_exec_and_ctrl_c():
    """The terminal sends SIGINT to both; keyshm-ctl does not send it again, and marks by the exit status of the command."""
    pool, (key_id,) = make_pool("-exec", "AAAA")
    for _ in range(5):
        terminal = Terminal([CTL, "exec", pool, "--env", "API_KEY", "--on-status", "9=invalid", "--", sys.executable, "-c",
                             COUNT_INTERRUPTS])
        terminal.wait_for("ready")
        terminal.send("\x03")
        check(terminal.finish() == 9, f"status {terminal.status}: {terminal.text()}")
        check("got 1" in terminal.text(), terminal.text())
        check(keys_of(pool)[0]["status"] == "invalid", "not marked")
        ctl("mark", pool, key_id, "available")


def test_exec_and_ctrl_z():
    """Both are stopped by the terminal, and continue together."""
    pool, _ = make_pool("-stop", "AAAA")
    terminal = Terminal([CTL, "exec", pool, "--env", "API_KEY", "--", "sh", "-c", "echo ready; read line; echo $line; exit 5"])
    terminal.wait_for("ready")
    os.killpg(terminal.pid, signal.SIGSTOP)
    os.killpg(terminal.pid, signal.SIGCONT)
    terminal.send("on it goes\r")
    check(terminal.finish() == 5, f"status {terminal.status}: {terminal.text()}")


def test_wait_and_ctrl_c():
    """Ctrl-C ends the wait for a key, and nothing is in flight then."""
    pool, (key_id,) = make_pool("-wait", "AAAA")
    ctl("limits", pool, "--in-flight", "1")
    for command in (["next", pool], ["exec", pool, "--env", "API_KEY", "--", "echo", "ran"]):
        ctl("mark", pool, key_id, "invalid")
        terminal = Terminal([CTL, "--wait", "forever", *command])
        end = time.monotonic() + PATIENCE_S
        while "keyshm-ctl" not in workers_of(pool):
            check(time.monotonic() < end, "it does not attach to the pool")
            time.sleep(0.01)
        terminal.send("\x03")
        check(terminal.finish() == -signal.SIGINT, f"status {terminal.status}: {terminal.text()}")
        check("ran" not in terminal.text() and "TOPSECRET" not in terminal.text(), terminal.text())
        ctl("mark", pool, key_id, "available")
        ctl("exec", pool, "--env", "API_KEY", "--", "true")


run_tests([test_keys_are_not_shown, test_break_lock_asks, test_break_lock_looks_again, test_add_shows_progress, test_exec_and_ctrl_c,
           test_exec_and_ctrl_z, test_wait_and_ctrl_c])
