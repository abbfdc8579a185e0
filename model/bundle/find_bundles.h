// SPDX-License-Identifier: Apache-2.0
// Which folders of a models folder hold bundles.
#ifndef M3LUNG_MODEL_BUNDLE_FIND_BUNDLES_H_
#define M3LUNG_MODEL_BUNDLE_FIND_BUNDLES_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/bundle/manifest.h"

namespace m3lung {

// The rule for a bundle's folder: it is NAME/VERSION, the name and version that its manifest
// states. FAILED_PRECONDITION, with both, for another. ParseManifest() has the rule for the two.
absl::Status CheckBundleFolder(const std::filesystem::path& folder, const Manifest& manifest);

struct FoundBundles {
  // Sorted by name, then by version (numbers in it compared as numbers).
  std::vector<std::filesystem::path> folders;
  // What else lies there, each path with the reason why it is no bundle.
  std::vector<std::string> passed_over;
};

// Looks for NAME/VERSION/manifest.json under `models`; links count as what they lead to. Passes
// over what cannot be meant: hidden entries, files, links that lead nowhere, folders without a
// manifest or named otherwise than it says (copies, links such as "latest"). A manifest that cannot
// be read or parsed is found: loading it says what is wrong. NOT_FOUND, with what was passed over
// and what to do, where there are none.
absl::StatusOr<FoundBundles> FindBundles(const std::filesystem::path& models);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_FIND_BUNDLES_H_
