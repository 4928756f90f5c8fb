# SPDX-License-Identifier: MIT
"""Writes the files of rules as C: usage: embed.py FILE...

The general rules come first. What is only for readers, blanks and notes, is left out.
"""

import json
import sys
from pathlib import Path


def bytes_of(file):
    rules = json.loads(file.read_text(encoding="utf-8"))
    kept = {member: value for member, value in rules.items() if not member.startswith("_")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


files = sorted((Path(name) for name in sys.argv[1:]), key=lambda file: (file.stem != "general", file.stem))
print("/* Made by embed.py. */\n#include \"rule_files.h\"\n")
for number, file in enumerate(files):
    text = bytes_of(file)
    print(f"/* {file.name} */\nstatic const char file_{number}[] = {{")
    for begin in range(0, len(text), 24):
        print("    " + ", ".join(str(byte if byte < 128 else byte - 256) for byte in text[begin:begin + 24]) + ",")
    print("};\n")
print("const struct built_in_file built_in_files[] = {")
for number in range(len(files)):
    print(f"    {{file_{number}, sizeof(file_{number})}},")
print("};\nconst size_t built_in_file_count = sizeof(built_in_files) / sizeof(built_in_files[0]);")
