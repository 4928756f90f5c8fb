# SPDX-License-Identifier: MIT
"""The live view of a pool with groups and models: what is shown, and that all of it is readable on 80 columns and 24 lines."""

import re
import subprocess

from watch_pools import ctl, make_pool, run_tests, watch, FIXTURE
from watch_terminal import check

GROUPS = ("acme-prod", "acme-batch", "research")
MODELS = ("gpt-4o", "gpt-4o-mini", "o3", "text-embedding-3")


def fixture(*arguments):
    return subprocess.run([FIXTURE, *map(str, arguments)], check=True, capture_output=True, text=True).stdout.strip()


def mark(pool, identifier, model, scope, status, reason, duration_ms="-"):
    fixture("mark", pool, identifier, model, scope, status, reason, duration_ms)


def make_groups(name):
    """A pool of 12 keys, four in each group; the ids of its keys and groups, and the numbers of its models."""
    pool, ids = make_pool(name, *(f"{letter}{letter}{number:02}" for letter in "ABC" for number in range(4)))
    groups = [fixture("group", pool, group) for group in GROUPS]
    for number, identifier in enumerate(ids):
        fixture("set-group", pool, identifier, groups[number // 4])
    return pool, ids, groups, [fixture("model", pool, model) for model in MODELS]


def watch_small(*arguments, **options):
    return watch(*arguments, columns=80, lines=24, **options)


def rows_of(text):
    return re.findall(r"^sk-…(\w{4}) .*$", text, re.MULTILINE)


def test_small_screen():
    pool, ids, groups, models = make_groups("-small")
    mark(pool, groups[0], 0, "group", "rate_limited", "rate_limit", 7260000)
    mark(pool, ids[5], 0, "key", "invalid", "billing")
    fixture("pause", pool, groups[2])
    for identifier in ids:
        mark(pool, identifier, models[2], "key", "quota_exceeded", "quota")
    terminal = watch_small(pool)
    text = terminal.wait_for(r"^sk-…CC03")
    lines = text.split("\n")
    check(len(lines) == 24 and all(len(line) <= 80 for line in lines), f"not 24 lines of 80 columns:\n{text}")
    check(len(rows_of(text)) == 12, f"not all rows are on the screen:\n{text}")
    for wanted in (r"^pool +\S+ +up .* every 0\.1s +\d\d:\d\d:\d\d$",
                   r"^keys +[█▓▒░]+ +3 of 12 available +4 rate_limited +1 invalid +4 paused$",
                   r"^picks .* marks/s$",
                   r"^groups  acme-prod 0/4 2h 0[01]m   acme-batch 3/4   research 0/4 paused$",
                   r"^models  gpt-4o 3/12   gpt-4o-mini 3/12   o3 0/12   text-embedding-3 3/12$",
                   r"^mutex +free +0 recoveries$",
                   r"^KEY +GROUP +STATUS +LEFT +COOLDOWN +BENCHED BY +PICKS/S$",
                   r"^sk-…AA00 +acme-prod +rate_limited +█+ +2h 0[01]m +group +[-0]$",
                   r"^sk-…BB00 +acme-batch +available +- +[-0]$",
                   r"^sk-…BB01 +acme-batch +invalid +█+ +until marked +key +[-0]$",
                   r"^sk-…CC03 +research +available +- +group_pause +[-0]$",
                   r"^q quit +p pause"):
        terminal.wait_for(wanted)
    check(not re.search("PAUSED|…  |>$", text), f"a column twice, or one that is cut:\n{text}")
    # More counts than there is room for have short names.
    mark(pool, ids[4], 0, "key", "quota_exceeded", "quota")
    ctl("pause", pool, ids[6])
    terminal.wait_for(r"^keys    1 of 12 available   4 limited   1 quota   1 invalid   5 paused$")
    ctl("resume", pool, ids[6])
    ctl("resume", pool, groups[2])
    terminal.wait_for(r"^keys +[█▓▒░]+  6 of 12 available   4 limited   1 quota   1 invalid$")
    # Wide enough for all.
    terminal.resize(200, 24)
    terminal.wait_for(r"^SLOT▲ KEY +GROUP +STATUS +LEFT +COOLDOWN +BENCHED BY +REASON +PICKS/S .* LAST USED +LAST MINUTE$")
    terminal.wait_for(r"^ +5 +sk-…BB01 +acme-batch +invalid +█+ +until marked +key +billing ")
    terminal.quit()


def test_mark_of_group():
    """All its keys follow."""
    pool, _, groups, _ = make_groups("-mark")
    terminal = watch_small(pool)
    terminal.wait_for(r"^groups  acme-prod 4/4   acme-batch 4/4   research 4/4$")
    mark(pool, groups[1], 0, "group", "quota_exceeded", "quota")
    terminal.wait_for(r"^groups  acme-prod 4/4   acme-batch 0/4 until marked   research 4/4$")
    benched = r"^sk-…BB\d\d +acme-batch +quota_exceeded +(?:█+ +)?until marked +group "
    terminal.wait_for(lambda text: len(re.findall(benched, text, re.MULTILINE)) == 4)
    terminal.wait_for(r"^keys .* 8 of 12 available +4 quota_exceeded$")
    mark(pool, groups[1], 0, "group", "available", "none")
    terminal.wait_for(r"^keys .* 12 of 12 available$")
    terminal.quit()


def test_model():
    pool, ids, groups, models = make_groups("-model")
    mark(pool, ids[0], models[0], "key", "rate_limited", "rate_limit", 7260000)
    mark(pool, groups[2], models[0], "group", "invalid", "permission")
    terminal = watch_small("--model", MODELS[0], pool)
    terminal.wait_for(rf"^pool +{pool}   for gpt-4o   up ")
    terminal.wait_for(r"^keys .* 7 of 12 available +1 rate_limited +4 invalid$")
    terminal.wait_for(r"^models  gpt-4o 7/12   gpt-4o-mini 12/12   o3 12/12   text-embedding-3 12/12$")
    terminal.wait_for(r"^sk-…AA00 +acme-prod +rate_limited +(█+ +)?2h 0[01]m +key_model ")
    terminal.wait_for(r"^sk-…CC00 +research +invalid +(█+ +)?until marked +group_model ")
    terminal.quit()
    terminal = watch_small("--model", MODELS[2], pool)
    terminal.wait_for(r"^keys .* 12 of 12 available$")
    # The pool is made again, without that model.
    ctl("destroy", pool)
    terminal.wait_for(rf"^pool {pool} was destroyed at ")
    ctl("create", pool)
    terminal.wait_for(rf"^pool {pool}: it has no model of this name; since ")
    fixture("model", pool, MODELS[2])
    terminal.wait_for(rf"^pool {pool} was created anew at ")
    terminal.quit()


def test_filter_and_sort():
    pool, ids, groups, _ = make_groups("-filter")
    for identifier in ids[:2]:
        fixture("set-group", pool, identifier, 0)
    mark(pool, groups[2], 0, "group", "invalid", "billing")
    terminal = watch_small(pool)
    terminal.wait_for(r"^sk-…CC03")
    terminal.send("fACME-p")
    terminal.wait_for(lambda text: rows_of(text) == ["AA02", "AA03"])
    terminal.send("\x15research\r")
    terminal.wait_for(lambda text: rows_of(text) == ["CC00", "CC01", "CC02", "CC03"])
    terminal.send("\x1b")
    terminal.wait_for(lambda text: len(rows_of(text)) == 12)
    terminal.send("sss")
    terminal.wait_for(r"^KEY +GROUP▲")
    names = [f"{letter}{letter}{number:02}" for letter in "ABC" for number in range(4)]
    terminal.wait_for(lambda text: rows_of(text) == names[:2] + names[4:8] + names[2:4] + names[8:])
    terminal.quit()
    terminal = watch_small("--group", "acme*", pool)
    terminal.wait_for(lambda text: rows_of(text) == names[2:8])
    terminal.quit()


def test_many_groups():
    """Those for which there is no room are counted, and long names are cut."""
    pool, _ = make_pool("-many", "AAAA")
    for number in range(60):
        fixture("group", pool, f"group-{number:02}")
    fixture("model", pool, "x" * 128)
    fixture("model", pool, "y" * 128)
    fixture("model", pool, "z" * 128)
    terminal = watch_small(pool)
    text = terminal.wait_for(r"^groups  group-00 0/0   group-01 0/0   group-02 0/0   group-03 0/0   \+56$")
    terminal.wait_for(rf"^models  {'x' * 23}… 1/1   {'y' * 23}… 1/1   \+1$")
    check(all(len(line) <= 80 for line in text.split("\n")), f"a line that is too long:\n{text}")
    terminal.resize(40, 24)
    terminal.wait_for(r"^groups  group-00 0/0   \+59$")
    # Low screens keep the rows.
    terminal.resize(80, 14)
    terminal.wait_for("^groups", False)
    terminal.wait_for(r"^1/1 available")
    terminal.wait_for("^sk-…AAAA")
    terminal.resize(80, 15)
    terminal.wait_for("^groups")
    terminal.quit()


def test_limits():
    """Of a pool with limits there are bars of what is left, and on a small screen the numbers; of another one neither."""
    pool, ids = make_pool("-limits", "AAAA", "BBBB")
    year_ms = 31622400000
    terminal = watch(pool, columns=200)
    text = terminal.wait_for(r"^ +0 +sk-…AAAA +available ")
    check(not re.search("REQUESTS|TOKENS|IN FLIGHT", text), text)
    fixture("limit", pool, ids[0], 0, "requests", 100, year_ms, 2)
    terminal.wait_for(r"^SLOT▲ KEY +STATUS +LEFT +COOLDOWN +REQUESTS +REQUESTS LEFT +PICKS/S ")
    terminal.wait_for(r"^ +0 +sk-…AAAA +available +- +█{8,} +2 ")
    terminal.wait_for(r"^ +1 +sk-…BBBB +available +- +- ")
    ctl("pause", pool, ids[1])
    ctl("next", pool)
    half = r"^ +0 +sk-…AAAA +available +- +(█+▌?) +1 "
    terminal.wait_for(half)
    ctl("next", pool)
    terminal.wait_for(r"^ +0 +sk-…AAAA +available +- +budget +0 ")
    group = fixture("group", pool, "acme")
    fixture("set-group", pool, ids[0], group)
    fixture("limit", pool, group, 0, "in_flight", 4, 0, 0)
    fixture("limit", pool, group, 0, "tokens", 100, year_ms, 50)
    terminal.wait_for(r"^SLOT▲ .* BENCHED BY +IN FLIGHT +REQUESTS +REQUESTS LEFT +TOKENS +TOKENS LEFT ")
    terminal.wait_for(r"^ +0 +sk-…AAAA +acme .* budget +0 +0 +█{8,} +50 ")
    terminal.resize(80, 24)
    text = terminal.wait_for(r"^KEY +GROUP +STATUS +COOLDOWN +BENCHED BY +REQUESTS LEFT +PICKS/S$")
    check(all(len(line) <= 80 for line in text.split("\n")), f"a line that is too long:\n{text}")
    fixture("limit", pool, group, 0, "requests", 1, year_ms, 1)
    fixture("set-group", pool, ids[1], group)
    ctl("resume", pool, ids[1])
    terminal.wait_for(r"^groups  acme 1/2$")
    fixture("limit", pool, group, 0, "in_flight", 0, 0, 0)
    ctl("next", pool)
    terminal.wait_for(r"^groups  acme 0/2 budget$")
    terminal.quit()


def test_without():
    """A pool without groups and models has neither lines nor columns for them."""
    pool, ids = make_pool("-without", "AAAA", "BBBB")
    ctl("pause", pool, ids[0])
    terminal = watch(pool, columns=200)
    text = terminal.wait_for(r"^ +0 +sk-…AAAA +available +- +paused")
    check(not re.search("GROUP|BENCHED|^groups|^models", text, re.MULTILINE), text)
    check(text.split("\n")[5].startswith("SLOT▲ KEY "), f"not the first line below the header:\n{text}")
    fixture("model", pool, "gpt-4o")
    terminal.wait_for(r"^models  gpt-4o 1/2$")
    terminal.wait_for(r"^mutex +free +0 recoveries\n\nSLOT▲")
    terminal.quit()


run_tests([test_small_screen, test_mark_of_group, test_model, test_filter_and_sort, test_many_groups, test_limits, test_without])
