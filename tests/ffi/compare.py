# SPDX-License-Identifier: MIT
"""Holds what an FFI makes of keyshm.ffi.h against C: usage: compare.py C_PROGRAM HEADER LIBRARY INTERPRETER SCRIPT

C_PROGRAM is that of fields.py. The script prints the same lines, and the last one after it has used the library.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

program, header, library, interpreter, script = sys.argv[1:]
if shutil.which(interpreter) is None:
    print(f"skipped: there is no {interpreter}")
    sys.exit(77)

expected = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
expected.append("used sk-example-key 1 0")
with tempfile.NamedTemporaryFile("w", suffix=".fields") as fields:
    fields_script = Path(script).with_name("fields.py")
    subprocess.run([sys.executable, fields_script, header, "list"], check=True, stdout=fields)
    result = subprocess.run([interpreter, script, header, library, fields.name], capture_output=True, text=True)
if result.returncode != 0:
    sys.exit(f"{interpreter} ends with {result.returncode}: {result.stdout[-300:]}{result.stderr}")
different = [f"{interpreter}: {got}, and C: {wanted}"
             for got, wanted in zip(result.stdout.splitlines() + len(expected) * ["nothing"], expected) if got != wanted]
if different or len(expected) < 2:
    sys.exit("\n".join(different))
