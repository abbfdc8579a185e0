// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom_decoder.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preprocess/dicom/instance_header.h"
#include "preprocess/skip_reason.h"
#include "tests/preprocess/decoded_values.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::Decode;
using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::HuValues;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::LittleEndian;
using ::m3lung::testing::Words;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Refused(reason, matcher of the message)
MATCHER_P2(Refused, reason, message, "") {
  if (arg.ok()) return false;
  *result_listener << arg.status();
  return SkipReasonOf(arg.status()) == reason &&
         ::testing::ExplainMatchResult(message, std::string(arg.status().message()),
                                       result_listener);
}

TEST(DecodeDicomTest, DecodesPixelsAndHeader) {
  M3L_ASSERT_OK_AND_ASSIGN(const HuSlice slice, Decode(DicomBuilder()));
  EXPECT_EQ(slice.hu.size(), cv::Size(3, 2));
  EXPECT_THAT(HuValues(slice), ElementsAre(-1024, -1023, -1022, -1021, -1020, -1019));
  EXPECT_EQ(slice.sop_instance_uid, "1.2.3.4");
  EXPECT_EQ(slice.series_instance_uid, "1.2.3");
  EXPECT_THAT(slice.geometry.position, ElementsAre(-10, -20, 30.5));
  EXPECT_EQ(slice.geometry.row_spacing_mm, 0.7);
  EXPECT_EQ(slice.geometry.column_spacing_mm, 0.6);
  EXPECT_THAT(slice.warnings, IsEmpty());
}

TEST(DecodeDicomTest, ReadsImplicitAndHeaderlessDataSets) {
  DicomBuilder builder;
  const std::vector<int16_t> expected = HuValues(Decode(builder));
  ASSERT_THAT(expected, Not(IsEmpty()));
  EXPECT_EQ(HuValues(Decode(builder.Syntax(testing::kImplicit))), expected);
  EXPECT_EQ(HuValues(Decode(builder.WithoutHeader())), expected);
  EXPECT_EQ(HuValues(Decode(builder.Syntax(testing::kExplicit))), expected);
}

