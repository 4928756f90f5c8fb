# SPDX-License-Identifier: MIT
"""Lists of keys as people give them, by the rules of keyshm-ctl (add, set, --env)."""

from __future__ import annotations

import os
import re
from typing import Iterator, List, Mapping, Optional

_ASSIGNMENT = re.compile(r"[A-Z0-9_]+=+[^=]", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'" else word


def _mistake(word: str) -> Optional[str]:
    """What somebody did not mean as a key; None: nothing. It does not show the key."""
    if word.startswith("\ufeff"):
        return "it begins with a byte order mark"
    if _CONTROL.search(word):
        return "it has a control character in it"
    if word.startswith(" ") or word.endswith(" "):
        return "it has a space at an end"
    if word.startswith("export ") or _ASSIGNMENT.match(word):
        return "it is an assignment, and only the key may stand there"
    if '"' in word or "'" in word:
        return "it has a quotation mark in it"
    return "it has a space in it" if " " in word else None


def _taken(words: Iterator[str], where: str) -> Iterator[str]:
    for word in map(_unquoted, words):
        mistake = _mistake(word)
        if mistake is not None:
            raise ValueError(f"{where}: {mistake}")
        if word:
            yield word


def read_keys(text: str) -> List[str]:
    """The keys of a list, of which each is a line. Blank lines and those that begin with # are skipped, and a pair of quotes around a
    key is taken off. ValueError: a line looks like a mistake; it says which line, and why."""
    keys: List[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("#"):
            keys += _taken(iter([line[:-1] if line.endswith("\r") else line]), f"line {number}")
    return keys


def _values(value: str) -> List[str]:
    """The keys of a variable. Quotes are around the whole value only if there is none between."""
    inner = _unquoted(value)
    return (inner if len(inner) < len(value) and value[0] not in inner else value).split(",")


def keys_from_environment(name: str, environment: Optional[Mapping[str, str]] = None) -> List[str]:
    """The keys of the variables NAME_API_KEY, NAME_API_KEYS, NAME_API_KEY_1, _2 and so on, for the name of a pool: what is no letter
    or digit in it is an underscore. Gaps are allowed, and a value may be several keys with commas between. ValueError: one looks like
    a mistake."""
    environment = os.environ if environment is None else environment
    prefix = re.sub(r"[^A-Z0-9]", "_", "".join(letter.upper() if letter.isascii() else "_" for letter in name)) + "_API_KEY"
    found = []
    for variable in environment:
        match = re.fullmatch(re.escape(prefix) + r"(S?|_([0-9]+))", variable, re.ASCII)
        if match:
            found.append((int(match[2] or 0), variable))
    keys: List[str] = []
    for _, variable in sorted(found):
        keys += _taken(iter(_values(environment[variable])), variable)
    return keys
