#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""synopses.py DIRECTORY HEADER...: each header and the synopses of its pages have the same declarations."""

import sys
from pathlib import Path

from declarations import declarations, functions
from pages import library_pages


def differences(header, pages):
    documented = {}
    for page in pages:
        synopsis = "".join(page.literals("SYNOPSIS"))
        for name, declaration in declarations(synopsis).items():
            if name not in header:
                yield f"{page.name}: {name} is not in the header"
            elif declaration != header[name]:
                yield f"{page.name}: {name} differs from the header:\n  {declaration}\n  {header[name]}"
            documented[name] = page
        own = functions(synopsis)
        for name in set(own) ^ set(page.described()) - {"keyshm", "keyshm-http"}:
            yield f"{page.name}: {name} is in only one of NAME and SYNOPSIS"
    for name in header.keys() - documented.keys():
        yield f"{name} is in no synopsis"


def unlisted(header, overview):
    """keyshm(3) lists every function, except those that only free."""
    for name in functions(header):
        if not name.endswith("_free") and name not in overview.section("FUNCTIONS"):
            yield f"{overview.name}: {name} is not among the functions"


def main():
    directory, *paths = sys.argv[1:]
    problems, declared, count = [], 0, 0
    for path in map(Path, paths):
        header = path.read_text(encoding="utf-8")
        pages = library_pages(directory, path.name)
        found = declarations(header)
        problems += sorted(differences(found, pages))
        problems += [problem for page in pages if page.name == "keyshm.3" for problem in unlisted(header, page)]
        declared += len(found)
        count += len(functions(header))
    print(*problems, f"{declared} declarations, {len(problems)} problems", sep="\n")
    return 1 if problems or count < 30 + 6 * (len(paths) - 1) else 0


sys.exit(main())