TEST(DecodeDicomTest, MissingRescaleAndUidsAreWarnings) {
  const auto slice = Decode(DicomBuilder()
                                .Remove(0x00281052)
                                .Remove(0x00281053)
                                .Set(0x00080018, "UI", "")
                                .Set(0x0020000e, "UI", "6F9619FF-8B86"));
  ASSERT_THAT(slice, IsOk());
  EXPECT_THAT(HuValues(slice), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(slice->sop_instance_uid, "");
  EXPECT_EQ(slice->series_instance_uid, "6F9619FF-8B86");
  EXPECT_THAT(slice->warnings, ::testing::UnorderedElementsAre(
                                   HasSubstr("RescaleSlope"), HasSubstr("RescaleIntercept"),
                                   HasSubstr("SOPInstanceUID is empty"),
                                   HasSubstr("SeriesInstanceUID is not a valid")));
}

TEST(DecodeDicomTest, PaddingIsMaskedBeforeTheRescale) {
  EXPECT_THAT(HuValues(Decode(DicomBuilder().Set(0x00280120, "SS", Words({3})))),
              ElementsAre(-1024, -1023, -1022, -1000, -1020, -1019));
  EXPECT_THAT(
      HuValues(Decode(
          DicomBuilder().Set(0x00280120, "SS", Words({3})).Set(0x00280121, "SS", Words({5})))),
      ElementsAre(-1024, -1023, -1022, -1000, -1000, -1000));
}

TEST(DecodeDicomTest, Monochrome1IsNotInverted) {
  const auto slice = Decode(DicomBuilder().Set(0x00280004, "CS", "MONOCHROME1"));
  EXPECT_EQ(HuValues(slice), HuValues(Decode(DicomBuilder())));
  EXPECT_THAT(slice->warnings, ElementsAre(HasSubstr("MONOCHROME1")));
}

TEST(DecodeDicomTest, WarnsWhereValuesMayBeNoHounsfieldUnits) {
  EXPECT_THAT(Decode(DicomBuilder().Set(0x00281054, "LO", "US"))->warnings,
              ElementsAre(HasSubstr("RescaleType is US")));
  EXPECT_THAT(Decode(DicomBuilder().Set(0x00281054, "LO", "HU"))->warnings, IsEmpty());
  EXPECT_THAT(Decode(DicomBuilder().Set(0x00282110, "CS", "01"))->warnings,
              ElementsAre(HasSubstr("LossyImageCompression")));
}

TEST(DecodeInstanceTest, ReadsTheHeader) {
  M3L_ASSERT_OK_AND_ASSIGN(const DecodedInstance instance,
                           DecodeInstance(DicomBuilder()
                                              .Set(0x00101010, "AS", "039Y")
                                              .Set(0x00180015, "CS", "CHEST")
                                              .Set(0x00181210, "SH", "B31f")
                                              .Set(0x00185100, "CS", "FFP")
                                              .Set(0x00200012, "IS", "3")
                                              .Build(),
                                          {}));
  const InstanceHeader& header = instance.header;
  EXPECT_EQ(header.sop_instance_uid, "1.2.3.4");
  EXPECT_EQ(header.series_instance_uid, "1.2.3");
  EXPECT_EQ(header.acquisition_number, 3);
  EXPECT_THAT(header.image_type, ElementsAre("ORIGINAL", "PRIMARY", "AXIAL"));
  EXPECT_EQ(header.convolution_kernel, "B31f");
  EXPECT_EQ(header.patient_position, "FFP");
  EXPECT_EQ(header.body_part, "CHEST");
  EXPECT_EQ(header.patient_age_years, 39);
}

TEST(DecodeInstanceTest, ReadsWhatTellsAcquisitionsApart) {
  M3L_ASSERT_OK_AND_ASSIGN(const DecodedInstance instance,
                           DecodeInstance(DicomBuilder()
                                              .Set(0x00080022, "DA", "20260102")
                                              .Set(0x00080032, "TM", "120001.5")
                                              .Set(0x00180050, "DS", "1.25")
                                              .Set(0x00181160, "SH", "BODY")
                                              .Set(0x00181210, "SH", "Br36\\3")
                                              .Set(0x00200013, "IS", "17")
                                              .Set(0x00200100, "IS", "2")
                                              .Set(0x00209241, "FL", std::string(4, '\0'))
                                              .Build(),
                                          {}));
  const InstanceHeader& header = instance.header;
  EXPECT_EQ(header.acquisition_time, "20260102120001.5");
  EXPECT_EQ(header.slice_thickness, "1.25");
  EXPECT_EQ(header.filter_type, "BODY");
  EXPECT_EQ(header.convolution_kernel, "Br36\\3");
  EXPECT_EQ(header.instance_number, 17);
  EXPECT_EQ(header.phase, "2/0");
  ASSERT_EQ(instance.frame_headers.size(), 1);
  EXPECT_EQ(instance.frame_headers[0].phase, header.phase);
}

DicomBuilder OfPatient(const std::string& study, const std::string& id, const std::string& name,
                       const char* vr = "LO") {
  return DicomBuilder()
      .Set(0x0020000d, "UI", study)
      .Set(0x00100020, vr, id)
      .Set(0x00100010, "PN", name);
}

TEST(DecodeInstanceTest, TellsStudiesApartByDigests) {
  const auto identity = [](const DicomBuilder& builder) {
    const auto instance = DecodeInstance(builder.Build(), {});
    EXPECT_THAT(instance, IsOk());
    return instance.ok() ? instance->header.identity : StudyIdentity();
  };
  const StudyIdentity one = identity(OfPatient("1.2", "7", "Doe^John"));
  EXPECT_EQ(one.study, IdentityDigest("1.2"));
  EXPECT_EQ(one.patient_id, IdentityDigest("7"));
  EXPECT_EQ(one.patient_name, IdentityDigest(ComparableName("Doe^John")));
  EXPECT_EQ(identity(OfPatient("1.2", "7 ", "DOE^JOHN^^", "UN")).patient_id, one.patient_id);
  // Bytes, not the question marks that a message would hold.
  EXPECT_NE(identity(OfPatient("1.2", "7", "\xe5\xbc\xa0")).patient_name,
            identity(OfPatient("1.2", "7", "\xe6\x9d\x8e")).patient_name);
  const StudyIdentity none = identity(DicomBuilder().Set(0x00100010, "PN", ""));
  EXPECT_EQ(none.study, 0);
  EXPECT_EQ(none.patient_id, 0);
  EXPECT_EQ(none.patient_name, 0);
}

TEST(DecodeInstanceTest, JunkInTheHeaderCountsAsAbsent) {
  M3L_ASSERT_OK_AND_ASSIGN(
      const DecodedInstance instance,
      DecodeInstance(
          DicomBuilder().Set(0x00101010, "AS", "old").Set(0x00200012, "IS", "first").Build(), {}));
  EXPECT_FALSE(instance.header.acquisition_number.has_value());
  EXPECT_FALSE(instance.header.patient_age_years.has_value());
}

TEST(AgeInYearsTest, ReadsAgesAndDates) {
  EXPECT_EQ(AgeInYears("002Y", "", ""), 2);
  EXPECT_EQ(AgeInYears("006M", "", ""), 0.5);
  EXPECT_NEAR(*AgeInYears("010W", "", ""), 70 / 365.25, 1e-3);
  EXPECT_NEAR(*AgeInYears("005D", "", ""), 5 / 365.25, 1e-4);
  EXPECT_NEAR(*AgeInYears("", "19870131", "20240131"), 37, 0.01);
  EXPECT_FALSE(AgeInYears("", "20060101", "20060101").has_value()) << "an anonymiser's date";
  EXPECT_NEAR(*AgeInYears("999Y", "19870131", "20240131"), 37, 0.01) << "nobody is 999";
  for (const char* junk : {"", "Y", "39", "-39Y", "039X", "3 9Y", "999Y"}) {
    EXPECT_EQ(AgeInYears(junk, "", ""), std::nullopt) << junk;
  }
  EXPECT_EQ(AgeInYears("", "19870631", "20240131"), std::nullopt) << "no such day";
  EXPECT_EQ(AgeInYears("", "20240131", "19870131"), std::nullopt) << "not yet born";
}

TEST(DecodeDicomTest, DecodesEightBitPixelsOfOddCount) {
  EXPECT_THAT(HuValues(Decode(DicomBuilder()
                                  .Set(0x00280010, "US", Words({1}))
                                  .Set(0x00280100, "US", Words({8}))
                                  .Set(0x00280101, "US", Words({8}))
                                  .Set(0x00280102, "US", Words({7}))
                                  .Set(0x7fe00010, "OB", std::string("\x00\x7f\x80\x00", 4)))),
              ElementsAre(-1024, -897, -1152));
}

TEST(DecodeDicomTest, SopClassStandsInForAMissingModality) {
  EXPECT_THAT(Decode(DicomBuilder().Remove(0x00080060)), IsOk());
  EXPECT_THAT(Decode(DicomBuilder().Remove(0x00080060).Remove(0x00080016)),
              Refused(SkipReason::kNotCt, HasSubstr("Modality is missing")));
  EXPECT_THAT(Decode(DicomBuilder().Remove(0x00080016)), IsOk())
      << "Modality CT without a SOP class";
}

struct RefusalCase {
  const char* name;
  DicomBuilder builder;
  SkipReason reason;
  const char* message;

  friend void PrintTo(const RefusalCase& c, std::ostream* out) { *out << c.name; }
};

class RefusalTest : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, NamesWhatIsWrong) {
  EXPECT_THAT(Decode(GetParam().builder),
              Refused(GetParam().reason, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    DecodeDicom, RefusalTest,
    ::testing::Values(
        RefusalCase{"Modality", DicomBuilder().Set(0x00080060, "CS", "MR"), SkipReason::kNotCt,
                    "Modality is MR"},
        RefusalCase{"SecondaryCapture",
                    DicomBuilder().Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7"),
                    SkipReason::kSecondaryCapture, "SecondaryCapture"},
        RefusalCase{"EnhancedCtWithoutGroups",
                    DicomBuilder()
                        .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2.1")
                        .Set(0x00280008, "IS", "3"),
                    SkipReason::kMultiFrame, "functional groups"},
        RefusalCase{"Frames", DicomBuilder().Set(0x00280008, "IS", "2"), SkipReason::kMultiFrame,
                    "2 frames"},
        RefusalCase{"Localizer",
                    DicomBuilder().Set(0x00080008, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER"),
                    SkipReason::kLocalizer, "LOCALIZER"},
        RefusalCase{"ScreenCopy",
                    DicomBuilder().Set(0x00080008, "CS", "DERIVED\\SECONDARY\\SCREEN SAVE"),
                    SkipReason::kSecondaryCapture, "SCREEN SAVE"},
        RefusalCase{"MultiFrameSecondaryCapture",
                    DicomBuilder()
                        .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7.3")
                        .Set(0x00080060, "CS", "OT"),
                    SkipReason::kSecondaryCapture, "SecondaryCapture"},
        RefusalCase{"BurnedIn", DicomBuilder().Set(0x00280301, "CS", "YES"),
                    SkipReason::kBurnedInAnnotation, "BurnedInAnnotation"},
        RefusalCase{"DoseReport",
                    DicomBuilder()
                        .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.88.67")
                        .Set(0x00080060, "CS", "SR")
                        .Remove(0x7fe00010),
                    SkipReason::kNotAnImage, "XRayRadiationDoseSR"},
        RefusalCase{"PresentationState",
                    DicomBuilder().Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.11.1"),
                    SkipReason::kNotAnImage, "PresentationState"},
        RefusalCase{"KeyObjectOfNoClass",
                    DicomBuilder().Remove(0x00080016).Set(0x00080060, "CS", "KO"),
                    SkipReason::kNotAnImage, "Modality is KO"},
        RefusalCase{"TruncatedPlan",
                    DicomBuilder()
                        .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.481.5")
                        .Remove(0x7fe00010)
                        .SetWithLength(0x300a0002, "SH", "plan", 40),
                    SkipReason::kNotAnImage, "RTPlan"},
        RefusalCase{
            "Directory",
            DicomBuilder()
                .Clear()
                .Set(0x00041130, "CS", "DISC")
                .SetItems(0x00041220, {DicomBuilder().Clear().Set(0x00041430, "CS", "PATIENT")}),
            SkipReason::kNotAnImage, "DICOMDIR"},
        RefusalCase{"Dose", DicomBuilder().Set(0x00080060, "CS", "RTDOSE"), SkipReason::kNotCt,
                    "RTDOSE"},
        RefusalCase{"Nondescript", DicomBuilder().Clear().Set(0x00100020, "LO", "1"),
                    SkipReason::kNoPixelData, "no Modality"},
        RefusalCase{"LookupTable",
                    DicomBuilder()
                        .Remove(0x00281052)
                        .Remove(0x00281053)
                        .SetItems(0x00283000, {DicomBuilder().Clear()}),
                    SkipReason::kUnsupportedPixelFormat, "ModalityLUTSequence"},
        RefusalCase{"NoPixels", DicomBuilder().Remove(0x7fe00010), SkipReason::kNoPixelData,
                    "PixelData"},
        RefusalCase{"FloatPixels",
                    DicomBuilder().Remove(0x7fe00010).Set(0x7fe00008, "OF", std::string(24, '\0')),
                    SkipReason::kUnsupportedPixelFormat, "floating-point"},
        RefusalCase{"Colour", DicomBuilder().Set(0x00280002, "US", Words({3})),
                    SkipReason::kUnsupportedPixelFormat, "SamplesPerPixel is 3"},
        RefusalCase{"Palette", DicomBuilder().Set(0x00280004, "CS", "PALETTE COLOR"),
                    SkipReason::kUnsupportedPixelFormat, "PALETTE COLOR"},
        RefusalCase{"Bits32", DicomBuilder().Set(0x00280100, "US", Words({32})),
                    SkipReason::kUnsupportedPixelFormat, "BitsAllocated is 32"},
        RefusalCase{"HighBit", DicomBuilder().Set(0x00280102, "US", Words({14})),
                    SkipReason::kMalformed, "HighBit 14"},
        RefusalCase{"TooLarge", DicomBuilder().Set(0x00280010, "US", Words({5000})),
                    SkipReason::kTooLarge, "5000 x 3"},
        RefusalCase{"NoRows", DicomBuilder().Remove(0x00280010), SkipReason::kMalformed,
                    "Rows is missing"},
        RefusalCase{"ZeroColumns", DicomBuilder().Set(0x00280011, "US", Words({0})),
                    SkipReason::kMalformed, "Columns is 0"},
        RefusalCase{"ShortPixels", DicomBuilder().Set(0x7fe00010, "OW", Words({1, 2})),
                    SkipReason::kMalformed, "PixelData declares 4 bytes and holds 4, "},
        RefusalCase{"TruncatedPixels",
                    DicomBuilder().SetWithLength(0x7fe00010, "OW", Words({1, 2}), 12),
                    SkipReason::kMalformed, "PixelData declares 12 bytes and holds 4, "},
        RefusalCase{"NoPosition", DicomBuilder().Remove(0x00200032), SkipReason::kNoGeometry,
                    "ImagePositionPatient has 0 of its 3"},
        RefusalCase{"ShortOrientation", DicomBuilder().Set(0x00200037, "DS", "1\\0\\0"),
                    SkipReason::kNoGeometry, "ImageOrientationPatient has 3 of its 6"},
        RefusalCase{"DegenerateOrientation",
                    DicomBuilder().Set(0x00200037, "DS", "1\\0\\0\\1\\0\\0"),
                    SkipReason::kNoGeometry, "right angle"},
        RefusalCase{"ZeroSpacing", DicomBuilder().Set(0x00280030, "DS", "0\\0.7"),
                    SkipReason::kNoGeometry, "PixelSpacing is 0"},
        RefusalCase{"Coronal", DicomBuilder().Set(0x00200037, "DS", "1\\0\\0\\0\\0\\-1"),
                    SkipReason::kNotAxial, "90 degrees"},
        RefusalCase{"SlopeText", DicomBuilder().Set(0x00281053, "DS", "one"),
                    SkipReason::kMalformed, "RescaleSlope is not a number"},
        RefusalCase{"ZeroSlope", DicomBuilder().Set(0x00281053, "DS", "0"), SkipReason::kMalformed,
                    "RescaleSlope is 0"},
        RefusalCase{"RetiredJpeg", DicomBuilder().Syntax("1.2.840.10008.1.2.4.55"),
                    SkipReason::kUnsupportedTransferSyntax, "1.2.840.10008.1.2.4.55"},
        RefusalCase{"Mpeg", DicomBuilder().Syntax("1.2.840.10008.1.2.4.102"),
                    SkipReason::kUnsupportedTransferSyntax, "MPEG"},
        RefusalCase{"PrivateBigEndian", DicomBuilder().Syntax("1.2.840.113619.5.2"),
                    SkipReason::kUnsupportedTransferSyntax, "big endian"},
        RefusalCase{"NotDeflated", DicomBuilder().Syntax("1.2.840.10008.1.2.1.99"),
                    SkipReason::kMalformed, "deflated data set"},
        RefusalCase{"NotBigEndian", DicomBuilder().Syntax("1.2.840.10008.1.2.2"),
                    SkipReason::kMalformed, "ends early or contradicts itself"},
        RefusalCase{"UnknownSyntax", DicomBuilder().Syntax("1.2.3.4.5"),
                    SkipReason::kUnsupportedTransferSyntax, "1.2.3.4.5"},
        RefusalCase{"NativeInJpeg", DicomBuilder().Syntax("1.2.840.10008.1.2.4.70"),
                    SkipReason::kMalformed, "no fragment"}),
    [](const auto& tested) { return tested.param.name; });

TEST(DecodeDicomTest, AnIconIsNotTakenForTheImage) {
  DicomBuilder icon;  // a data set of its own, inside a sequence of the outer one
  const std::string item = icon.WithoutHeader().Build();
  const std::string sequence = LittleEndian(0xe000fffe, 4) + LittleEndian(item.size(), 4) + item;
  EXPECT_THAT(Decode(DicomBuilder().Remove(0x7fe00010).Set(0x00880200, "SQ", sequence)),
              Refused(SkipReason::kNoPixelData, HasSubstr("top level")));
}

TEST(DecodeDicomTest, BytesThatAreNoDicomAreCalledSo) {
  for (const std::string& bytes : {std::string(), std::string("hello"), std::string(4000, 'x')}) {
    EXPECT_THAT(DecodeDicom(bytes, {}), Refused(SkipReason::kNotDicom, HasSubstr("DICOM")));
  }
  std::string unsigned_file = DicomBuilder().Build();
  unsigned_file.replace(128, 4, std::string(4, '\0'));
  EXPECT_THAT(DecodeDicom(unsigned_file, {}),
              Refused(SkipReason::kMalformed, HasSubstr("signature")));
  EXPECT_THAT(DecodeDicom(std::string(128, '\0') + "DICM", {}),
              Refused(SkipReason::kMalformed, Not(IsEmpty())));
}

TEST(DecodeDicomTest, EveryPrefixOfAFileIsRefusedWithAReason) {
  const std::string bytes = DicomBuilder().Build();
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto slice = DecodeDicom(absl::string_view(bytes).substr(0, length), {});
    ASSERT_FALSE(slice.ok()) << length;
    EXPECT_FALSE(slice.status().message().empty());
  }
}

TEST(DecodeDicomTest, TrailingBytesAfterThePixelsAreTolerated) {
  EXPECT_THAT(DecodeDicom(DicomBuilder().Build() + "\x01garbage", {}), IsOk());
}

TEST(DecodeDicomTest, ManyThreadsDecodeAlike) {
  const std::string bytes = DicomBuilder().Build();
  const std::vector<int16_t> expected = HuValues(DecodeDicom(bytes, {}));
  std::vector<int> equal(8);
  {
    std::vector<std::jthread> threads;
    for (int& count : equal) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) count += HuValues(DecodeDicom(bytes, {})) == expected;
      });
    }
  }
  EXPECT_THAT(equal, ::testing::Each(50));
}

