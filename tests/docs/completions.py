#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""completions.py DIRECTORY KEYSHM-STAT KEYSHM-CTL KEYSHM-GATEWAY: each shell's completion has exactly the words of --help."""

import re
import sys
from pathlib import Path

from programs import Ctl, Gateway, Stat


def folded(columns):
    """Column names as they are typed: with - for a space, which would end the word."""
    return [name.replace(" ", "-") for name, _, _ in columns]


def words(text):
    return text.replace("\\", " ").split()


# The listings, in the order in which zsh and fish have their columns.
IN_COMPLETIONS = ("groups", "models", "events", "workers", "leases", "limits", "pools", "keys")


def of_bash(directory):
    text = (directory / "keyshm.bash").read_text(encoding="utf-8")
    lists = dict(re.findall(r"^_keyshm_(\w+)='([^']*)'", text, re.M))
    return {
        "options": set(re.findall(r"--[a-z][a-z-]*", text)),
        "commands": words(lists["commands"]),
        "columns": {listing: words(lists[f"columns_of_{listing}"]) for listing in Stat.LISTINGS},
    }


def of_zsh(directory):
    text = (directory / "_keyshm").read_text(encoding="utf-8")
    commands = re.search(r"commands=\(\n(.*?)\n    \)", text, re.S).group(1)
    columns = dict(zip(IN_COMPLETIONS, (words(columns) for columns in re.findall(r"columns=\(([^)]*)\)", text))))
    return {
        "options": set(re.findall(r"--[a-z][a-z-]*", text)),
        "commands": re.findall(r"""^ *['"]([a-z-]+):""", commands, re.M),
        "columns": columns,
    }


def of_fish(directory):
    stat = (directory / "keyshm-stat.fish").read_text(encoding="utf-8")
    ctl = (directory / "keyshm-ctl.fish").read_text(encoding="utf-8")
    gateway = (directory / "keyshm-gateway.fish").read_text(encoding="utf-8")
    columns = dict(zip(IN_COMPLETIONS, map(words, re.findall(r"printf '%s\\n' ((?:[A-Z-]+[ \\\n]+)+)", stat))))
    return {
        "options": {f"--{option}" for option in re.findall(r"^complete .*? -l ([a-z-]+)", stat + ctl + gateway, re.M)},
        "commands": re.findall(r"has_no_command -a ([a-z-]+)", ctl),
        "columns": columns,
    }


def differences(completion, known):
    for what in known:
        if completion[what] != known[what]:
            yield f"{what}: {completion[what]}, expected {known[what]}"


def main():
    directory, stat, ctl, gateway = Path(sys.argv[1]), Stat(sys.argv[2]), Ctl(sys.argv[3]), Gateway(sys.argv[4])
    known = {
        "options": set(stat.options) | set(ctl.options) | set(gateway.options) | {each for command in ctl.commands.values() for each in command.options},
        "commands": ctl.words,
        "columns": {listing: folded(stat.columns[listing]) for listing in Stat.LISTINGS},
    }
    problems = []
    for shell, completion in (("bash", of_bash(directory)), ("zsh", of_zsh(directory)), ("fish", of_fish(directory))):
        problems += [f"{shell}: {problem}" for problem in differences(completion, known)]
    print(*problems, f"{len(problems)} problems", sep="\n")
    return 1 if problems else 0


sys.exit(main())
