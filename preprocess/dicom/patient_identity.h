// SPDX-License-Identifier: Apache-2.0
// The attributes that say whose study a data set is of. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_PATIENT_IDENTITY_H_
#define M3LUNG_PREPROCESS_DICOM_PATIENT_IDENTITY_H_

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcitem.h"
#include "preprocess/study_identity.h"

namespace m3lung {

// As digests: names and numbers of patients go no further than this.
StudyIdentity ReadStudyIdentity(DcmItem& data_set);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_PATIENT_IDENTITY_H_
