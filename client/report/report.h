// SPDX-License-Identifier: Apache-2.0
// A study's report on disk.
#ifndef M3LUNG_CLIENT_REPORT_REPORT_H_
#define M3LUNG_CLIENT_REPORT_REPORT_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/report/sampled_slices.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

struct ReportFiles {
  std::filesystem::path page;    // report.html
  std::filesystem::path figure;  // report.png
};

// Writes both files into `directory`, which is made where it is not there. A
// slice whose pixels `load` cannot give is shown with words in place of the
// picture. `answer` has its slices from head to feet.
absl::StatusOr<ReportFiles> WriteReport(const v1::StudyAnswer& answer, const InstanceLoader& load,
                                        const std::vector<std::string>& instance_names,
                                        const std::filesystem::path& directory);

// Decodes the local files that were sent; `files[i]` is instance i.
InstanceLoader LocalFiles(std::vector<std::filesystem::path> files);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_REPORT_H_
