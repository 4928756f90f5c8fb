# SPDX-License-Identifier: MIT
"""Changes of pools while the live view shows them."""

import os
import re
import signal

from watch_pools import add, ctl, make_pool, run_tests, segment, start_helper, watch, FIXTURE
from watch_terminal import check

TIME = r"\d\d:\d\d:\d\d"


def test_destroyed_and_created_anew():
    pool, _ = make_pool("-again", "AAAA")
    ctl("next", pool)
    terminal = watch(pool, columns=160)
    terminal.wait_for(r"sk-…AAAA +available +- +0 +0 +1 ")
    ctl("destroy", pool)
    terminal.wait_for(rf"^pool {pool} was destroyed at {TIME}; waiting for it to come back$")
    terminal.wait_for("sk-…AAAA")  # the last state that was read
    ctl("create", pool)
    terminal.wait_for(rf"^pool {pool} was created anew at {TIME}; counting begins again$")
    terminal.wait_for("keys +none")
    add(pool, "BBBB")
    terminal.wait_for(r"sk-…BBBB +available +- +0 +0 +0 ")
    check("AAAA" not in terminal.text(), "a key of the pool that was destroyed")
    terminal.quit()


def test_replaced_between_frames():
    pool, _ = make_pool("-swap", "AAAA")
    terminal = watch(pool)
    terminal.wait_for("sk-…AAAA")
    terminal.send("p")
    terminal.wait_for("PAUSED")
    ctl("destroy", pool)
    ctl("create", pool)
    terminal.send("p")
    terminal.wait_for(rf"^pool {pool} was created anew at {TIME}; counting begins again$")
    terminal.quit()


def test_truncated_and_written_over():
    for name, change in (("-short", lambda file: file.truncate(4096)), ("-long", lambda file: file.write(b"\xa5" * 8192))):
        pool, _ = make_pool(name, "AAAA")
        terminal = watch(pool)
        terminal.wait_for("sk-…AAAA")
        with open(segment(pool), "r+b") as file:
            change(file)
        terminal.wait_for(rf"^pool {pool}: not a keyshm segment, or damaged; since {TIME}, trying again$")
        ctl("destroy", pool)
        terminal.wait_for(rf"^pool {pool} was destroyed at {TIME}; waiting")
        ctl("create", pool)
        terminal.wait_for("keys +none")
        terminal.quit()


def test_key_replaced_in_its_slot():
    pool, ids = make_pool("-reuse", "AAAA")
    for _ in range(50):
        ctl("next", pool)
    terminal = watch(pool, columns=160)
    terminal.wait_for(r"sk-…AAAA +available +- +0 +0 +50 ")
    ctl("remove", pool, ids[0])
    add(pool, "BBBB")
    terminal.wait_for(r"sk-…BBBB +available +- +0 +0 +0 +0 +never")
    check("18446744" not in terminal.output.decode(), "a count below zero")
    terminal.quit()


def test_holder_stopped():
    pool, _ = make_pool("-held", "AAAA")
    holder = start_helper(FIXTURE, "hold", pool)
    check(holder.stdout.readline() == "held\n", "the mutex is not held")
    terminal = watch(pool)
    terminal.wait_for(rf"^mutex +held by pid {holder.pid} \(cli-fixture\), sleeping, for ")
    os.kill(holder.pid, signal.SIGSTOP)
    terminal.wait_for(rf"^mutex +held by pid {holder.pid} \(cli-fixture\), stopped, for \d+\.\ds +0 recoveries$")
    terminal.resize(80, 6)
    terminal.wait_for(rf"mutex held by pid {holder.pid}\b")
    terminal.resize(100, 24)
    holder.kill()
    holder.wait()
    add(pool, "BBBB")  # the next owner of the mutex cleans up
    terminal.wait_for(r"^mutex +free +1 recovery$")
    terminal.quit()


def test_all_pools_of_the_user():
    first, _ = make_pool("-all-1", "AAAA")
    terminal = watch(columns=160)
    terminal.wait_for("^pool +")
    second, _ = make_pool("-all-2", "BBBB")
    terminal.wait_for(r"^pool +\S+ +\d+ of \d+ ")  # at least two
    while f" {second} " not in (before := terminal.row("^pool ")):  # other tests have pools, too
        terminal.send("\t")
        terminal.wait_for(f"^pool +{re.escape(before.split()[1])} ", False)
    terminal.wait_for(rf"^pool +{second} +\d+ of \d+ ")
    terminal.wait_for("sk-…BBBB")
    ctl("destroy", second)
    terminal.wait_for(rf"^pool {second} was destroyed at {TIME}; waiting")
    terminal.send("\t")
    terminal.wait_for(f"^pool +{second}", False)
    ctl("destroy", first)
    terminal.quit()


run_tests([test_destroyed_and_created_anew, test_replaced_between_frames, test_truncated_and_written_over,
           test_key_replaced_in_its_slot, test_holder_stopped, test_all_pools_of_the_user])
