#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""links.py ROOT: every link and picture of the Markdown pages leads to a file, and to a heading of it, that exists; so does
every path that is named."""

import re
import sys
from pathlib import Path


def anchors(page):
    """As GitHub makes them from headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)}


def main():
    root = Path(sys.argv[1])
    checked, problems = 0, []
    for page in sorted([*root.glob("*.md"), *root.glob("docs/*.md")]):
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", link):
                continue
            checked += 1
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists():
                problems.append(f"{page.name}: there is no {link}")
            elif anchor and anchor not in anchors(target):
                problems.append(f"{page.name}: there is no such heading: {link}")
        folders = "bench|completions|docs|examples|include|man|providers|scripts|src|tests|tools"
        for path in re.findall(rf"`((?:{folders})/[\w./*-]+)`", page.read_text(encoding="utf-8")):
            checked += 1
            if not any(root.glob(path.rstrip("/"))):
                problems.append(f"{page.name}: there is no {path}")
    print(*problems, f"{checked} links, {len(problems)} problems", sep="\n")
    return 1 if problems or checked < 5 else 0


sys.exit(main())
