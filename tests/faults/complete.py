#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""complete.py PROGRAM LIBRARY [HEADER]: the tables of tests/faults miss nothing.

Every function that the library imports is one that is made to fail, or one that cannot; and with a HEADER every function of
it is called, and every error that came back because of another call stands in the header's comment of the function.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))
from declarations import comments, functions  # noqa: E402

# What the compiler and the loader add, and other libraries: jansson's allocations fail, and libkeyshm has tests of its own.
NOT_CALLED = re.compile(r"_ITM_\w+|__gmon_start__|__cxa_finalize|__stack_chk_fail|(json|keyshm)_\w+")
# Whose comments say it in other words.
SAME_AS = {"keyshm_attach_readonly_user": "keyshm_attach", "keyshm_unlink_user": "keyshm_unlink"}
MEMBERSHIP = {"EDEADLK", "ENOTRECOVERABLE", "ETIMEDOUT", "EXDEV"}


def run(*command):
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 77:
        print(done.stdout)
        sys.exit(77)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def plain(name):
    """Without what _FORTIFY_SOURCE, the C standard's version and 64-bit offsets make of a name."""
    name = re.sub(r"^__(\w+)_chk$", r"\1", name)
    return re.sub(r"^__isoc\d\d_|64$", "", name)


def imports(library):
    names = (line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", library).splitlines())
    return {plain(name) for name in names if not NOT_CALLED.fullmatch(name)}


def listed(program):
    found = {}
    for line in run(program, "list").splitlines():
        kind, name = line.split()
        found.setdefault(kind, set()).add(plain(name))
    return found


def documents(function, error, manual, notes):
    """Does the comment name it, or where it comes from, or another function's comment in its place?"""
    note = re.sub(r"\n \* ?", "\n", notes[function])
    if error in re.findall(r"-(E[A-Z0-9]+)", note) or manual in note and "from" in note:
        return True
    if "every membership change" in note and error in MEMBERSHIP:
        return True
    if re.search(r"^-E[^\n]*\.\.\.", note, re.M):
        return True
    other = re.search(r"(?:[Ee]rrors?|\b-E\w+) (?:as|of) (keyshm_\w+)\(\)", note.replace("\n", " "))
    if other:
        return documents(other.group(1), error, manual, notes)
    return function in SAME_AS and documents(SAME_AS[function], error, manual, notes)


def check_imports(library, tables):
    imported = imports(library)
    for name in sorted(imported - tables["fails"] - tables["cannot-fail"]):
        yield f"{library} imports {name}(), which is in neither table"
    for name in sorted(tables["fails"] & tables["cannot-fail"]):
        yield f"{name}() is in both tables"
    print(f"{len(imported)} imports")
    if not imported:
        yield f"{library} imports nothing?"


def check_functions(program, header_path, tables):
    header = Path(header_path).read_text(encoding="utf-8")
    notes, declared = comments(header), set(functions(header))
    for name in sorted(declared - tables["call"]):
        yield f"{name}() is not in the table of calls.c"
    for name in sorted(tables["call"] - declared):
        yield f"{name}() is in the table of calls.c, and not in the header"
    returned = {tuple(line.split()[1:]) for line in run(program, "errors").splitlines() if line.startswith("returned ")}
    for function, error, manual in sorted(returned):
        if not documents(function, error, manual, notes):
            yield f"{function}(): -{error}, from {manual}, is not in the header"
    print(f"{len(declared)} functions, {len(returned)} errors")
    if not returned:
        yield "no call has returned an error?"


def main():
    program, library, *header = sys.argv[1:]
    tables = listed(program)
    problems = [*check_imports(library, tables)]
    for path in header:
        problems += check_functions(program, path, tables)
    print(*problems, f"{len(problems)} problems", sep="\n")
    return 1 if problems else 0


sys.exit(main())
