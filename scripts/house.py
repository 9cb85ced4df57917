#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the C code to its maxima: a function has at most 80 lines, a file 700, a line 120 columns (a tab is 8).

usage: house.py [ROOT] [--numbers]     prints one line per fault, exits 1 when there is one; --numbers: also medians

A file that is a table says so in its first comment with the words "house: table" and may be longer.
"""
import os
import re
import statistics
import sys

FUNCTION_LINES, FILE_LINES, COLUMNS, TAB = 80, 700, 120, 8
TOPS = ("api", "include", "src")
LITERALS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVES = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.M)


def files(root):
    for top in TOPS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def bare(text):
    """The text without comments, literals and preprocessor lines; every line stays where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return DIRECTIVES.sub(blank, LITERALS.sub(blank, text))


def functions(text):
    """(name, first line, last line) of each body that stands at file level and follows a parameter list."""
    code, depth, head_start, opening = bare(text), 0, 0, None
    for match in re.finditer(r"[{};]", code):
        at, sign = match.start(), match.group()
        if sign == "{":
            if depth == 0:
                head = code[head_start:at]
                name = re.search(r"(\w+)\s*\(", head)
                is_body = name and head.rstrip().endswith(")") and "=" not in head
                opening = (name.group(1), code.count("\n", 0, at) + 1) if is_body else None
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                if opening:
                    yield opening[0], opening[1], code.count("\n", 0, at) + 1
                head_start = at + 1
        elif depth == 0:
            head_start = at + 1


def measure(root):
    faults, function_lengths, file_lengths = [], [], []
    for path in files(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        lines = text.splitlines()
        file_lengths.append(len(lines))
        if len(lines) > FILE_LINES and "house: table" not in text[:2000]:
            faults.append(f"{path}:1: {len(lines)} lines, more than {FILE_LINES}")
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(TAB))
            if width > COLUMNS:
                faults.append(f"{path}:{number}: {width} columns, more than {COLUMNS}")
        for name, first, last in functions(text):
            length = last - first + 1
            function_lengths.append(length)
            if length > FUNCTION_LINES:
                faults.append(f"{path}:{first}: {name} has {length} lines, more than {FUNCTION_LINES}")
    return faults, function_lengths, file_lengths


def main():
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    faults, function_lengths, file_lengths = measure(arguments[0] if arguments else ".")
    for fault in faults:
        print(fault)
    if "--numbers" in sys.argv and function_lengths:
        for what, values in (("functions", function_lengths), ("files", file_lengths)):
            print(f"{len(values)} {what}: median {statistics.median(values):g} lines, longest {max(values)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
