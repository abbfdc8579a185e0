#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the licence's one line in the head of every source file.

Usage: scripts/spdx.py --check|--write [FILE...]

  --check   names the files without the line; exit code 1 where there are any
  --write   puts the line into these files

The line is the first of the file, or follows a first line that must stay the first (#! and
Dockerfile's # syntax=). Without FILE it is all source files that git knows.
Exit code: 0 all have it, 1 some do not, 2 used wrongly.
"""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINE = "SPDX-License-Identifier: Apache-2.0"
# How a comment begins, by the ending or the whole name.
COMMENTS = {
    ".cc": "//", ".h": "//", ".proto": "//",
    ".cmake": "#", ".py": "#", ".sed": "#", ".sh": "#", ".textproto": "#", ".toml": "#",
    ".yaml": "#", ".yml": "#", "CMakeLists.txt": "#", "Dockerfile": "#",
}  # fmt: skip
STAY_FIRST = ("#!", "# syntax=", "# escape=")


def comment_of(path: pathlib.Path, text: str) -> str | None:
    """How a comment begins in the file, None where it is no source file."""
    known = COMMENTS.get(path.name) or COMMENTS.get(path.suffix)
    return known or ("#" if text.startswith("#!") else None)


def with_line(text: str, comment: str) -> str:
    """The text with the line where it belongs; the same text where it is there."""
    line = f"{comment} {LINE}\n"
    first, newline, rest = text.partition("\n")
    if first.startswith(STAY_FIRST):
        return text if rest.startswith(line) else f"{first}{newline}{line}{rest}"
    return text if text.startswith(line) else line + text


def tracked() -> list[pathlib.Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    paths = [ROOT / name for name in names.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="name the files without the line")
    what.add_argument("--write", action="store_true", help="put the line into them")
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    lacking = 0
    for path in options.files or tracked():
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue  # no source file
        comment = comment_of(path, text)
        if comment is None:
            continue
        right = with_line(text, comment)
        if right == text:
            continue
        lacking += 1
        if options.write:
            path.write_bytes(right.encode())
        else:
            print(f"{path}: its head lacks '{comment} {LINE}'", file=sys.stderr)
    if lacking and options.check:
        print(f"spdx: {lacking} files lack the line; scripts/spdx.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
