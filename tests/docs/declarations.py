# SPDX-License-Identifier: MIT
"""The declarations in C text (functions, types and constants) and the comments that belong to them."""

import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
NOT_DECLARED = re.compile(r"^#(?:include|if|ifdef|ifndef|endif)\b.*$|^#define KEYSHM(?:_HTTP)?_H$|^extern \"C\" \{$|^\}$", re.M)


def tidy(text):
    """Reduce white space to what is needed, so that line breaks make no difference."""
    text = re.sub(r"\s+", " ", text.replace("\\\n", " ")).strip()
    return re.sub(r" ?([^\w ]) ?", r"\1", text)


def split(text):
    """Each declaration of a text without comments, verbatim."""
    start, depth, position = 0, 0, 0
    while position < len(text):
        character = text[position]
        if character == "#" and not text[start:position].strip():
            end = re.compile(r"(?<!\\)\n|\Z").search(text, position).end()
            yield text[position:end]
            start = position = end
            continue
        depth += (character == "{") - (character == "}")
        position += 1
        if character == ";" and depth == 0:
            yield text[start:position]
            start = position
    if text[start:].strip():
        yield text[start:]


def name_of(declaration):
    for pattern in (
        r"#define (\w+)",
        r"((?:struct|enum) \w+)\{",
        r"typedef [^()]*?(\w+)\(",
        r"typedef .*?(\w+);",
        r".*?(\w+)\(",
    ):
        found = re.match(pattern, declaration)
        if found:
            return found.group(1)
    raise ValueError(f"cannot find the name in: {declaration}")


def declarations(text):
    """{name: declaration}"""
    found = {}
    for declaration in map(tidy, split(NOT_DECLARED.sub("", COMMENT.sub(" ", text)))):
        name = name_of(declaration)
        if found.setdefault(name, declaration) != declaration:
            raise ValueError(f"declared twice with differences: {name}")
    return found


def functions(text):
    return [name for name, declaration in declarations(text).items() if re.fullmatch(r"keyshm_\w+", name)
            and not declaration.startswith("typedef")]


def comments(text):
    """{function: its comments}: the one before it, and the one at the beginning of its section of the header."""
    found, part, last = {}, "", ""
    for comment, function in re.findall(r"(/\*.*?\*/)|^[a-z][^;{}/]*?\b(keyshm_\w+)\([^;{}]*\);", text, re.M | re.S):
        if comment.startswith("/* ---"):
            part = comment
        elif comment:
            last = comment
        else:
            found[function] = part + last
    return found
