// SPDX-License-Identifier: Apache-2.0
// Hounsfield slices as DICOM files: the counterpart of preprocess/dicom_decoder.h
// and, beside it, the only code that sees DCMTK.
#ifndef M3LUNG_TRAINING_COHORT_DICOM_WRITER_H_
#define M3LUNG_TRAINING_COHORT_DICOM_WRITER_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "preprocess/hu_slice.h"

namespace m3lung {

enum class DicomSyntax {
  kImplicitLittleEndian,
  kExplicitLittleEndian,
  kExplicitBigEndian,
  kDeflated,
  kRle,
  kJpegLossless,     // process 14
  kJpegLosslessSv1,  // process 14, selection value 1
  kJpegLsLossless,
};

struct DicomOptions {
  DicomSyntax syntax = DicomSyntax::kExplicitLittleEndian;
  // How a pixel is stored, in 16 allocated bits.
  bool is_signed = true;
  int bits_stored = 16;
  double slope = 1;
  double intercept = 0;
  std::optional<int> padding_value = {};  // written as PixelPaddingValue, unused otherwise
  // The slice's place in its series.
  int instance_number = 1;
  double slice_thickness_mm = 1;
  std::string patient_position = "HFS";  // head first, on the back
};

// A CT image of the synthetic patient SYNTHETIC^PHANTOM, the same bytes for the
// same arguments. Series and SOP instance uid are the slice's; the study's and the
// frame of reference's follow from the series'. INVALID_ARGUMENT where the options
// are out of range or a pixel, as (hu - intercept) / slope, does not fit the
// stored bits.
//
// Thread safety: may be called from any thread.
absl::StatusOr<std::string> EncodeDicom(const HuSlice& slice, const DicomOptions& options);

// Names for the files of a study's slices, slice-0001.dcm and so on: not in the order
// of the slices, as those of many archives are not.
std::vector<std::string> SliceFileNames(absl::Span<const HuSlice> slices);

// Writes one file a slice into `directory`, made where it is absent. `slices` are
// in order and numbered so; the files' names are those of SliceFileNames().
// `options.instance_number` is set for each slice, and `slice_thickness_mm` to the
// spacing.
absl::Status WriteDicomStudy(absl::Span<const HuSlice> slices,
                             const std::filesystem::path& directory, const DicomOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_DICOM_WRITER_H_
