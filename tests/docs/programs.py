# SPDX-License-Identifier: MIT
"""The contents of the programs' --help. It is an error if the help has no line of an expected kind."""

import re
import subprocess


def help_of(*command):
    return subprocess.run([*command, "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout


def found(pattern, text):
    result = re.findall(pattern, text, re.M)
    if not result:
        raise ValueError(f"nothing in the help matches {pattern}")
    return result


def part(text, first_line):
    """The paragraph after the one that begins with these words."""
    following = re.search(rf"^{re.escape(first_line)}[^\n]*\n(?:[^\n]+\n)*\n((?:[^\n]+\n)*)", text, re.M)
    if following is None:
        raise ValueError(f"nothing in the help begins with {first_line}")
    return following.group(1)


class Stat:
    LISTINGS = ("keys", "groups", "models", "leases", "limits", "events", "workers", "pools")
    WITH_POOL = LISTINGS[:7]  # those whose rows are in the object of a pool
    OF_POOLS = LISTINGS[:5]  # the same, where that object has the columns of pools

    def __init__(self, program):
        text = help_of(program)
        # {"--output": "-o, --output LIST"}
        self.options = {}
        for words in found(r"^  (?:(?=-)|    )((?:-\w, )?--[a-z].*?)(?:  +| (?=[a-z]))", text):
            self.options[re.search(r"--[a-z-]+", words).group()] = words
        # {"keys": [("SLOT", "slot", "*+"), ...]}
        self.columns = {
            listing: found(r"^  ([A-Z]+(?: [A-Z]+)?) +([a-z_]+) +([*+]*) ", part(text, f"Columns of the table of {listing}"))
            for listing in self.LISTINGS
        }
        # {"keys": ["provider", ...]}
        self.members = {
            listing: found(r"^  ([a-z_]+) ", part(text, f"The members of a pool's object, with {listing}"))
            for listing in self.WITH_POOL
        }
        metrics = subprocess.run([program, "--openmetrics"], text=True, stdout=subprocess.PIPE).stdout
        self.metrics = found(r"^# TYPE (\w+) (\w+)$", metrics)


class Gateway:
    def __init__(self, script):
        text = help_of("bash", script)
        # {"--port": "--port N"}
        self.options = {words.split()[0]: words for words in found(r"^  (--[a-z]+(?: [A-Z]+)?)  +\S", text)}
        self.providers = found(r"\b[a-z]+", re.search(r"^PROVIDER is ([a-z, ]+?),? or with a URL", text, re.M)[1].replace(" or ", " "))


class Command:
    def __init__(self, program, name):
        text, _, members = help_of(program, name).partition("\nMembers of its JSON object:\n")
        # It may go on in lines that are indented more than the help.
        self.usage = " ".join(found(r"^Usage: (.*(?:\n {13}\S.*)*)", text)[0].split())
        self.options = set(re.findall(r"--[a-z-]+", self.usage))
        self.members = found(r"^  ([a-z_.]+)  ", members) if members else []


class Ctl:
    def __init__(self, program):
        text = help_of(program)
        self.commands = {name: Command(program, name) for name in found(r"^  ([a-z][a-z-]*) \S", text)}
        # What can be the first word, in this order.
        self.words = [*self.commands, *found(r"^ +keyshm-ctl ([a-z]+) \[COMMAND\]$", text)]
        # {"--help": "-h, --help"}
        self.options = {}
        for words in found(r"^  (?:(?=-)|    )((?:-\w, )?--[a-z]+(?: [A-Z]+)?)  +", text):
            self.options[re.search(r"--[a-z]+", words).group()] = words
