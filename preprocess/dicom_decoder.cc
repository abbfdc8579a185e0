// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom_decoder.h"

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "preprocess/dicom/attributes.h"
#include "preprocess/dicom/data_set.h"
#include "preprocess/dicom/decode_timer.h"
#include "preprocess/dicom/frame_decoder.h"
#include "preprocess/dicom/functional_groups.h"
#include "preprocess/dicom/image_checks.h"
#include "preprocess/dicom/instance_header.h"
#include "preprocess/dicom/kind.h"
#include "preprocess/dicom/pixel_frames.h"
#include "preprocess/hounsfield.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// What is known of a frame before its pixels are looked at.
struct FramePlan {
  int index = 0;
  SliceGeometry geometry;
  Rescale rescale;
  Warnings warnings;
};

// Frames that cannot be used, for a warning on those that can.
class LeftOut {
 public:
  void Add(int frame, absl::Status why) {
    if (count_++ > 0) return;
    first_ = frame;
    why_ = std::move(why);
  }
  bool empty() const { return count_ == 0; }

  // Why an instance of `frames` frames, all left out, cannot be used.
  absl::Status ToStatus(int frames) const {
    if (frames == 1) return why_;
    return SkipError(
        SkipReasonOf(why_),
        absl::StrCat("none of the ", frames, " frames can be used; the first: ", why_.message()));
  }
  std::string ToWarning(int frames) const {
    return absl::StrCat(count_, " of ", frames, " frames were left out; the first, frame ",
                        first_ + 1, ": ", why_.message());
  }

 private:
  int count_ = 0;
  int first_ = 0;
  absl::Status why_;
};

absl::Status CheckKind(DataSet& data_set, Warnings& warnings) {
  const DicomAttributes attributes(data_set.attributes);
  const std::string sop_class = data_set.SopClass();
  const absl::Status complete = CheckCompleteness(data_set, warnings);
  // A report that ends early is a report first of all.
  if (sop_class.empty() && !attributes.Has(DCM_Modality)) M3L_RETURN_IF_ERROR(complete);
  M3L_RETURN_IF_ERROR(CheckObject(attributes, sop_class));
  M3L_RETURN_IF_ERROR(complete);
  if (!IsEnhancedCt(sop_class)) {
    M3L_RETURN_IF_ERROR(CheckImageType(attributes, DCM_ImageType));
  }
  return CheckPixelData(attributes);
}

// The number of frames, each of them placed by functional groups where it is not 1.
absl::StatusOr<int> CountFrames(const DicomAttributes& attributes, const FunctionalGroups& groups,
                                const DecodeLimits& limits) {
  M3L_ASSIGN_OR_RETURN(const std::optional<int64_t> stated, attributes.Integer(DCM_NumberOfFrames));
  const int64_t frames = stated.value_or(1);
  if (frames < 1) {
    return SkipError(SkipReason::kMalformed,
                     absl::StrCat("NumberOfFrames is ", frames, ", which no image has"));
  }
  if (frames > 1 && !groups.Present()) {
    return SkipError(SkipReason::kMultiFrame,
                     absl::StrCat("the instance holds ", frames,
                                  " frames without the functional groups that would place each "
                                  "of them; send single-frame or Enhanced CT images"));
  }
  if (frames > limits.max_frames) {
    return SkipError(
        SkipReason::kTooLarge,
        absl::StrCat("the instance holds ", frames, " frames, the limit is ", limits.max_frames));
  }
  return static_cast<int>(frames);
}

absl::Status CheckDecodedSize(const PixelFormat& format, int frames, const DecodeLimits& limits) {
  const int64_t bytes = int64_t{format.rows} * format.columns * frames * int64_t{sizeof(int16_t)};
  if (bytes <= limits.max_decoded_bytes) return absl::OkStatus();
  return SkipError(
      SkipReason::kTooLarge,
      absl::StrCat(frames, " frames of ", format.rows, " x ", format.columns, " pixels take ",
                   bytes, " bytes once decoded, the limit is ", limits.max_decoded_bytes));
}

