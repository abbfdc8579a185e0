// SPDX-License-Identifier: Apache-2.0
#include "base/library_settings.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace m3lung {

void ConfigureLibraries(char** argv) {
  constexpr std::pair<const char*, const char*> kSettings[] = {
      // The network's threads would wait for each other by spinning. Decoding, or another program,
      // shares their processors: it costs the server a third of its speed (bench/RESULTS.md).
      {"OMP_WAIT_POLICY", "passive"},
      // oneDNN would keep each piece of a network that it compiled (model/engine/fused_network.h),
      // weights
      // and all, in case the same is compiled again. What is loaded again never is the same.
      {"DNNL_GRAPH_COMPILED_PARTITION_CACHE_CAPACITY", "0"},
  };
  bool all_set = true;
  for (const auto& [name, value] : kSettings) {
    if (std::getenv(name) != nullptr) continue;
    setenv(name, value, /*overwrite=*/1);
    all_set = false;
  }
  if (all_set) return;
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error);
  execv(program.c_str(), argv);  // Returns where that is not to be had.
}

}  // namespace m3lung
