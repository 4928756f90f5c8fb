# SPDX-License-Identifier: MIT
"""The manual pages, parsed from their scdoc sources."""

import re
from pathlib import Path

LITERAL = re.compile(r"^\t*```\n(.*?)^\t*```$", re.M | re.S)


def unescape(text):
    return re.sub(r"\\(.)", r"\1", text, flags=re.S)


def bare(words):
    """Remove the marks for bold and underlined text."""
    return re.sub(r"(?<!\\)\*|(?<!\w)_|_(?!\w)", "", words).replace("\\", "")


class Page:
    def __init__(self, path):
        self.name = Path(path).name.removesuffix(".scd")
        self.source = Path(path).read_text(encoding="utf-8")

    def section(self, title):
        """The text of a section, "" if there is none."""
        found = re.search(rf"^# {re.escape(title)}\n(.*?)(?=^# |\Z)", self.source, re.M | re.S)
        return found.group(1) if found else ""

    def subsections(self, title=None):
        """{heading: text}, of a section or of the whole page."""
        text = self.source if title is None else self.section(title)
        return dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^##? |\Z)", text, re.M | re.S))

    def described(self):
        """The names in the first line of the page, under which man(1) finds it."""
        names, _ = re.split(r" -\s", self.section("NAME"), maxsplit=1)
        return [name.strip() for name in names.split(",")]

    def literals(self, title):
        """The literal blocks of a section, unescaped."""
        return [unescape(block) for block in LITERAL.findall(self.section(title))]


def library_pages(directory, header=None):
    """Those of the library; of one header, those whose synopsis includes it."""
    pages = [Page(path) for path in sorted(Path(directory).glob("*.3.scd"))]
    return [page for page in pages if not header or f"#include <{header}>" in page.section("SYNOPSIS")]