absl::StatusOr<FramePlan> PlanFrame(DcmDataset& data_set, const FunctionalGroups& groups,
                                    int index) {
  FramePlan plan;
  plan.index = index;
  const DicomAttributes type = groups.Of(index, DCM_CTImageFrameTypeSequence, data_set);
  M3L_RETURN_IF_ERROR(
      CheckImageType(type, type.Has(DCM_FrameType) ? DCM_FrameType : DCM_ImageType));
  // Frames of an object with functional groups do not share the one position that
  // the data set itself may state.
  DcmItem nowhere;
  M3L_ASSIGN_OR_RETURN(plan.geometry,
                       ReadGeometry(groups.Of(index, DCM_PlanePositionSequence,
                                              groups.Present() ? nowhere : data_set),
                                    groups.Of(index, DCM_PlaneOrientationSequence, data_set),
                                    groups.Of(index, DCM_PixelMeasuresSequence, data_set)));
  M3L_ASSIGN_OR_RETURN(
      plan.rescale,
      ReadRescale(groups.Of(index, DCM_PixelValueTransformationSequence, data_set), plan.warnings));
  return plan;
}

// A frame's Hounsfield units; `warnings` takes what was lost in its compression.
absl::StatusOr<cv::Mat> DecodePixels(const PixelFrames& frames, const FramePlan& plan,
                                     const TransferSyntax& syntax, const PixelFormat& format,
                                     const std::optional<PixelPadding>& padding, bool& lossless) {
  std::string joined;
  M3L_ASSIGN_OR_RETURN(const absl::string_view bytes, frames.Frame(plan.index, joined));
  if (syntax.coding == PixelCoding::kNative) {
    if (format.bits_allocated == 16 && !frames.swapped()) {
      return ToHounsfieldFromBytes(format, plan.rescale, padding, bytes);
    }
    return ToHounsfield(format, plan.rescale, padding,
                        NativeWords(bytes, format, frames.swapped()));
  }
  M3L_ASSIGN_OR_RETURN(const DecodedFrame decoded, DecodeFrame(bytes, syntax, format));
  lossless = decoded.lossless;
  return ToHounsfield(decoded.format, plan.rescale, padding, decoded.words);
}

void CompleteHeader(DcmDataset& data_set, const FunctionalGroups& groups, int frame,
                    InstanceHeader& header) {
  DcmItem nowhere;
  if (header.convolution_kernel.empty()) {
    header.convolution_kernel =
        groups.Of(frame, DCM_CTReconstructionSequence, nowhere).Text(DCM_ConvolutionKernel);
  }
  if (!header.acquisition_number.has_value()) {
    header.acquisition_number = groups.Of(frame, DCM_FrameContentSequence, data_set)
                                    .Integer(DCM_FrameAcquisitionNumber)
                                    .value_or(std::optional<int64_t>());
  }
}

// The slices of the frames that `plans` hold, those left out added to `left_out`.
absl::StatusOr<std::vector<HuSlice>> DecodeFrames(DataSet& data_set, std::vector<FramePlan> plans,
                                                  const PixelFormat& format, int frame_count,
                                                  const DecodeTimer& timer, LeftOut& left_out) {
  const DicomAttributes attributes(data_set.attributes);
  M3L_ASSIGN_OR_RETURN(const std::optional<PixelPadding> padding, ReadPadding(attributes));
  M3L_ASSIGN_OR_RETURN(const PixelFrames frames, PixelFrames::Find(data_set, format, frame_count));
  const TransferSyntax& syntax = *data_set.syntax;
  const bool once_lossy = attributes.Text(DCM_LossyImageCompression) == "01";
  std::vector<HuSlice> slices;
  for (FramePlan& plan : plans) {
    if (timer.RanOut()) {
      return SkipError(
          SkipReason::kTooSlow,
          absl::StrCat("decoding took longer than ", absl::FormatDuration(timer.limit()),
                       ", after ", slices.size(), " of ", frame_count,
                       " frames; send the instance uncompressed or in parts"));
    }
    bool lossless = true;
    absl::StatusOr<cv::Mat> hu = DecodePixels(frames, plan, syntax, format, padding, lossless);
    if (!hu.ok()) {
      left_out.Add(plan.index, hu.status());
      continue;
    }
    HuSlice slice;
    slice.hu = *std::move(hu);
    slice.geometry = plan.geometry;
    slice.frame = plan.index;
    slice.warnings = std::move(plan.warnings);
    if (!lossless || once_lossy) {
      slice.warnings.push_back(absl::StrCat(
          "the pixel data were compressed with a loss",
          lossless ? " (LossyImageCompression)" : absl::StrCat(" (", syntax.name, ")")));
    }
    slices.push_back(std::move(slice));
  }
  return slices;
}

