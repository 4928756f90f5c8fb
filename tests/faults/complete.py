#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""complete.py PROGRAM LIBRARY HEADER: the tables of tests/faults miss nothing.

Every function that the library imports is one that is made to fail, or one that cannot; every function of the header is
called; and every error that came back because of another call stands in the header's comment of the function.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))
from declarations import comments, functions  # noqa: E402

# What the compiler and the loader add.
NOT_CALLED = re.compile(r"_ITM_\w+|__gmon_start__|__cxa_finalize|__stack_chk_fail")
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
    """Without what _FORTIFY_SOURCE and the C standard's version make of a name."""
    name = re.sub(r"^__(\w+)_chk$", r"\1", name)
    return re.sub(r"^__isoc\d\d_", "", name)


def imports(library):
    names = (line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", library).splitlines())
    return {plain(name) for name in names if not NOT_CALLED.fullmatch(name)}


def listed(program):
    found = {}
    for line in run(program, "list").splitlines():
        kind, name = line.split()
        found.setdefault(kind, set()).add(name)
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


def main():
    program, library, header_path = sys.argv[1:]
    header = Path(header_path).read_text(encoding="utf-8")
    imported, tables, notes = imports(library), listed(program), comments(header)
    problems = []
    for name in sorted(imported - tables["fails"] - tables["cannot-fail"]):
        problems.append(f"{library} imports {name}(), which is in neither table of inject.c")
    for name in sorted(tables["fails"] & tables["cannot-fail"]):
        problems.append(f"{name}() is in both tables of inject.c")
    declared = set(functions(header))
    for name in sorted(declared - tables["call"]):
        problems.append(f"{name}() is not in the table of calls.c")
    for name in sorted(tables["call"] - declared):
        problems.append(f"{name}() is in the table of calls.c, and not in the header")
    returned = {tuple(line.split()[1:]) for line in run(program, "errors").splitlines() if line.startswith("returned ")}
    for function, error, manual in sorted(returned):
        if not documents(function, error, manual, notes):
            problems.append(f"{function}(): -{error}, from {manual}, is not in the header")
    print(*problems, f"{len(imported)} imports, {len(declared)} functions, {len(returned)} errors, {len(problems)} problems",
          sep="\n")
    return 1 if problems or not imported or not returned else 0


sys.exit(main())
