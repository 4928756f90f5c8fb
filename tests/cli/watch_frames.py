# SPDX-License-Identifier: MIT
"""The frames of --batch show changes by other processes, and the last frame is complete."""

import os
import re
import select
import signal
import subprocess
import time

from watch_pools import add, ctl, helpers, make_pool, run_tests, STAT
from watch_terminal import check, PATIENCE_S


class Frames:
    def __init__(self, *arguments):
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([STAT, "--batch", "--watch=0.1", *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)
        helpers.append(self.process)
        self.output = b""
        self.seen = 0

    def wait_for(self, pattern):
        """Wait for the pattern in output that was not matched yet."""
        end = time.monotonic() + PATIENCE_S
        while True:
            text = self.output[self.seen:].decode(errors="ignore")
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                self.seen += len(text[:match.end()].encode())
                return
            check(time.monotonic() < end, f"no {pattern} in {text[-2000:]}")
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                check(data != b"", f"the frames ended without {pattern}")
                self.output += data

    def end_by(self, number):
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=PATIENCE_S)
        check(self.process.returncode == 0, f"exit status {self.process.returncode} after signal {number}")
        check(errors == b"", f"it says {errors}")
        return (self.output + rest).decode()


def test_what_others_do():
    pool, _ = make_pool("")
    frames = Frames(pool)
    frames.wait_for(r"^picks +- picks/s +- marks/s$")
    frames.wait_for("^keys +none")
    ids = add(pool, "EEEE")
    frames.wait_for("sk-…EEEE +available")
    ctl("next", pool)
    frames.wait_for(r"sk-…EEEE +available +- +[1-9][0-9.]* +0 +1 +0 +\d\.\ds ago +▁?[▂▃▄▅▆▇█]")  # the graph may already have a column from before
    ctl("mark", pool, ids[0], "rate_limited", "--retry-after", "100")
    frames.wait_for(r"sk-…EEEE +rate_limited +█+▉? +(99\.\ds|1m 40s) +rate_limit +0 +[1-9][0-9.]* +1 +0 ")
    ctl("destroy", pool)
    frames.wait_for(rf"^pool {pool} was destroyed at ..:..:..; waiting for it to come back$")
    ctl("create", pool)
    frames.wait_for(rf"^pool {pool} was created anew at ..:..:..; counting begins again$")
    check("TOPSECRET" not in frames.end_by(signal.SIGTERM), "a key in the frames")


def test_ends_with_a_whole_frame():
    pool, _ = make_pool("-ends", "AAAA")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        frames = Frames(pool)
        frames.wait_for("sk-…AAAA")
        frames.wait_for("sk-…AAAA")
        check(re.search(r"sk-…AAAA +available[^\n]*\n\Z", frames.end_by(number)) is not None, "not a whole frame in the end")


def test_says_the_same_as_the_table():
    """Of each column that the table has by default, and of the two that are shown when a key has one; whatever was marked."""
    pool, ids = make_pool("-same", "AAAA", "BBBB", "CCCC", "DDDD")
    for _ in range(3):
        ctl("next", pool)
    ctl("metadata", pool, ids[1], "label", "team")
    for number, statuses in enumerate((["quota_exceeded"] * 2, ["invalid", "available"] * 3, ["quota_exceeded", "invalid"])):
        for status in statuses:
            ctl("mark", pool, ids[number], status)
    ctl("pause", pool, ids[3])
    first_line = subprocess.check_output([STAT, "--raw", pool], text=True).partition("\n")[0]
    headings = [heading.replace(r"\x20", " ") for heading in first_line.split(" ")] + ["LABEL", "REASON"]
    check("PAUSED" in headings, f"the table has {headings}")
    headings.remove("LAST USED")  # time passes between the two
    raw = subprocess.check_output([STAT, "--raw", "--noheadings", "-o", ",".join(headings), pool],
                                  env={**os.environ, "LC_ALL": "C.UTF-8"}, text=True)
    table = [[re.sub(r"\\x20", " ", cell).encode().decode("unicode_escape").encode("latin-1").decode()
              for cell in line.split(" ")] for line in raw.splitlines()]
    errors = [row[headings.index("ERRORS")] for row in table]
    check(errors == ["0", "3", "1", "0"], f"errors are marks invalid, and not {table}")

    frame = subprocess.check_output([STAT, "--batch", "-n", "1", pool], env={**os.environ, "LC_ALL": "C.UTF-8"}, text=True)
    lines = frame.splitlines()
    top = next(number for number, line in enumerate(lines) if line.startswith("SLOT"))

    def cell(line, heading):
        match = re.search(rf"(?<!\S){heading}(?![\w/])", lines[top])
        check(match is not None, f"the live view has no column {heading}: {lines[top]}")
        if heading in ("KEY", "LABEL", "STATUS", "PAUSED", "REASON"):  # to the left
            return re.split("  |$", line[match.start():])[0] or "-"
        return re.split("  ", line[:match.end()])[-1].strip()

    live = [[cell(line, heading) for heading in headings] for line in lines[top + 1:top + 5]]
    check(live == table, f"the live view says {live}, the table {table}")


run_tests([test_what_others_do, test_ends_with_a_whole_frame, test_says_the_same_as_the_table])
