#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""manual.py DIRECTORY KEYSHM-STAT KEYSHM-CTL KEYSHM-GATEWAY SESSION: the programs' pages list exactly what the programs have.

Options, columns, members of the JSON and metrics are compared with --help and --openmetrics; the keys of the live view
with its source, SESSION.
"""

import re
import sys
from pathlib import Path

from pages import Page, bare
from programs import Ctl, Gateway, Stat

OPTION = r"--[a-z][a-z-]*"


def compare(what, page, program):
    """What only one of them has, and differences in order."""
    page, program = list(page), list(program)
    for word in page:
        if word not in program:
            yield f"{what}: {word!r} is in the page, but not in the program"
    for word in program:
        if word not in page:
            yield f"{what}: {word!r} is in the program, but not in the page"
    if sorted(map(str, page)) == sorted(map(str, program)) and page != program:
        yield f"{what}: the order differs: {page} in the page, {program} in the program"


def defined_options(text):
    """The options that a list explains, with the whole of their line."""
    return [bare(line) for line in re.findall(r"^(\*-.*)$", text, re.M)]


def defined_members(text):
    return re.findall(r"\b\w+\b", " ".join(bare(line) for line in re.findall(r"^(_\w.*)$", text, re.M)))


def columns(text):
    return re.findall(r"^\*([A-Z ]+)\*, _(\w+)_(?: \(([*+]+)\))?$", text.replace("\\", ""), re.M)


def check_stat(page, stat, keys):
    yield from compare("options", defined_options(page.section("OPTIONS")), stat.options.values())
    subsections = page.subsections("COLUMNS")
    json = re.split(r"^With (groups|models|leases|limits|events|workers)\b.*:\n", page.section("JSON"), flags=re.M)
    members = dict(zip(Stat.WITH_POOL, json[::2]))
    for listing in Stat.LISTINGS:
        yield from compare(f"columns of {listing}", columns(subsections[listing.capitalize()]), stat.columns[listing])
    for listing in Stat.WITH_POOL:
        # The first two are the same for all others.
        own = stat.members[listing] if listing in Stat.OF_POOLS else stat.members[listing][2:]
        yield from compare(f"members with {listing}", defined_members(members[listing]), own)
    metrics = re.findall(r"^\*(\w+)\* \((\w+)\)$", page.section("OPENMETRICS"), re.M)
    yield from compare("metrics", metrics, stat.metrics)
    shown = re.findall(r"^\*(.*)\*$", page.section("LIVE VIEW"), re.M)
    yield from compare("keys of the live view", shown, keys)


def members_of(text):
    """ "count, keys (id, present)" is count, keys, keys.id, keys.present."""
    text = "" if text.startswith("Nothing") else text.replace("++\n", " ")
    for name, inner in re.findall(r"(\w+)(?: \(([^)]*)\))?", text):
        yield name
        yield from (f"{name}.{member.strip()}" for member in inner.split(",") if inner)


def check_ctl(page, ctl):
    yield from compare("options", defined_options(page.section("OPTIONS")), ctl.options.values())
    described = page.subsections()
    yield from compare("commands", sorted(described), sorted(ctl.commands))
    json = dict(re.findall(r"^\*([a-z-]+)\*\n\t(.*?)\n\n", page.section("JSON"), re.M | re.S))
    for name, command in ctl.commands.items():
        text = described.get(name, "")
        usage = re.search(r"^\*keyshm-ctl (?:.+\n)+", text, re.M)
        yield from compare(f"usage of {name}", [" ".join(bare(usage.group()).split())] if usage else [], [command.usage])
        explained = [re.search(OPTION, line).group() for line in defined_options(text)]
        yield from compare(f"options of {name}", sorted(explained), sorted(command.options))
        members = [member for member in command.members if member not in ("schema", "provider")]
        yield from compare(f"members of {name}", members_of(json.get(name, "")), members)


def mentions(pages, known, foreign):
    """Every option that is mentioned anywhere exists."""
    for page in pages:
        for option in set(re.findall(rf"(?<![\w-]){OPTION}", page.source)) - known - foreign:
            yield f"{page.name}: there is no option {option}"


def main():
    directory, stat_program, ctl_program, gateway_program, session = sys.argv[1:]
    stat, ctl, gateway = Stat(stat_program), Ctl(ctl_program), Gateway(gateway_program)
    pages = {page.name: page for page in map(Page, sorted(Path(directory).glob("*.scd")))}
    session_keys = re.search(r"session_keys\[\] = \{\n(.*?)^\};", Path(session).read_text(encoding="utf-8"), re.M | re.S)
    keys = re.findall(r'^    \{"([^"]+)", "', session_keys.group(1), re.M)
    known = set(stat.options) | set(ctl.options) | set(gateway.options) | {option for command in ctl.commands.values() for option in command.options}
    # Options of Docker, node_exporter and pkg-config.
    foreign = {"--shm-size", "--pid", "--collector", "--cflags", "--libs"}
    problems = [f"keyshm-stat.1: {problem}" for problem in check_stat(pages["keyshm-stat.1"], stat, keys)]
    problems += [f"keyshm-ctl.1: {problem}" for problem in check_ctl(pages["keyshm-ctl.1"], ctl)]
    shown = defined_options(pages["keyshm-gateway.1"].section("OPTIONS"))
    problems += [f"keyshm-gateway.1: {problem}" for problem in compare("options", shown, gateway.options.values())]
    problems += mentions(pages.values(), known, foreign)
    print(*problems, f"{len(known)} options, {len(ctl.commands)} commands, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


sys.exit(main())
