# SPDX-License-Identifier: MIT
"""Holds the includes of src and tools against ARCHITECTURE.md: usage: tree.py SOURCE_ROOT

Every file of src and of src/http has one row in the table of floors of that folder, and includes files of its own floor or of
floors below only; neither folder includes files of the other. Neither in them nor in tools do includes form a circle; a file
and its header count as one.
"""

import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
problems = []


def floors(folder):
    """{file name in the folder: (number of the floor from the top, its name)}"""
    found, names = {}, []
    for line in (root / "ARCHITECTURE.md").read_text().splitlines():
        row = re.match(rf"\| ([\w ]+) \| (`{folder}/[\w.]+`.*?) \|", line)
        if not row:
            continue
        if row[1] not in names:
            names.append(row[1])
        for name in re.findall(rf"`{folder}/([\w.]+)`", row[2]):
            if name in found:
                problems.append(f"ARCHITECTURE.md: {name} has two rows")
            found[name] = (names.index(row[1]), row[1])
    return found


def includes(file, folders):
    """The files of the tree that this one includes."""
    for name in re.findall(r'^ *# *include "([\w./]+)"', file.read_text(), re.M):
        for folder in [file.parent, *folders]:
            if (folder / name).exists():
                yield (folder / name).resolve().relative_to(root)
                break


def check_floors(folder):
    floor_of = floors(folder)
    files = sorted((root / folder).glob("*.[ch]"))
    for name in sorted({file.name for file in files} ^ set(floor_of)):
        problems.append(f"ARCHITECTURE.md: {folder}/{name} is {'no file' if name in floor_of else 'without a row'}")
    for file in files:
        for included in includes(file, []):
            above, below = floor_of.get(included.name), floor_of.get(file.name)
            if included.parent != Path(folder):
                problems.append(f"{folder}/{file.name} includes {included}, which is of another folder")
            elif above and below and above[0] < below[0]:
                problems.append(f"{folder}/{file.name} ({below[1]}) includes {included.name} ({above[1]}), which is above it")


def circle(graph):
    """The modules of a circle, or None."""
    state = {}

    def visit(module, path):
        state[module] = "open"
        for other in sorted(graph.get(module, ())):
            if state.get(other) == "open":
                return [*path[path.index(other):], other] if other in path else [module, other]
            if other not in state and (found := visit(other, [*path, other])):
                return found
        state[module] = "done"
        return None

    for module in sorted(graph):
        if module not in state and (found := visit(module, [module])):
            return found
    return None


def check_circles(name, folders):
    graph = {}
    for folder in folders:
        for file in folder.glob("*.[ch]"):
            module = file.resolve().relative_to(root).with_suffix("")
            others = {path.with_suffix("") for path in includes(file, folders)} - {module}
            graph.setdefault(module, set()).update(others)
    if not graph:
        problems.append(f"{name}: no files")
    found = circle(graph)
    if found:
        problems.append(f"{name}: a circle of includes: {' -> '.join(str(module) for module in found)}")
    return len(graph)


root = root.resolve()
check_floors("src")
check_floors("src/http")
common = root / "tools/common"
count = check_circles("src", [root / "src"])
count += check_circles("src/http", [root / "src/http"])
count += check_circles("keyshm-ctl", [root / "tools/keyshm-ctl", root / "tools/keyshm-ctl/state", common])
count += check_circles("keyshm-stat", [root / "tools/keyshm-stat", root / "tools/keyshm-stat/watch", common])
for problem in problems:
    print(problem)
print(f"{count} modules, {len(problems)} problems")
sys.exit(bool(problems))
