// SPDX-License-Identifier: Apache-2.0
// The transfer syntaxes that are decoded. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_TRANSFER_SYNTAX_H_
#define M3LUNG_PREPROCESS_DICOM_TRANSFER_SYNTAX_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcxfer.h"

namespace m3lung {

// How a transfer syntax stores the pixels.
enum class PixelCoding {
  kNative,
  kRle,
  kJpegBaseline,  // 8 bits
  kJpegExtended,  // 8 or 12 bits
  kJpegLossless,
  kJpegLs,
  kJpeg2000,  // HTJ2K too
};

struct TransferSyntax {
  const char* uid;  // empty: none, a guess for data sets without one
  const char* name;
  E_TransferSyntax data_set;  // as which DCMTK reads the data set, once inflated
  PixelCoding coding;
  bool deflated = false;

  bool big_endian() const { return !DcmXfer(data_set).isLittleEndian(); }
};

// The syntax of this uid, or a kUnsupportedTransferSyntax error that names it.
absl::StatusOr<const TransferSyntax*> FindTransferSyntax(absl::string_view uid);

// The native syntax as which DCMTK reads a data set that names none.
const TransferSyntax& NativeSyntax(E_TransferSyntax data_set);

// The syntax that the first bytes of a compressed frame speak for; null where they
// speak for none. Not RLE, which has no signature.
const TransferSyntax* GuessSyntax(absl::string_view frame);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_TRANSFER_SYNTAX_H_
