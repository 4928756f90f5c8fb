#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples.py DIRECTORY INCLUDE LIBRARY...: the programs in the pages of libraries compile without warnings, and run.

If the page also shows a program's output, the program must print exactly that.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import library_pages

POOL = f"docs-examples-{os.getpid()}"
KEYS = "sk-0123456789-0123456789-3Abc\nsk-0123456789-0123456789-7Def\nshort\n"


def compiled(program, directory, include, libraries):
    source, binary = Path(directory, "example.c"), Path(directory, "example")
    source.write_text(program, encoding="utf-8")
    compiler = os.environ.get("CC", "cc").split()
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", *os.environ.get("DOCS_CFLAGS", "").split()]
    paths = [f"-Wl,-rpath,{Path(library).parent}" for library in libraries]
    subprocess.run([*compiler, *flags, f"-I{include}", source, "-o", binary, *libraries, *paths], check=True)
    return binary


def shown(page):
    """The output of the program as shown in the page."""
    for block in page.literals("EXAMPLES"):
        command, _, output = block.partition("\n")
        if re.match(r"\$ \./\w+ \w+", command):
            return output
    return None


def main():
    directory, include, *libraries = sys.argv[1:]
    ran = 0
    headers = ["keyshm.h", "keyshm-http.h"][:len(libraries)]
    for page in [page for header in headers for page in library_pages(directory, header)]:
        for program in [block for block in page.literals("EXAMPLES") if "int main(" in block]:
            with tempfile.TemporaryDirectory() as scratch:
                binary = compiled(program, scratch, include, libraries)
                output = subprocess.run([binary, POOL], input=KEYS, check=True, text=True, stdout=subprocess.PIPE).stdout
            if shown(page) not in (None, output):
                print(f"{page.name}: it prints\n{output}instead of\n{shown(page)}")
                return 1
            print(f"{page.name}: compiled and run")
            ran += 1
    return 0 if ran >= 1 + len(libraries) else 1


try:
    sys.exit(main())
finally:
    for segment in glob.glob(f"/dev/shm/keyshm.*.{POOL}"):
        os.unlink(segment)
