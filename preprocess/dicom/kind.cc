// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/kind.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

constexpr absl::string_view kStorage = "1.2.840.10008.5.1.4.1.1.";

// Storage classes of objects without an image, below kStorage: a class, or with a
// dot at its end all classes below it (PS3.4 annex B.5, PS3.6 annex A).
constexpr absl::string_view kWithoutImage[] = {
    "9.",                                        // waveforms
    "11.",                                       // presentation states
    "66",                                        // raw data
    "66.1",  "66.2",  "66.3",  "66.5",  "66.6",  // registrations, fiducials, surfaces, tracts
    "67",                                        // real world values
    "68.",                                       // surface scans
    "79.1",                                      // assessment
    "88.",                                       // structured reports, dose reports, key objects
    "104.",                                      // documents
    "481.3",                                     // radiotherapy: structures, plans, records
    "481.4", "481.5", "481.6", "481.7", "481.8", "481.9",
};

// Modalities of objects without an image, for those whose class is unknown.
constexpr absl::string_view kModalitiesWithoutImage[] = {
    "ASMT", "AU",  "DOC",    "ECG",      "EPS",      "FID", "HD",  "KO", "M3D",   "PLAN",
    "PR",   "REG", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SMR", "SR", "STAIN", "TEXTUREMAP"};

std::string NameOfClass(const std::string& sop_class) {
  const char* name = dcmFindNameOfUID(sop_class.c_str());
  return name == nullptr ? absl::StrCat("unknown to this version (",
                                        PrintableAscii(sop_class).substr(0, 64), ")")
                         : name;
}

bool HasNoImage(absl::string_view sop_class) {
  if (sop_class == UID_MediaStorageDirectoryStorage) return true;
  if (!absl::ConsumePrefix(&sop_class, kStorage)) return false;
  return std::any_of(
      std::begin(kWithoutImage), std::end(kWithoutImage), [&](absl::string_view entry) {
        return entry.back() == '.' ? absl::StartsWith(sop_class, entry) : sop_class == entry;
      });
}

bool IsSecondaryCapture(absl::string_view sop_class) {
  return absl::ConsumePrefix(&sop_class, UID_SecondaryCaptureImageStorage) &&
         (sop_class.empty() || sop_class.front() == '.');
}

bool IsCt(const std::string& sop_class) {
  return sop_class == UID_CTImageStorage || IsEnhancedCt(sop_class);
}

absl::Status NotAnImage(const std::string& what) {
  return SkipError(SkipReason::kNotAnImage, absl::StrCat("the instance is no image: ", what,
                                                         "; only CT images are analysed"));
}

}  // namespace

bool IsEnhancedCt(const std::string& sop_class) {
  return sop_class == UID_EnhancedCTImageStorage ||
         sop_class == UID_LegacyConvertedEnhancedCTImageStorage;
}

absl::Status CheckObject(const DicomAttributes& attributes, const std::string& sop_class) {
  const std::string modality = attributes.Text(DCM_Modality);
  if (HasNoImage(sop_class)) {
    return NotAnImage(absl::StrCat("the SOP class is ", NameOfClass(sop_class)));
  }
  if (attributes.Has(DCM_DirectoryRecordSequence)) return NotAnImage("a directory (DICOMDIR)");
  if (!IsCt(sop_class) &&
      std::find(std::begin(kModalitiesWithoutImage), std::end(kModalitiesWithoutImage), modality) !=
          std::end(kModalitiesWithoutImage)) {
    return NotAnImage(absl::StrCat("Modality is ", modality));
  }
  if (IsSecondaryCapture(sop_class)) {
    return SkipError(SkipReason::kSecondaryCapture,
                     absl::StrCat("the SOP class is ", NameOfClass(sop_class),
                                  ", a picture that no scanner made; send the original CT images"));
  }
  if (!modality.empty() && modality != "CT") {
    return SkipError(SkipReason::kNotCt, absl::StrCat("Modality is ", CodeString(modality),
                                                      "; only CT images are analysed"));
  }
  // A private class is believed where Modality says CT.
  const bool standard_class = absl::StartsWith(sop_class, "1.2.840.10008.");
  if (sop_class.empty() && modality.empty() && !attributes.Has(DCM_PixelData)) {
    return SkipError(SkipReason::kNoPixelData,
                     "the instance has no PixelData, no SOP class and no Modality; only CT images "
                     "are analysed");
  }
  if (!IsCt(sop_class) && (standard_class || modality.empty())) {
    return SkipError(
        SkipReason::kNotCt,
        absl::StrCat("the SOP class is ", sop_class.empty() ? "missing" : NameOfClass(sop_class),
                     modality.empty() ? " and Modality is missing" : "",
                     "; only CT images are analysed"));
  }
  if (attributes.Text(DCM_BurnedInAnnotation) == "YES") {
    return SkipError(SkipReason::kBurnedInAnnotation,
                     "BurnedInAnnotation is YES: text is part of the pixels; send the original CT "
                     "image");
  }
  return absl::OkStatus();
}

absl::Status CheckImageType(const DicomAttributes& attributes, const DcmTagKey& tag) {
  for (unsigned long i = 0; i < 16; ++i) {
    const std::string value = attributes.Text(tag, i);
    if (value == "LOCALIZER") {
      return SkipError(SkipReason::kLocalizer,
                       absl::StrCat(NameOf(tag),
                                    " says LOCALIZER, an overview image; only slices "
                                    "are analysed"));
    }
    if (value == "SCREEN SAVE") {
      return SkipError(SkipReason::kSecondaryCapture,
                       absl::StrCat(NameOf(tag),
                                    " says SCREEN SAVE, a screen copy; send the "
                                    "original CT images"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPixelData(const DicomAttributes& attributes) {
  if (attributes.Has(DCM_FloatPixelData) || attributes.Has(DCM_DoubleFloatPixelData)) {
    return SkipError(SkipReason::kUnsupportedPixelFormat,
                     "the pixels are floating-point numbers; a CT image has one grey value of 8 "
                     "or 16 bits a pixel");
  }
  if (!attributes.Has(DCM_PixelData)) {
    return SkipError(SkipReason::kNoPixelData,
                     "the instance has no PixelData at its top level; only images are analysed");
  }
  return absl::OkStatus();
}

}  // namespace m3lung
