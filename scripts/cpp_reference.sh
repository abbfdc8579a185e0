#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the reference of the C++ headers, as HTML, into build/docs.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "") ;;
  --help | -h)
    cat <<'HELP'
Usage: scripts/cpp_reference.sh

Writes build/docs/html/index.html from the comments in the headers of preprocess/ and
model/. Needs doxygen (scripts/setup.sh --lint). The API's reference, docs/reference/api.md,
is written by scripts/api_reference.py.
Exit code: 0 written, 1 doxygen failed, 2 used wrongly.
HELP
    exit 0
    ;;
  *) echo "cpp_reference: unknown argument $1; see --help" >&2; exit 2 ;;
esac

# The headers' comments are plain, so doxygen gets them with its own marks: /// before what
# they describe, ///< behind it; \file where a file's first line tells of the file; and signs
# that mean something to doxygen escaped.
mkdir -p build/docs
cat >build/docs/marks.sed <<'SED'
/^ *\/\/ /s,[<>@\],\\&,g
1{s,^// SPDX.*,/// \\file,;t;s,^// ,/// \\file\n/// ,;t}
s,^( *)//( |$),\1///\2,
s|([;{},)]) +// |\1  ///< |
SED
doxygen - <<'DOXYFILE'
PROJECT_NAME           = M3Lung-Sys
PROJECT_BRIEF          = "Headers of preprocessing and of the model"
OUTPUT_DIRECTORY       = build/docs
INPUT                  = preprocess model
FILE_PATTERNS          = *.h
RECURSIVE              = YES
INPUT_FILTER           = "sed -E -f build/docs/marks.sed"
STRIP_FROM_PATH        = .
FULL_PATH_NAMES        = YES
EXTRACT_ALL            = YES
EXTRACT_PRIVATE        = NO
HIDE_UNDOC_RELATIONS   = NO
JAVADOC_AUTOBRIEF      = YES
AUTOLINK_SUPPORT       = NO
MARKDOWN_SUPPORT       = NO
BUILTIN_STL_SUPPORT    = YES
MACRO_EXPANSION        = YES
EXPAND_ONLY_PREDEF     = YES
PREDEFINED             = ABSL_GUARDED_BY(x)= ABSL_MUST_USE_RESULT=
GENERATE_LATEX         = NO
HAVE_DOT               = NO
CLASS_GRAPH            = NO
QUIET                  = YES
WARN_IF_UNDOCUMENTED   = NO
WARN_IF_INCOMPLETE_DOC = NO
DOXYFILE
echo "cpp_reference: build/docs/html/index.html"
