// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/dcmtk_setup.h"

#include "absl/base/call_once.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdict.h"
#include "dcmtk/dcmdata/dcrledrg.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/oflog/oflog.h"

namespace m3lung {

absl::Status SetUpDcmtk() {
  static absl::once_flag once;
  absl::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEDecoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
  });
  // Without it, implicit VR data sets cannot be read: every element is unknown.
  if (!dcmDataDict.isDictionaryLoaded()) {
    return absl::FailedPreconditionError(
        "DCMTK has no data dictionary; install the package that brings dicom.dic, or name the "
        "file in DCMDICTPATH");
  }
  return absl::OkStatus();
}

}  // namespace m3lung
