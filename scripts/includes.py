#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the includes run one way only: base ← {domain, contract, db} ← http ← api, {base, db, domain, http} ← jobs.

usage: includes.py [ROOT]     prints one line per fault, exits 1 when there is one

A layer is a folder of src/ and include/ (api/ is one of its own, and src/*.c is `main`, which wires all). ALLOWED says
whose public headers a layer may see; a private header (src/<layer>/*.h) is for its own layer and for main only, and a
public header sees public headers only. OWNERS says which layers may include a library. A new layer or library is a row.
"""
import os
import re
import sys

ALLOWED = {
    "base": {"base"},
    "contract": {"base", "contract"},
    "domain": {"base", "domain"},
    "db": {"base", "db"},
    "http": {"base", "contract", "db", "domain", "http"},
    "api": {"base", "contract", "db", "domain", "http"},
    "jobs": {"base", "db", "domain", "http", "jobs"},
    "main": {"base", "contract", "db", "domain", "http", "jobs"},
}

# A header of a library, and the layers that may include it. Others are free for everybody.
OWNERS = [
    (r"libpq-fe\.h|postgres_ext\.h|libpq/.*", {"db"}),
    (r"ulfius\.h|microhttpd\.h|orcania\.h|yder\.h|u_.*\.h", {"http"}),
    (r"jwt\.h|openssl/.*", {"http"}),
    (r"yaml\.h", {"contract"}),
    (r"sodium\.h|sodium/.*", set(ALLOWED) - {"domain"}),
    (r"jansson\.h", set(ALLOWED) - {"domain"}),
    # The rules are pure: no clock, no threads, no files, no sockets.
    (r"time\.h|sys/.*|pthread\.h|unistd\.h|fcntl\.h|signal\.h|poll\.h|threads\.h", set(ALLOWED) - {"domain"}),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)


def sources(root):
    for top in ("include", "src", "api"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "api":
        return "api"
    return parts[1] if len(parts) > 2 else "main"


def resolve(root, path, name):
    """The file that `#include "name"` in `path` means, in the order of the compiler; None when there is none."""
    own = os.path.normpath(os.path.join(os.path.dirname(path), name))
    places = [own, os.path.join("include", name)]
    if not path.startswith("api/"):
        places.append(os.path.join("src", name))
    return next((place for place in places if os.path.isfile(os.path.join(root, place))), None)


def own_header_fault(root, path, name):
    target = resolve(root, path, name)
    if not target:
        return "is not found"
    layer, theirs = layer_of(path), layer_of(target)
    if theirs not in ALLOWED[layer] and theirs != layer:
        return f"goes against the direction: {layer} may not see {theirs}"
    is_private = not target.startswith("include/")
    if is_private and path.startswith("include/"):
        return "is private, and this header is public"
    if is_private and theirs != layer and layer != "main":
        return f"is private to {theirs}"
    return None


def library_fault(path, name):
    layer = layer_of(path)
    for pattern, layers in OWNERS:
        if re.fullmatch(pattern, name) and layer not in layers:
            return f"is not for {layer}"
    return None


def faults(root):
    found = []
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), file.read())
        if layer_of(path) not in ALLOWED:
            found.append(f"{path}:1: the layer {layer_of(path)} has no row in scripts/includes.py")
            continue
        for match in INCLUDE.finditer(text):
            quote, name = match.groups()
            fault = own_header_fault(root, path, name) if quote == '"' else None
            fault = fault or library_fault(path, name)
            if fault:
                line = text.count("\n", 0, match.start(2)) + 1
                found.append(f"{path}:{line}: {name} {fault}")
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    found = faults(root)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
