// SPDX-License-Identifier: Apache-2.0
// What a study is put together by, read. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_INSTANCE_HEADER_H_
#define M3LUNG_PREPROCESS_DICOM_INSTANCE_HEADER_H_

#include "preprocess/decoded_instance.h"
#include "preprocess/dicom/attributes.h"
#include "preprocess/dicom/image_checks.h"

namespace m3lung {

// Junk counts as absent; `warnings` takes what is wrong with the uids.
InstanceHeader ReadInstanceHeader(const DicomAttributes& attributes, Warnings& warnings);

// Years from PatientAge ("039Y", "011M", "006W", "005D") or, where it tells none, from
// the dates ("19870131") of birth and study. Nothing where neither tells an age below
// 150.
std::optional<double> AgeInYears(const std::string& age, const std::string& birth_date,
                                 const std::string& study_date);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_INSTANCE_HEADER_H_
