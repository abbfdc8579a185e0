// SPDX-License-Identifier: Apache-2.0
// DCMTK's own way of reading bytes, without preprocess/dicom_input_stream.h: shows
// that the fuzzer finds what the guard is for. Crashes within seconds, so it is
// no test (docs/results/fuzzing.md).
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcfilefo.h"
#include "dcmtk/dcmdata/dcistrmb.h"
#include "dcmtk/oflog/oflog.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  DcmInputBufferStream stream;
  stream.setBuffer(data, static_cast<offile_off_t>(size));
  stream.setEos();
  DcmFileFormat file;
  file.transferInit();
  if (file.read(stream).good()) file.loadAllDataIntoMemory();
  file.transferEnd();
  return 0;
}
