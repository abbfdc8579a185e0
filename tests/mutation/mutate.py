# SPDX-License-Identifier: Apache-2.0
"""Changes the sources one line at a time and asks the unit tests whether they notice.

Usage: tests/mutation/mutate.py [--seed N] [--count N] [--known] [--results FILE] [FOLDER...]

Draws COUNT one-line changes (a comparison turned, a sum made a difference, a
condition negated, a call left out, ...) by SEED from the C++ sources of FOLDERs, or
takes those of tests/mutation/known.json (--known). Each is made in a copy of the
sources, built, and held against the unit tests: those that watch over its folder
first, the rest of the unit tests where these pass. A change that fails a test is
killed; one that does not compile, or gives the same program, does not count and
another is drawn.

What has been done is kept in FILE (a JSON line a change), so that a run that was
stopped goes on. Prints the share killed, by folder, and the survivors.

Example: tests/mutation/mutate.py --seed=1 --count=200 server preprocess model
Needs: scripts/setup.sh --tests. Time: about a minute a change on two cores.
Exit code: 0 at least 85 % killed (--known: all), 1 fewer, 2 usage error.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutation"
KNOWN = ROOT / "tests" / "mutation" / "known.json"
FOLDERS = ["server", "preprocess", "model"]
WANTED_SHARE = 0.85
TEST_SECONDS = 300  # A change that makes a test hang is noticed, too.

# The unit tests that watch over a folder, by the longest prefix of the source's path.
WATCHERS = {
    "server/batching": ["slice_batcher_test", "server_test"],
    "server/ops": ["resources_test", "operation_test", "server_test"],
    "server/study": ["server_test", "rpc_test"],
    "server/rpc": ["rpc_test"],
    "server": [
        "api_test",
        "config_test",
        "server_test",
        "rpc_test",
        "serving_test",
        "server_health_test",
    ],
    "preprocess/study": ["study_test", "server_test"],
    "preprocess/lungs": ["lung_volume_test", "preprocess_test", "study_test"],
    "preprocess": ["preprocess_test", "study_test"],
    "model": ["inference_test", "affected_lung_test", "model_test"],
}
# What runs where the watchers notice nothing.
OTHERS = [
    "preprocess_test", "study_test", "lung_volume_test", "inference_test", "model_test",
    "slice_batcher_test", "api_test", "config_test", "resources_test", "operation_test",
    "server_test", "rpc_test", "serving_test", "server_health_test", "affected_lung_test",
    "prepare_test", "cohort_test", "served_input_test", "scoring_test", "client_report_test",
]  # fmt: skip

# What is found, and what stands in its place. clang-format puts spaces around binary
# operators and none around template brackets.
REPLACEMENTS = [
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r"(?<=[\w)\]]) \+ (?=[\w(])", " - "), (r"(?<=[\w)\]]) - (?=[\w(])", " + "),
    (r"(?<=[\w)\]]) \* (?=[\w(])", " / "), (r"(?<=[\w)\]]) / (?=[\w(])", " * "),
    (r" \+= ", " -= "), (r" -= ", " += "), (r"\+\+(?=\w)", "--"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bstd::min\b", "std::max"), (r"\bstd::max\b", "std::min"),
    (r"(?<![\w.])0(?![\w.])", "1"), (r"(?<![\w.])1(?![\w.])", "2"),
    (r"\bif \((?!const |auto |absl::|std::)(.*)\) (?=\{|return|continue|break)", r"if (!(\1)) "),
]  # fmt: skip
# A statement that can be left out: a call, or an assignment to something that exists.
STATEMENT = re.compile(
    r"^\s+(?!return\b|const\b|auto\b|using\b|throw\b|co_|M3L_ASSIGN|spdlog::|\w+\.reserve\()"
    r"(?:[A-Za-z_][\w.:\[\]]*(?:->[\w.\[\]]+)*\(.*\)|[a-z_][\w.\[\]>-]* (?:[+|-])?= .*);$"
)


@dataclasses.dataclass(frozen=True)
class Change:
    """One line of one source file, and what stands in its place."""

    file: str
    line: int  # from 1
    before: str
    after: str

    def key(self) -> str:
        text = f"{self.file}\n{self.before}\n{self.after}\n{self.line}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}\n  - {self.before.strip()}\n  + {self.after.strip()}"


def without_text(line: str) -> str:
    """The line with comments and the insides of strings blanked, of the same length."""
    line = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: '"' + " " * (len(found[0]) - 2) + '"', line)
    return re.sub(r"//.*$", lambda found: " " * len(found[0]), line)


def changes_of(path: pathlib.Path) -> list[Change]:
    name = path.relative_to(ROOT).as_posix()
    changes = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        code = without_text(line)
        if line.startswith("#") or "static_assert" in code:
            continue
        for pattern, replacement in REPLACEMENTS:
            for found in re.finditer(pattern, code):
                # The original text, which the blanks stand for, is put back.
                after = line[: found.start()] + re.sub(
                    pattern, replacement, line[found.start() : found.end()]
                    if pattern.startswith(r"\bif") else found[0]
                ) + line[found.end() :]  # fmt: skip
                if after != line:
                    changes.append(Change(name, number, line, after))
        if STATEMENT.match(code):
            changes.append(Change(name, number, line, re.sub(r"\S.*", "{}", line, count=1)))
    return changes


def known_changes() -> list[Change]:
    changes = []
    for one in json.loads(KNOWN.read_text()):
        lines = (ROOT / one["file"]).read_text().splitlines()
        places = [i for i, line in enumerate(lines, start=1) if line.strip() == one["from"].strip()]
        if len(places) != 1:
            sys.exit(f"mutate: {KNOWN}: {len(places)} lines of {one['file']} are: {one['from']}")
        before = lines[places[0] - 1]
        after = before.replace(one["from"].strip(), one["to"].strip())
        changes.append(Change(one["file"], places[0], before, after))
    return changes


class Workshop:
    """A copy of the sources, and its build."""

    def __init__(self) -> None:
        self.source = WORK / "source"
        self.build = WORK / "build"
        self.source.mkdir(parents=True, exist_ok=True)
        files = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
        ).stdout.split(b"\0")
        for name in (file.decode() for file in files if file):
            target = self.source / name
            content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else None
            if content is None or (target.is_file() and target.read_bytes() == content):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        deps = self.source / ".deps"
        if not deps.exists():
            deps.symlink_to(ROOT / ".deps")
        subprocess.run(
            ["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1",
             "-DM3LUNG_BUILD_BENCHMARKS=OFF"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        listed = subprocess.run(
            ["ninja", "-C", self.build, "-t", "targets", "all"],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        self.tests = {
            match[1]: match[0]
            for match in re.findall(r"^((?:\S*/)?tests/(\w+_test)): CXX_EXECUTABLE", listed, re.M)
        }

    def make(self, tests: list[str]) -> bool:
        made = subprocess.run(
            ["ninja", "-C", self.build, *(self.tests[test] for test in tests)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return made.returncode == 0

    def digest(self, tests: list[str]) -> str:
        digest = hashlib.sha256()
        for test in tests:
            digest.update((self.build / self.tests[test]).read_bytes())
        return digest.hexdigest()

    def fails(self, test: str) -> bool:
        try:
            run = subprocess.run(
                [self.build / self.tests[test], "--gtest_brief=1", "--gtest_fail_fast"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TEST_SECONDS,
                cwd=self.build, env=os.environ | {"M3LUNG_TEST_DATA": str(WORK / "none")},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return True
        return run.returncode != 0

    def judge(self, change: Change) -> tuple[str, str]:
        """'killed', 'survived', 'invalid' or 'same', and the test that killed it."""
        prefix = max((p for p in WATCHERS if change.file.startswith(p + "/")), key=len)
        watchers = [test for test in WATCHERS[prefix] if test in self.tests]
        others = [test for test in OTHERS if test in self.tests and test not in watchers]
        path = self.source / change.file
        original = path.read_text()
        # A target that an earlier change was the last to touch is as the sources are.
        if not self.make(watchers):
            sys.exit("mutate: the unchanged sources do not build")
        before = self.digest(watchers)
        lines = original.splitlines()
        assert lines[change.line - 1] == change.before, f"{change.file} changed since it was read"
        lines[change.line - 1] = change.after
        try:
            path.write_text("\n".join(lines) + "\n")
            if not self.make(watchers):
                return "invalid", ""
            if self.digest(watchers) == before:
                return "same", ""
            for test in watchers:
                if self.fails(test):
                    return "killed", test
            for test in others:
                if self.make([test]) and self.fails(test):
                    return "killed", test
            return "survived", ""
        finally:
            path.write_text(original)


def arguments() -> argparse.Namespace:
    usage = (__doc__ or "").split("\n")
    parser = argparse.ArgumentParser(
        description="\n".join(usage), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--known", action="store_true", help="those of known.json, all of them")
    parser.add_argument("--results", type=pathlib.Path, default=WORK / "results.jsonl")
    parser.add_argument("folders", nargs="*", default=FOLDERS, metavar="FOLDER")
    parsed = parser.parse_args()
    for folder in parsed.folders:
        if not any((folder + "/").startswith(prefix + "/") for prefix in WATCHERS):
            parser.error(f"no unit tests watch over {folder}; folders: {', '.join(FOLDERS)}")
    return parsed


def main() -> int:
    options = arguments()
    if options.known:
        drawn, wanted, share = known_changes(), len(known_changes()), 1.0
    else:
        drawn = [
            change
            for folder in options.folders
            for path in sorted((ROOT / folder).rglob("*.cc"))
            for change in changes_of(path)
        ]
        random.Random(options.seed).shuffle(drawn)
        wanted, share = options.count, WANTED_SHARE
    options.results.parent.mkdir(parents=True, exist_ok=True)
    done = {}
    if options.results.exists():
        for line in options.results.read_text().splitlines():
            done[json.loads(line)["key"]] = json.loads(line)
    workshop = Workshop()
    start = time.monotonic()
    judged: list[tuple[Change, dict[str, str]]] = []
    survivors: list[tuple[Change, str]] = []
    for change in drawn:
        if len(judged) == wanted:
            break
        result = done.get(change.key())
        if result is None:
            verdict, by = workshop.judge(change)
            result = dataclasses.asdict(change) | {
                "key": change.key(), "verdict": verdict, "by": by,
            }  # fmt: skip
            with options.results.open("a") as out:
                out.write(json.dumps(result) + "\n")
        if result["verdict"] in ("invalid", "same") and not options.known:
            continue
        judged.append((change, result))
        if result["verdict"] != "killed":
            survivors.append((change, result["verdict"]))
        minutes = (time.monotonic() - start) / 60
        print(
            f"mutate: {len(judged)} of {wanted}, {len(judged) - len(survivors)} killed,"
            f" {minutes:.0f} min: {result['verdict']} {result['by']} {change.file}:{change.line}",
            flush=True,
        )
    for folder in sorted({change.file.split("/")[0] for change, _ in judged}):
        here = [one["verdict"] for change, one in judged if change.file.startswith(folder + "/")]
        print(f"{folder}: {here.count('killed')} of {len(here)} killed")
    for change, verdict in survivors:
        print(f"{verdict}: {change}")
    killed = len(judged) - len(survivors)
    print(f"mutate: {killed} of {len(judged)} killed ({100 * killed / max(1, len(judged)):.0f} %)")
    return 0 if killed >= share * len(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
