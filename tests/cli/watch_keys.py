# SPDX-License-Identifier: MIT
"""The keyboard commands of the live view."""

import re

from watch_pools import ctl, keys_of, make_pool, run_tests, watch
from watch_terminal import check


def order_of(text):
    return re.findall(r"sk-…(\w{4}) ", text)


def wait_for_order(terminal, *ends):
    terminal.wait_for(lambda text: order_of(text) == list(ends))


def test_pause():
    pool, ids = make_pool("-pause", "AAAA", "BBBB")
    terminal = watch(pool)
    for key in "p ":
        terminal.wait_for("2 of 2 available")
        terminal.send(key)
        terminal.wait_for("PAUSED")
        before = terminal.text()
        ctl("mark", pool, ids[0], "invalid")
        terminal.send("+")  # once this is shown, the screen was drawn after the mark
        terminal.wait_for(r"every 0\.2s")
        terminal.send("-")
        terminal.wait_for(r"every 0\.1s")
        for _ in range(5):
            terminal.pump(0.1)
        unchanged = [re.sub(r"\d\d:\d\d:\d\d", "TIME", text) for text in (before, terminal.text())]
        check(unchanged[0] == unchanged[1], f"it changed while paused:\n{unchanged[0]}\n{unchanged[1]}")
        terminal.send(key)
        terminal.wait_for("1 of 2 available +1 invalid")
        terminal.wait_for("PAUSED", False)
        ctl("mark", pool, ids[0], "available")
    terminal.quit()


def test_sort():
    pool, ids = make_pool("-sort", "CCCC", "AAAA", "BBBB", "DDDD")
    ctl("next", pool)
    while keys_of(pool)[0]["last_used_ago_ms"] < 100:  # so that the next pick is later by any clock
        pass
    ctl("next", pool)
    ctl("mark", pool, ids[2], "invalid")
    ctl("mark", pool, ids[1], "rate_limited", "--retry-after", "500")
    ctl("mark", pool, ids[3], "rate_limited", "--retry-after", "1000")
    ctl("pause", pool, ids[3])
    terminal = watch(pool, columns=160)
    wait_for_order(terminal, "CCCC", "AAAA", "BBBB", "DDDD")
    terminal.wait_for("^SLOT▲")
    for heading, ends in (("KEY▲", "A B C D"), ("LABEL▲", "C A B D"), ("GROUP▲", "C A B D"), ("STATUS▼", "B A D C"), ("COOLDOWN▲", "A D B C"),
                          ("PAUSED▼", "D C A B"), ("BENCHED BY▲", "C A B D"), ("REASON▼", "B A D C"), ("IN FLIGHT▼", "C A B D"),
                          ("REQUESTS LEFT▲", "C A B D"), ("TOKENS LEFT▲", "C A B D"), ("PICKS/S▼", "C A B D"),
                          ("MARKS/S▼", "C A B D"), ("PICKS▼", "C A B D"), ("ERRORS▼", "B C A D"),
                          ("LAST USED▲", "A C B D"), ("SLOT▲", "C A B D"), ("KEY▲", "A B C D")):
        terminal.send("s")
        if not heading.startswith(("LABEL", "GROUP", "BENCHED", "IN FLIGHT", "REQUESTS", "TOKENS")):  # no key has one, so there is no such column
            terminal.wait_for(heading)
        wait_for_order(terminal, *(end * 4 for end in ends.split()))
    terminal.send("S")
    terminal.wait_for("KEY▼")
    wait_for_order(terminal, "DDDD", "CCCC", "BBBB", "AAAA")
    terminal.quit()


