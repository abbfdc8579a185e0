// SPDX-License-Identifier: Apache-2.0
// A DICOM file's header and data set, read. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_DATA_SET_H_
#define M3LUNG_PREPROCESS_DICOM_DATA_SET_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcmetinf.h"
#include "preprocess/dicom/image_checks.h"
#include "preprocess/dicom/input_stream.h"
#include "preprocess/dicom/transfer_syntax.h"
#include "preprocess/dicom_decoder.h"

namespace m3lung {

// Points into the bytes it was read from, which outlive it.
struct DataSet {
  std::string inflated;  // what `stream` reads where the syntax is deflated
  std::unique_ptr<DicomInputStream> stream;
  DcmMetaInfo header;
  DcmDataset attributes;
  const TransferSyntax* syntax = nullptr;
  bool syntax_is_guessed = false;     // the header names none
  OFCondition condition = EC_Normal;  // of reading the data set

  // Of the data set, or where it has none of the header.
  std::string SopClass();
};

// Reads the header, and the data set up to `stop` (DCM_UndefinedTagKey: all). A data
// set that ends early or contradicts itself is no error here: see `condition`.
absl::StatusOr<std::unique_ptr<DataSet>> ReadDataSet(absl::string_view bytes,
                                                     const DecodeLimits& limits,
                                                     const DecodeTimer& timer,
                                                     const DcmTagKey& stop);

// What a data set that was read whole, or could not be, is good for. Bytes after
// the pixel data are nobody's loss.
absl::Status CheckCompleteness(DataSet& data_set, Warnings& warnings);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_DATA_SET_H_