TEST(PeekHeaderTest, ReadsTheUidOfWhatCannotBeDecoded) {
  EXPECT_EQ(PeekHeader(DicomBuilder().Set(0x00080060, "CS", "MR").Build()).sop_instance_uid,
            "1.2.3.4");
  const std::string truncated = DicomBuilder().Build();
  EXPECT_EQ(
      PeekHeader(absl::string_view(truncated).substr(0, truncated.size() - 8)).sop_instance_uid,
      "1.2.3.4");
  EXPECT_EQ(PeekHeader("nothing").sop_instance_uid, "");
  const PeekedHeader report =
      PeekHeader(OfPatient("1.2", "7", "Doe^John").Set(0x00080060, "CS", "SR").Build());
  EXPECT_EQ(report.identity.study, IdentityDigest("1.2"));
  EXPECT_EQ(report.identity.patient_id, IdentityDigest("7"));
  EXPECT_NE(report.identity.patient_name, 0);
}

TEST(DecodeDicomTest, MessagesHoldNoPatientData) {
  const auto refused = Decode(DicomBuilder()
                                  .Set(0x00100010, "PN", "SECRET^NAME")
                                  .Set(0x00100020, "LO", "SECRET")
                                  .Remove(0x00200032));
  EXPECT_THAT(refused, Refused(SkipReason::kNoGeometry, Not(HasSubstr("SECRET"))));
}

}  // namespace
}  // namespace m3lung
