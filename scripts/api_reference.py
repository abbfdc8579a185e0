#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/api.md out of the comments in proto/m3lung/v1/.

Usage: scripts/api_reference.py [--check]

  --check   write nothing: exit code 1 where the file is not what would be written

Needs grpcio-tools and protobuf; where this Python has none, .ci/checkers is asked for one
that has. The C++ headers' reference is made by scripts/cpp_reference.sh.
Exit code: 0 written or right, 1 not up to date or a proto file is wrong, 2 used wrongly.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROTOS = ["screening.proto", "results.proto", "model.proto"]  # in the order of the page
PAGE = ROOT / "docs" / "reference" / "api.md"

try:
    from google.protobuf import descriptor_pb2 as descriptors
    from grpc_tools import protoc
except ImportError:
    if os.environ.get("M3LUNG_CHECKERS"):
        raise
    os.environ["M3LUNG_CHECKERS"] = "asked"  # and once is enough
    found = subprocess.run(
        [ROOT / ".ci" / "checkers", "checks"], stdout=subprocess.PIPE, text=True, check=True
    )
    python = f"{found.stdout.strip()}/python"
    os.execv(python, [python, *sys.argv])

# Numbers of fields in descriptor.proto, of which the paths to comments are made.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE, FILE_SYNTAX = 4, 5, 6, 12
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, ENUM_VALUE, SERVICE_METHOD = 2, 3, 4, 2, 2

Path = tuple[int, ...]

HEAD = """\
# The API, message by message

Written by `scripts/api_reference.py` from the comments in [proto/m3lung/v1/](../../proto/m3lung/v1/):
change them there. How the parts play together is told in [the API's page](../howto/api.md).
"""


def described() -> list[descriptors.FileDescriptorProto]:
    """The proto files, parsed, with their comments."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "descriptors"
        code = protoc.main(
            ["protoc", f"-I{ROOT / 'proto'}", f"--descriptor_set_out={out}",
             "--include_source_info", *(f"m3lung/v1/{name}" for name in PROTOS)]
        )  # fmt: skip
        if code != 0:
            sys.exit("api_reference: protoc refused the files in proto/m3lung/v1")
        files = descriptors.FileDescriptorSet.FromString(out.read_bytes()).file
    by_name = {pathlib.PurePosixPath(file.name).name: file for file in files}
    return [by_name[name] for name in PROTOS]


def type_of(field: descriptors.FieldDescriptorProto) -> str:
    """The field's type as Markdown, with a link where this page describes it."""
    if field.type_name:
        return link(field.type_name)
    return (
        f"`{descriptors.FieldDescriptorProto.Type.Name(field.type).removeprefix('TYPE_').lower()}`"
    )


def link(type_name: str) -> str:
    """`.m3lung.v1.LungBox` as a link to its heading; foreign types by their whole name."""
    if not type_name.startswith(".m3lung.v1."):
        return f"`{type_name.removeprefix('.')}`"
    name = type_name.removeprefix(".m3lung.v1.")
    return f"[{name}](#{name.lower().replace('.', '')})"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


class Page:
    """One proto file's part of the page."""

    def __init__(self, file: descriptors.FileDescriptorProto) -> None:
        self.file = file
        self.comments: dict[Path, str] = {
            tuple(location.path): (location.leading_comments + location.trailing_comments)
            for location in file.source_code_info.location
        }

    def comment(self, path: Path) -> str:
        """The comment, without the space after each line's slashes and the licence's line."""
        lines = self.comments.get(path, "").strip("\n").split("\n")
        told = (line.removeprefix(" ") for line in lines if "SPDX-License-Identifier" not in line)
        return "\n".join(told).strip()

    def lines(self) -> Iterator[str]:
        yield f"## {pathlib.PurePosixPath(self.file.name).name}"
        yield self.comment((FILE_SYNTAX,))
        for number, service in enumerate(self.file.service):
            yield from self.service(service, (FILE_SERVICE, number))
        for number, message in enumerate(self.file.message_type):
            yield from self.message(message, (FILE_MESSAGE, number), "")
        for number, enum in enumerate(self.file.enum_type):
            yield from self.enum(enum, (FILE_ENUM, number), "")

    def service(self, service: descriptors.ServiceDescriptorProto, path: Path) -> Iterator[str]:
        yield f"### {service.name}"
        yield self.comment(path)
        for number, method in enumerate(service.method):
            request = ("stream of " if method.client_streaming else "") + link(method.input_type)
            answer = ("stream of " if method.server_streaming else "") + link(method.output_type)
            yield f"#### {service.name}.{method.name}"
            yield f"{request} → {answer}"
            yield self.comment((*path, SERVICE_METHOD, number))

    def message(
        self, message: descriptors.DescriptorProto, path: Path, outer: str
    ) -> Iterator[str]:
        yield f"### {outer}{message.name}"
        yield self.comment(path)
        rows = []
        for number, field in enumerate(message.field):
            kind = type_of(field)
            if field.label == descriptors.FieldDescriptorProto.LABEL_REPEATED:
                kind = f"repeated {kind}"
            elif field.proto3_optional:
                kind = f"optional {kind}"
            elif field.HasField("oneof_index"):
                kind = f"{kind}, one of `{message.oneof_decl[field.oneof_index].name}`"
            meaning = cell(self.comment((*path, MESSAGE_FIELD, number)))
            rows.append((f"`{field.name}`", str(field.number), kind, meaning))
        if rows:
            yield table(("field", "number", "type", "meaning"), rows)
        # A range's end is one past its last number here, in enums the last number itself.
        numbers = [(one.start, one.end - 1) for one in message.reserved_range]
        yield reserved(numbers, message.reserved_name)
        for number, nested in enumerate(message.nested_type):
            yield from self.message(
                nested, (*path, MESSAGE_NESTED, number), f"{outer}{message.name}."
            )
        for number, enum in enumerate(message.enum_type):
            yield from self.enum(enum, (*path, MESSAGE_ENUM, number), f"{outer}{message.name}.")

    def enum(self, enum: descriptors.EnumDescriptorProto, path: Path, outer: str) -> Iterator[str]:
        yield f"### {outer}{enum.name}"
        yield self.comment(path)
        yield table(
            ("value", "number", "meaning"),
            [
                (f"`{value.name}`", str(value.number), cell(self.comment((*path, ENUM_VALUE, n))))
                for n, value in enumerate(enum.value)
            ],
        )
        numbers = [(one.start, one.end) for one in enum.reserved_range]
        yield reserved(numbers, enum.reserved_name)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def reserved(ranges: Iterable[tuple[int, int]], names: Iterable[str]) -> str:
    numbers = [f"{first}" if first == last else f"{first} to {last}" for first, last in ranges]
    taken = [*numbers, *(f"`{name}`" for name in names)]
    return f"Not to be used again: {', '.join(taken)}." if taken else ""


def page() -> str:
    parts = [HEAD.rstrip("\n")]
    for file in described():
        parts += [part for part in Page(file).lines() if part]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    options = parser.parse_args()
    text = page()
    if options.check:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print(
            f"api_reference: {PAGE.relative_to(ROOT)} is not what the proto files say; "
            "run scripts/api_reference.py",
            file=sys.stderr,
        )
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
