// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include <sched.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

int AffinityProcessors() {
  cpu_set_t mask;
  EXPECT_EQ(sched_getaffinity(0, sizeof(mask), &mask), 0);
  return CPU_COUNT(&mask);
}

int64_t InstalledMemory() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

// A machine of its own making.
class CgroupTest : public ::testing::Test {
 protected:
  CgroupFiles Files(const std::string& memberships) {
    return {.mount = folder_.path() / "cgroup",
            .memberships = folder_.Add("memberships", memberships)};
  }
  void Limit(const std::string& file, const std::string& text) {
    folder_.Add("cgroup/" + file, text);
  }

  testing::TemporaryFolder folder_;
};

TEST(MachineTest, ThisMachineHasSomeOfBothAndNoMoreThanThereIs) {
  EXPECT_GE(UsableProcessors(), 1);
  EXPECT_LE(UsableProcessors(), AffinityProcessors());
  EXPECT_GT(UsableMemory(), 0);
  EXPECT_LE(UsableMemory(), InstalledMemory());
}

TEST_F(CgroupTest, WithoutLimitsAllMayBeUsed) {
  Limit("cpu.max", "max 100000\n");
  Limit("memory.max", "max\n");
  EXPECT_EQ(UsableProcessors(Files("0::/\n")), AffinityProcessors());
  EXPECT_EQ(UsableMemory(Files("0::/\n")), InstalledMemory());
  EXPECT_EQ(UsableMemory(Files("")), InstalledMemory());
}

TEST_F(CgroupTest, TheLeastLimitFromTheOwnGroupToTheRootCounts) {
  Limit("memory.max", "max\n");
  Limit("a/memory.max", "1000\n");
  Limit("a/b/memory.max", "2000\n");
  Limit("a/b/cpu.max", "50000 100000\n");  // half a processor is one
  EXPECT_EQ(UsableMemory(Files("0::/a/b\n")), 1000);
  EXPECT_EQ(UsableProcessors(Files("0::/a/b\n")), 1);
}

TEST_F(CgroupTest, TheFirstVersionHasATreeForEachController) {
  Limit("memory/unit/memory.limit_in_bytes", "3000\n");
  Limit("memory/memory.limit_in_bytes", "9223372036854771712\n");
  Limit("cpu/unit/cpu.cfs_quota_us", "100000\n");
  Limit("cpu/unit/cpu.cfs_period_us", "100000\n");
  const std::string memberships = "4:memory:/unit\n3:cpu,cpuacct:/unit\n1:name=systemd:/other\n";
  EXPECT_EQ(UsableMemory(Files(memberships)), 3000);
  EXPECT_EQ(UsableProcessors(Files(memberships)), 1);
}

TEST_F(CgroupTest, AContainerMaySeeItsOwnGroupAsTheRoot) {
  Limit("memory/memory.limit_in_bytes", "4000\n");
  EXPECT_EQ(UsableMemory(Files("4:memory:/kubepods/pod1\n")), 4000);
}

}  // namespace
}  // namespace m3lung
