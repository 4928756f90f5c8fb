# SPDX-License-Identifier: MIT
"""The structs of keyshm.ffi.h and their fields: usage: fields.py HEADER list | c

list: a line "STRUCT FIELD" for each. c: a program that prints "STRUCT FIELD OFFSET BYTES" as the compiler lays out keyshm.h.
"""

import re
import sys

header = open(sys.argv[1], encoding="utf-8").read()
fields = []
for struct, body in re.findall(r"^struct (\w+) \{(.*?)^\};", header, re.S | re.M):
    for declaration in body.split(";"):
        # The last name of the declaration that is not in the bound of an array.
        names = re.findall(r"[A-Za-z_]\w*", re.sub(r"\[[^]]*\]", "", declaration))
        if names:
            fields.append((struct, names[-1]))

if sys.argv[2] == "list":
    print("\n".join(" ".join(field) for field in fields))
    sys.exit()
print('#include <keyshm.h>\n#include <stdio.h>\n\nint main(void)\n{')
for struct, name in fields:
    print(f'    printf("{struct} {name} %zu %zu\\n", offsetof(struct {struct}, {name}), '
          f'sizeof(((struct {struct} *)NULL)->{name}));')
print("    return 0;\n}")
