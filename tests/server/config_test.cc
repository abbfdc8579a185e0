// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <filesystem>
#include <string>

#include "base/files.h"
#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<server::ServerConfig> Read(const std::string& text) {
  const std::string path = std::filesystem::path(::testing::TempDir()) / "config.textproto";
  if (absl::Status status = WriteFile(path, text); !status.ok()) return status;
  return ReadConfig(path);
}

absl::Status Check(const std::string& text) {
  absl::StatusOr<server::ServerConfig> config = Read(text);
  return config.ok() ? ValidateConfig(*config) : config.status();
}

TEST(ConfigTest, DefaultsAreValid) { EXPECT_THAT(ValidateConfig(server::ServerConfig()), IsOk()); }

TEST(ConfigTest, ReadsWhatAFileSaysAndKeepsTheOtherDefaults) {
  M3L_ASSERT_OK_AND_ASSIGN(
      const server::ServerConfig config,
      Read("# a comment\nlisten: \"0.0.0.0:1\"\nbatching { sizes: [1, 8] }\n"));
  EXPECT_EQ(config.listen(), "0.0.0.0:1");
  EXPECT_THAT(config.batching().sizes(), ::testing::ElementsAre(1, 8));
  EXPECT_EQ(config.batching().max_wait_ms(), 5);
  EXPECT_EQ(config.device(), "cpu");
}

TEST(ConfigTest, NamesAnUnknownKeyAndItsPlace) {
  EXPECT_THAT(Check("device: \"cpu\"\nlissten: \"0.0.0.0:1\"\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("config.textproto:2:"), HasSubstr("lissten"))));
}

TEST(ConfigTest, NamesAnIllTypedValueAndItsPlace) {
  EXPECT_THAT(Check("decode_threads: \"two\"\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.textproto:1:")));
}

TEST(ConfigTest, NamesAValueOutOfRangeAndTheRange) {
  EXPECT_THAT(Check("batching { max_wait_ms: -1 }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "batching.max_wait_ms must be from 0 to 10000; was -1"));
  EXPECT_THAT(Check("batching { sizes: [1, 2000] }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "batching.sizes must be from 1 to 1024; was 2000"));
  EXPECT_THAT(Check("limits { open_studies: 0 }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "limits.open_studies must be from 1 to 100000; was 0"));
  EXPECT_THAT(Check("batching { sizes: [4, 1] }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("must rise")));
}

TEST(ConfigTest, NamesABadAddressOrDevice) {
  for (const std::string bad : {"localhost", ":1", "host:", "host:65536", "host:-1", "host:x"}) {
    EXPECT_THAT(Check("listen: \"" + bad + "\""),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"" + bad + "\"")));
  }
  EXPECT_THAT(Check("metrics_listen: \"x\""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metrics_listen")));
  for (const std::string bad : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:0,", "cpu cpu"}) {
    EXPECT_THAT(Check("device: \"" + bad + "\""),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cpu, cuda or cuda:N")));
  }
  EXPECT_THAT(Check("device: \"cuda:3\""), IsOk());
  EXPECT_THAT(Check("device: \"cuda:0,cuda:1\""), IsOk());
  EXPECT_THAT(Check("precision: \"bf16\""), IsOk());
  EXPECT_THAT(Check("precision: \"int8\""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("was \"int8\"")));
}

TEST(ConfigTest, NamesAMissingFile) {
  EXPECT_THAT(ReadConfig("/no/such/file"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/file")));
}

// A number without a range would be taken whatever it is.
void ExpectRangesOnAllNumbers(const google::protobuf::Descriptor& message) {
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *message.field(i);
    if (field.message_type() != nullptr) {
      ExpectRangesOnAllNumbers(*field.message_type());
    } else if (field.cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING &&
               field.cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
      EXPECT_TRUE(field.options().HasExtension(server::range)) << field.full_name();
    }
  }
}

TEST(ConfigTest, EveryNumberHasARange) {
  ExpectRangesOnAllNumbers(*server::ServerConfig::descriptor());
}

}  // namespace
}  // namespace m3lung