def test_filter():
    pool, ids = make_pool("-filter", "AAAA", "ABBB", "CCCC")
    ctl("mark", pool, ids[2], "invalid")
    terminal = watch(pool)
    wait_for_order(terminal, "AAAA", "ABBB", "CCCC")
    terminal.send("f")
    terminal.wait_for("filter: _")
    terminal.send("xaq")  # q does not quit here, and case is ignored
    wait_for_order(terminal)
    terminal.send("\x7f\x7f\x08")
    wait_for_order(terminal, "AAAA", "ABBB", "CCCC")
    terminal.send("abb")
    wait_for_order(terminal, "ABBB")
    terminal.send("\r")
    terminal.wait_for("filter: abb  +1 of 3 keys")
    terminal.send("/\x15*A\r")  # a pattern that must match the whole text
    wait_for_order(terminal, "AAAA")
    terminal.send("f\x15inval\r")
    wait_for_order(terminal, "CCCC")
    ctl("mark", pool, ids[0], "invalid")
    wait_for_order(terminal, "AAAA", "CCCC")
    terminal.send("\x1b")
    wait_for_order(terminal, "AAAA", "ABBB", "CCCC")
    terminal.send("f" + "é" * 100)
    terminal.wait_for("filter: é{31}_")
    terminal.send("\x7f" * 30)
    terminal.wait_for("filter: é_")
    terminal.send("\x1b")
    terminal.wait_for("filter:", False)
    terminal.quit()


def test_clear():
    pool, _ = make_pool("-clear", "AAAA")
    for _ in range(3):
        ctl("next", pool)
    terminal = watch(pool, columns=160)
    terminal.wait_for(r"sk-…AAAA +available +- +0 +0 +3 +0 ")
    terminal.send("c")
    terminal.wait_for(r"counted since \d\d:\d\d:\d\d")
    terminal.wait_for(r"sk-…AAAA +available +- +0 +0 +0 +0 ")
    ctl("next", pool)
    terminal.wait_for(r"sk-…AAAA +available +- +\S+ +0 +1 +0 ")
    terminal.quit()


def test_interval():
    pool, _ = make_pool("-interval", "AAAA")
    terminal = watch(pool, interval="0.3")
    terminal.wait_for(r"every 0\.3s")
    for key, texts in (("+", "0.5 1 2 5 10 30 60 60"), ("-", "30 10 5 2 1 0.5 0.2 0.1 0.1")):
        for text in texts.split():
            terminal.send(key)
            terminal.wait_for(rf"every {re.escape(text)}s ")
    terminal.quit()


def test_help():
    pool, _ = make_pool("-help", "AAAA")
    terminal = watch(pool, lines=31)
    for key in "h?":
        terminal.wait_for("sk-…AAAA")
        terminal.send(key)
        terminal.wait_for("^q +quit$")
        terminal.wait_for("^LAST MINUTE +picks per second")
        terminal.send("x")
    terminal.wait_for("sk-…AAAA")
    terminal.resize(80, 12)
    terminal.send("h")
    terminal.wait_for("^q +quit$")
    terminal.send("\033OF")
    terminal.wait_for(r"\nLAST MINUTE [^\n]*\Z")
    terminal.send("\033OH")
    terminal.wait_for("^q +quit$")
    terminal.send("\n")
    terminal.wait_for("sk-…AAAA")
    terminal.quit()


def test_redraw():
    pool, _ = make_pool("-redraw", "AAAA")
    terminal = watch(pool, interval="60")
    for key in "r\x0c":
        terminal.wait_for("sk-…AAAA")
        terminal.screen.feed(b"\033[2J")  # as if another program had written to the terminal
        check("sk-" not in terminal.text(), "the test's screen was not cleared")
        terminal.send(key)
    terminal.wait_for("sk-…AAAA")
    terminal.quit()


def test_tab():
    pools = [make_pool(f"-tab-{number}", *ends)[0] for number, ends in enumerate((["AAAA"], ["BBBB", "CCCC"], ["DDDD"]))]
    terminal = watch(*pools)
    for key, number in (("", 0), ("\t", 1), ("\t", 2), ("\t", 0), ("\033[Z", 2), ("\033[Z", 1)):
        terminal.send(key)
        terminal.wait_for(rf"^pool +{pools[number]} +{number + 1} of 3 ")
        wait_for_order(terminal, *[["AAAA"], ["BBBB", "CCCC"], ["DDDD"]][number])
    terminal.quit()


run_tests([test_pause, test_sort, test_filter, test_clear, test_interval, test_help, test_redraw, test_tab])
