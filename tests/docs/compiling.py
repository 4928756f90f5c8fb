# SPDX-License-Identifier: MIT
"""The programs of examples, compiled as a reader does it."""

import os
import subprocess
from pathlib import Path


def compiled(source, include, libraries, directory):
    """Without the project's own flags. The binary is in the directory."""
    binary = Path(directory, source.stem)
    compiler = os.environ.get("CC", "cc").split()
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *os.environ.get("DOCS_CFLAGS", "").split()]
    paths = [f"-Wl,-rpath,{Path(library).parent}" for library in libraries]
    subprocess.run([*compiler, *flags, f"-I{include}", source, "-o", binary, *libraries, *paths], check=True)
    return binary