absl::StatusOr<DecodedInstance> Decode(absl::string_view bytes, const DecodeLimits& limits) {
  const DecodeTimer timer(limits.max_time);
  M3L_ASSIGN_OR_RETURN(const std::unique_ptr<DataSet> data_set,
                       ReadDataSet(bytes, limits, timer, DCM_UndefinedTagKey));
  const DicomAttributes attributes(data_set->attributes);
  Warnings warnings;
  M3L_RETURN_IF_ERROR(CheckKind(*data_set, warnings));
  const FunctionalGroups groups(data_set->attributes);
  M3L_ASSIGN_OR_RETURN(const int frames, CountFrames(attributes, groups, limits));
  M3L_ASSIGN_OR_RETURN(const PixelFormat format, ReadPixelFormat(attributes, limits, warnings));
  M3L_RETURN_IF_ERROR(CheckDecodedSize(format, frames, limits));

  LeftOut left_out;
  std::vector<FramePlan> plans;
  for (int i = 0; i < frames; ++i) {
    absl::StatusOr<FramePlan> plan = PlanFrame(data_set->attributes, groups, i);
    if (plan.ok()) {
      plans.push_back(*std::move(plan));
    } else {
      left_out.Add(i, plan.status());
    }
  }
  if (plans.empty()) return left_out.ToStatus(frames);
  const int first = plans.front().index;

  DecodedInstance instance;
  instance.header = ReadInstanceHeader(attributes, warnings);
  CompleteHeader(data_set->attributes, groups, first, instance.header);
  M3L_ASSIGN_OR_RETURN(instance.slices,
                       DecodeFrames(*data_set, std::move(plans), format, frames, timer, left_out));
  if (instance.slices.empty()) return left_out.ToStatus(frames);
  if (data_set->syntax_is_guessed) {
    warnings.push_back(
        absl::StrCat("no transfer syntax is named; taken for ", data_set->syntax->name));
  }
  if (!left_out.empty()) warnings.push_back(left_out.ToWarning(frames));
  for (HuSlice& slice : instance.slices) {
    slice.sop_instance_uid = instance.header.sop_instance_uid;
    slice.series_instance_uid = instance.header.series_instance_uid;
    slice.warnings.insert(slice.warnings.begin(), warnings.begin(), warnings.end());
  }
  return instance;
}

}  // namespace

absl::StatusOr<DecodedInstance> DecodeInstance(absl::string_view bytes,
                                               const DecodeLimits& limits) {
  // Thrown by DCMTK's JPEG-LS library, the standard library and OpenCV.
  try {
    return Decode(bytes, limits);
  } catch (const std::bad_alloc&) {
    return SkipError(SkipReason::kTooLarge, "there is not enough memory to decode the instance");
  } catch (const std::exception&) {
    return SkipError(SkipReason::kMalformed, "the instance cannot be decoded; resend it");
  }
}

absl::StatusOr<HuSlice> DecodeDicom(absl::string_view bytes, const DecodeLimits& limits) {
  M3L_ASSIGN_OR_RETURN(DecodedInstance instance, DecodeInstance(bytes, limits));
  if (instance.slices.size() != 1) {
    return SkipError(SkipReason::kMultiFrame,
                     absl::StrCat("the instance holds ", instance.slices.size(),
                                  " frames where one slice is wanted; send it as a study"));
  }
  return std::move(instance.slices.front());
}

std::string PeekSopInstanceUid(absl::string_view bytes) {
  try {
    const DecodeLimits limits;
    const absl::StatusOr<std::unique_ptr<DataSet>> read =
        ReadDataSet(bytes, limits, DecodeTimer(limits.max_time), DCM_StudyDate);
    if (!read.ok()) return "";
    return DicomAttributes((*read)->attributes).Text(DCM_SOPInstanceUID);
  } catch (const std::exception&) {
    return "";
  }
}

}  // namespace m3lung
