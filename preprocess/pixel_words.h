// A single-frame image's stored words out of a DCMTK data set, whatever its
// transfer syntax. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_PIXEL_WORDS_H_
#define M3LUNG_PREPROCESS_PIXEL_WORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "preprocess/dicom_input_stream.h"
#include "preprocess/hounsfield.h"

namespace m3lung {

// Whether ReadPixelWords() decodes `syntax`, or a kUnsupportedTransferSyntax
// error that names it.
absl::Status CheckTransferSyntax(E_TransferSyntax syntax, const std::string& uid);

// Empty, or what a person should know of `syntax`.
std::string TransferSyntaxWarning(E_TransferSyntax syntax);

// The words of top-level PixelData, rows x columns of `format`; words of 8 bits
// are widened. `format` is the data set's own, checked, and its size within the
// limits; `state` is that of the stream that the data set was read from. Lengths
// are checked before anything is set aside. kMalformed or
// kUnsupportedTransferSyntax where they do not hold or decoding fails.
absl::StatusOr<std::vector<uint16_t>> ReadPixelWords(DcmDataset& dataset, E_TransferSyntax syntax,
                                                     const PixelFormat& format,
                                                     const DicomReadState& state);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_PIXEL_WORDS_H_
