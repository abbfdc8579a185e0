// SPDX-License-Identifier: Apache-2.0
// Sequences that lost their value representation. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_UNKNOWN_SEQUENCES_H_
#define M3LUNG_PREPROCESS_DICOM_UNKNOWN_SEQUENCES_H_

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "preprocess/dicom/decode_timer.h"
#include "preprocess/dicom/input_stream.h"

namespace m3lung {

// An archive that does not know a sequence stores it as UN of a stated length, with
// implicit VR little endian within (PS3.5 section 6.2.2), which DCMTK leaves as bytes.
// Puts in their place the functional groups, and the sequences within them, that can be
// read so. Others, private ones say, stay bytes: they decide nothing, and what is wrong
// in them must not lose the image.
// REQUIRES: `data_set` was read from `stream`.
void ReadUnknownSequences(const DicomInputStream& stream, const DecodeTimer& timer,
                          DcmDataset& data_set);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_UNKNOWN_SEQUENCES_H_
