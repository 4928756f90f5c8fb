#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""errors.py HEADER DIRECTORY: every error that the header names with a function stands in the function's page."""

import re
import sys
from pathlib import Path

from declarations import comments
from pages import library_pages

ERROR = re.compile(r"-E[A-Z0-9]+\b")


def errors_of(function, header, told):
    """Also those that its comment takes over from elsewhere in the header."""
    comment = told[function]
    errors = set(ERROR.findall(comment))
    if "every membership change" in comment:
        errors |= {"-ETIMEDOUT", "-EXDEV", "-EDEADLK", "-ENOTRECOVERABLE"}
    for other in re.findall(r"\bas\s+(?:\*\s+)?(keyshm_\w+)\(\)", comment):
        if other != function:
            errors |= errors_of(other, header, told)
    return errors


def main():
    header = Path(sys.argv[1]).read_text(encoding="utf-8")
    told = comments(header)
    page_of = {name: page for page in library_pages(sys.argv[2]) for name in page.described()}
    checked, problems = 0, []
    for function in sorted(told):
        for error in sorted(errors_of(function, header, told)):
            checked += 1
            if function not in page_of or error not in ERROR.findall(page_of[function].section("ERRORS").replace("*", "")):
                problems.append(f"{function}: {error} is not among the errors of its page")
    print(*problems, f"{checked} errors of {len(told)} functions, {len(problems)} problems", sep="\n")
    return 1 if problems or checked < 50 else 0


sys.exit(main())
