#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""errors.py DIRECTORY HEADER...: every error that a header names for a function is in the function's page."""

import re
import sys
from pathlib import Path

from declarations import comments
from pages import library_pages

ERROR = re.compile(r"-E[A-Z0-9]+\b")


def errors_of(function, comment_of):
    """The errors in its comment, including those that the comment refers to elsewhere in the header."""
    comment = comment_of[function]
    errors = set(ERROR.findall(comment))
    if "every membership change" in comment:
        errors |= {"-ETIMEDOUT", "-EXDEV", "-EDEADLK", "-ENOTRECOVERABLE"}
    for other in re.findall(r"\bas\s+(?:\*\s+)?(keyshm_\w+)\(\)", comment):
        if other != function:
            errors |= errors_of(other, comment_of)
    return errors


def main():
    directory, *headers = sys.argv[1:]
    comment_of = {}
    for header in headers:
        comment_of |= comments(Path(header).read_text(encoding="utf-8"))
    page_of = {name: page for page in library_pages(directory) for name in page.described()}
    checked, problems = 0, []
    for function in sorted(comment_of):
        for error in sorted(errors_of(function, comment_of)):
            checked += 1
            if function not in page_of or error not in ERROR.findall(page_of[function].section("ERRORS").replace("*", "")):
                problems.append(f"{function}: {error} is not among the errors of its page")
    print(*problems, f"{checked} errors of {len(comment_of)} functions, {len(problems)} problems", sep="\n")
    return 1 if problems or checked < 50 else 0


sys.exit(main())
