// SPDX-License-Identifier: Apache-2.0
#include "client/report/report.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "client/report/figure.h"
#include "client/report/page.h"
#include "preprocess/dicom_decoder.h"
#include "report/drawing.h"

namespace m3lung::client {

absl::StatusOr<ReportFiles> WriteReport(const v1::StudyAnswer& answer, const InstanceLoader& load,
                                        const std::vector<std::string>& instance_names,
                                        const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make the folder ", directory.string(), ": ", error.message()));
  }
  const std::vector<SampledSlice> samples = SampleSlices(answer.slices(), load);
  const ReportFiles files{directory / "report.html", directory / "report.png"};
  M3L_RETURN_IF_ERROR(WriteFile(files.page, MakePage(answer, samples, instance_names)));

  M3L_RETURN_IF_ERROR(WritePng(StudyFigure(answer.patient(), samples), 1, files.figure));
  return files;
}

InstanceLoader LocalFiles(std::vector<std::filesystem::path> files) {
  return [files = std::move(files)](int instance) -> absl::StatusOr<DecodedInstance> {
    if (instance < 0 || static_cast<size_t>(instance) >= files.size()) {
      return absl::NotFoundError("the answer names an instance that was not sent");
    }
    M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(files[static_cast<size_t>(instance)]));
    return DecodeInstance(bytes, DecodeLimits());
  };
}

}  // namespace m3lung::client
