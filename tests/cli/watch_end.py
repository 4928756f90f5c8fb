# SPDX-License-Identifier: MIT
"""However the live view ends, the terminal is restored; without a terminal, it does not start."""

import os
import signal
import subprocess
import time

from watch_pools import make_pool, run_tests, watch, BASE, STAT
from watch_terminal import check, Terminal, PATIENCE_S


def begin(pool, **options):
    terminal = watch(pool, **options)
    terminal.wait_for("sk-…AAAA")
    check(terminal.screen.is_alternate and terminal.screen.is_cursor_hidden, "not on a screen of its own")
    return terminal


def test_keys_and_signals():
    pool, _ = make_pool("-ends", "AAAA")
    for text, status in (("q", 0), ("\x03", 0), ("\x1c", -signal.SIGQUIT)):
        terminal = begin(pool)
        terminal.send(text)
        check(terminal.finish() == status, f"status {terminal.status} after {text!r}")
    for number, status in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP),
                           (signal.SIGQUIT, -signal.SIGQUIT)):
        for keys in ("", "h", "fab", "p"):
            terminal = begin(pool)
            terminal.send(keys)
            os.kill(terminal.pid, number)
            check(terminal.finish() == status, f"status {terminal.status} after signal {number}")


def test_output_stopped():
    pool, _ = make_pool("-stopped", "AAAA")
    terminal = begin(pool)
    terminal.send("\x13")  # Ctrl-S
    while terminal.pump(0.5):
        pass
    os.kill(terminal.pid, signal.SIGTERM)
    check(terminal.finish() == -signal.SIGTERM, f"status {terminal.status}")


def fill(terminal):
    """Frames that nobody reads, until the terminal takes no more."""
    for _ in range(100):
        terminal.send("r")
        signal.sigtimedwait([], 0.005)


def test_output_stopped_within_a_frame():
    """A frame is half written when the output is stopped."""
    pool, _ = make_pool("-half", "AAAA")
    terminal = begin(pool)
    fill(terminal)
    terminal.send("\x13")
    while terminal.pump(0.5):
        pass
    os.kill(terminal.pid, signal.SIGTERM)
    check(terminal.finish() == -signal.SIGTERM, f"status {terminal.status}")


def test_terminal_that_nobody_reads():
    pool, _ = make_pool("-stuck", "AAAA")
    terminal = begin(pool)
    fill(terminal)
    os.kill(terminal.pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE_S
    while not terminal.has_ended():
        check(time.monotonic() < end, "it does not end")
        signal.sigtimedwait([], 0.01)
    check(terminal.status == -signal.SIGTERM, f"status {terminal.status}")


def test_stopped_and_continued():
    pool, _ = make_pool("-stop", "AAAA")
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], PS1="shell> ", PROMPT_COMMAND="", HISTFILE="")
    shell.wait_for("^shell>")
    shell.send(f"{STAT} --watch=0.1 {pool}\r")
    for begin_again in ("fg\r", "fg\r", None):
        shell.wait_for("sk-…AAAA")
        check(shell.screen.is_alternate, "not on a screen of its own")
        if begin_again is None:
            break
        shell.send("\x1a")
        shell.wait_for(lambda text: "Stopped" in text and not shell.screen.is_alternate)
        check(not shell.screen.is_cursor_hidden, "the cursor is hidden while it is stopped")
        shell.send("clear\r")
        shell.wait_for(lambda text: "sk-…" not in text)
        shell.send(begin_again)
    shell.send("q")
    shell.wait_for(lambda text: not shell.screen.is_alternate)
    shell.send("echo it ended: $?; exit\r")
    shell.wait_for("^it ended: 0$")
    shell.finish()


def test_hang_up():
    pool, _ = make_pool("-hangup", "AAAA")
    # The end of input may be noticed before the signal arrives.
    for trap, statuses in (("", (-signal.SIGHUP, 0)), ("trap '' HUP; ", (0,))):
        terminal = Terminal(["sh", "-c", f'{trap}exec "$0" --watch=0.1 {pool}', STAT])
        terminal.wait_for("sk-…AAAA")
        os.close(terminal.slave)
        os.close(terminal.master)
        end = time.monotonic() + PATIENCE_S
        while not terminal.has_ended():
            check(time.monotonic() < end, "it does not end when its terminal is gone")
            signal.sigtimedwait([], 0.01)
        check(terminal.status in statuses, f"status {terminal.status}")


def expect_refused(terminal, status, words):
    check(terminal.finish() == status, f"exit status {terminal.status}")
    said = terminal.output.decode()
    check(words in " ".join(said.split()), f"it says {said!r}")
    check("\033" not in said, "escape sequences before it was refused")


def test_refused():
    pool, _ = make_pool("-refused", "AAAA")
    for name in ("dumb", "no-such-terminal", ""):
        expect_refused(watch(pool, TERM=name), 1, "use --batch")
    missing = f"{BASE}-missing"
    expect_refused(watch(missing, columns=300), 2, f"pool {missing}: there is no such pool; make it with: keyshm-ctl create")
    expect_refused(watch(pool, missing, columns=300), 2, f"pool {missing}: there is no such pool")
    for stream in ("stdin", "stdout"):
        with open("/dev/null", "r+", encoding="ascii") as null:
            streams = {"stdin": None, "stdout": None, stream: null}
            terminal_fd = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
            streams = {name: given if given is not None else terminal_fd for name, given in streams.items()}
            result = subprocess.run([STAT, "--watch", pool], stderr=subprocess.PIPE, text=True, check=False, **streams)
            os.close(terminal_fd)
        check(result.returncode == 1 and "--batch" in result.stderr, f"{stream} is no terminal: {result}")


run_tests([test_keys_and_signals, test_output_stopped, test_output_stopped_within_a_frame, test_terminal_that_nobody_reads,
           test_stopped_and_continued, test_hang_up, test_refused])
