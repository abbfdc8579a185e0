// SPDX-License-Identifier: Apache-2.0
// A study's verdict, series and geometry as people read them.
#ifndef M3LUNG_CLIENT_STUDY_WORDS_H_
#define M3LUNG_CLIENT_STUDY_WORDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// The enum's own name, "verdict 9" for a value that this version does not know;
// likewise for the others.
std::string NameOf(v1::Verdict verdict);
std::string NameOf(v1::StudyReason reason);
std::string NameOf(v1::SkipReason reason);

// "SLICES_MISSING, SPACING_TOO_WIDE"; empty where there are none.
std::string ReasonNames(const v1::PatientResult& patient);

// What stands in the place of a label: the label's name, or that none is given.
std::string LabelOrNone(const v1::PatientResult& patient);

// "300 used, from 1 of 4 instances received (3 skipped)": a multi-frame instance has
// many slices.
std::string SliceCounts(const v1::PatientResult& patient);

// "148 slices, 1.25 mm apart over 183.8 mm, acquisition 2"
std::string SeriesText(const v1::SeriesSummary& series);

// The series' uid; words where it has none.
std::string SeriesName(const v1::SeriesSummary& series);

// One statement an entry; what is not worth a word (no tilt, no doubled
// positions) is left out.
std::vector<std::string> GeometryStatements(const v1::StudyGeometry& geometry);

// "whole 12.3 %, left 8.1 %, right 16.0 %; upper third 2.0 %, ...": a part that has
// no lung is left out.
std::string AffectedLungText(const v1::AffectedLung& affected);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_STUDY_WORDS_H_
