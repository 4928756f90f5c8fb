# SPDX-License-Identifier: MIT
"""The contents of the live view."""

import re

from watch_pools import add, ctl, make_pool, run_tests, start_helper, watch, FIXTURE
from watch_terminal import check


def test_keys_masked_and_marks_of_others():
    pool, ids = make_pool("-marks", "AAAA", "BBBB", "CCCC")
    terminal = watch(pool)
    terminal.wait_for(r"3 of 3 available")
    terminal.wait_for(rf"^pool +{pool} +up ")
    terminal.wait_for(r"^mutex +free +0 recoveries$")
    terminal.wait_for(r"sk-…AAAA +available")
    ctl("mark", pool, ids[1], "invalid")
    terminal.wait_for(r"2 of 3 available +1 invalid")
    terminal.wait_for(r"sk-…BBBB +invalid +█+ +until marked")
    ctl("mark", pool, ids[1], "available")
    terminal.wait_for(r"3 of 3 available")
    terminal.quit()


def test_cooldown_runs_down():
    pool, ids = make_pool("-cooldown", "AAAA", "BBBB")
    terminal = watch(pool)
    terminal.wait_for("2 of 2 available")
    ctl("mark", pool, ids[0], "rate_limited", "--retry-after", "4")

    def bar_width(text):
        match = re.search(r"sk-…AAAA +rate_limited +([█▏▎▍▌▋▊▉]+) ", text)
        return len(match.group(1)) if match else 0

    widest = bar_width(terminal.wait_for(lambda text: bar_width(text) >= 8))
    terminal.wait_for(lambda text: 0 < bar_width(text) <= widest / 2)
    terminal.wait_for(r"sk-…AAAA +available +- ")
    terminal.quit()


def test_rates_and_history():
    pool, _ = make_pool("-rates", "AAAA")
    terminal = watch(pool, columns=160)
    terminal.wait_for(r"sk-…AAAA +available +- +0 +0 +0 +0 +never")
    for _ in range(5):
        ctl("next", pool)
    terminal.wait_for(r"sk-…AAAA +available +- +\S+ +0 +5 +0 +\d\.\ds ago .*[▂▃▄▅▆▇█]")
    terminal.quit()


def test_paused_and_reason():
    """Two columns, and a count, that are there when a key has one."""
    pool, ids = make_pool("-reason", "AAAA", "BBBB")
    terminal = watch(pool, columns=160)
    terminal.wait_for("2 of 2 available")
    check(not re.search("PAUSED|REASON| paused", terminal.text()), "no key is paused, and none has a reason")
    ctl("pause", pool, ids[0])
    terminal.wait_for(r"1 of 2 available +1 paused$")
    terminal.wait_for(r"sk-…AAAA +available +- +paused +0 ")
    ctl("mark", pool, ids[1], "invalid", "--reason", "billing")
    terminal.wait_for(r"^SLOT.*COOLDOWN +PAUSED +REASON +PICKS/S")
    terminal.wait_for(r"sk-…BBBB +invalid +█+ +until marked +billing +0 ")
    ctl("resume", pool, ids[0])
    terminal.wait_for(r"1 of 2 available +1 invalid$")
    terminal.wait_for(r"sk-…AAAA +available +- +0 ")
    terminal.quit()


def test_label():
    pool, ids = make_pool("-label", "AAAA", "BBBB")
    terminal = watch(pool)
    terminal.wait_for("2 of 2 available")
    check("LABEL" not in terminal.text(), "a column for labels, and none is there")
    start_helper(FIXTURE, "metadata", pool, ids[0], "label", "équipe \u4e2d\u0085\u202e!").wait()
    # Characters that move the cursor or change the direction of text are not printed.
    terminal.wait_for(r"sk-…AAAA +équipe 中\?\?! +available")
    terminal.quit()


def test_resize():
    pool, _ = make_pool("-resize", *[f"AA{number:02}" for number in range(30)])
    terminal = watch(pool)
    terminal.wait_for("LAST MINUTE")
    terminal.resize(160, 40)
    terminal.wait_for(r"^SLOT.*LAST USED +LAST MINUTE")
    terminal.wait_for("sk-…AA29")
    terminal.resize(60, 10)
    terminal.wait_for(r"^KEY +STATUS +LEFT +COOLDOWN +PICKS/S +MARKS/S$")
    terminal.wait_for(r"^30/30 available")
    check(all(len(line) <= 60 for line in terminal.screen.text()), "lines that are too long")
    terminal.resize(20, 4)
    terminal.wait_for(rf"^{pool[:20]}")
    terminal.wait_for("^KEY")
    for columns, lines in ((19, 4), (20, 3), (9, 2), (1, 1), (2, 1)):
        terminal.resize(columns, lines)
        terminal.wait_for("^" + "too small"[:columns])
    terminal.resize(100, 24)
    terminal.wait_for("LAST MINUTE")
    terminal.wait_for("^q quit")
    terminal.quit()


def test_scroll():
    names = [f"A{number:03}" for number in range(1000)]
    pool, _ = make_pool("-scroll", *names)
    terminal = watch(pool)
    page = 24 - 7
    for keys, first in (("", 0), ("\033OB", 1), ("\033OA\033OA", 0), ("\033[6~", page), ("\033[5~", 0),
                        ("\033OF", 1000 - page), ("\033[6~", 1000 - page), ("\033OH", 0)):
        terminal.send(keys)
        terminal.wait_for(rf"{first + 1}-{first + page} of 1000$")
        terminal.wait_for(f"sk-…{names[first]} ")
        terminal.wait_for(f"sk-…{names[first + page - 1]} ")
    terminal.send("\033OF")
    terminal.wait_for("984-1000 of 1000")
    terminal.resize(100, 34)  # the last page has room for more
    terminal.wait_for("974-1000 of 1000")
    terminal.quit()


def test_ascii_locale():
    pool, ids = make_pool("-ascii", "AAAA", "BBBB")
    ctl("mark", pool, ids[0], "rate_limited", "--retry-after", "100")
    terminal = watch(pool, LC_ALL="C")
    terminal.wait_for(r"sk-\.\.\.AAAA +rate_limited +#+-* +\d")
    terminal.quit()
    check(all(byte < 0x80 for byte in terminal.output), "what is not ASCII")


def test_color():
    pool, ids = make_pool("-color", "AAAA", "BBBB")
    ctl("mark", pool, ids[0], "invalid")

    def colors(**options):
        terminal = watch(pool, **options)
        terminal.wait_for(r"sk-…AAAA +invalid")
        styles = {style for line in terminal.screen.cells for _, style in line}
        terminal.quit()
        return {style[0] for style in styles} | {style[1] for style in styles}

    check({1, 2} <= colors(), "no red or no green")
    check(colors(NO_COLOR="1") == {None}, "colours, though NO_COLOR is set")
    check(colors(TERM="vt100") == {None}, "colours that a VT100 does not have")


def test_empty_pool():
    pool, _ = make_pool("-empty")
    terminal = watch(pool)
    terminal.wait_for(rf"^keys +none; add some with: keyshm-ctl add {pool}$")
    add(pool, "AAAA")
    terminal.wait_for(r"sk-…AAAA +available")
    terminal.quit()


run_tests([test_keys_masked_and_marks_of_others, test_cooldown_runs_down, test_rates_and_history, test_paused_and_reason, test_label, test_resize,
           test_scroll, test_ascii_locale, test_color, test_empty_pool])
