// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/find_bundles.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/files.h"
#include "model/bundle/bundle_files.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

// Of what was passed over, as many are named where there is no bundle.
constexpr size_t kNamed = 10;

// "2" before "10", "1.9" before "1.10": runs of digits compare as numbers.
bool NaturallyLess(absl::string_view a, absl::string_view b) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const auto take_number = [&](absl::string_view& text) {
    size_t end = 0;
    while (end < text.size() && is_digit(text[end])) ++end;
    absl::string_view number = text.substr(0, end);
    text.remove_prefix(end);
    while (number.size() > 1 && number[0] == '0') number.remove_prefix(1);
    return number;
  };
  const absl::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const absl::string_view x = take_number(a), y = take_number(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // "01" and "1"
}

class Search {
 public:
  // The folders in `directory` that may be meant; what is none goes to passed_over().
  std::vector<fs::path> FoldersIn(const fs::path& directory) {
    std::vector<fs::path> folders;
    std::error_code error;
    fs::directory_iterator at(directory, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
      std::error_code unreadable;
      const fs::file_type type = at->status(unreadable).type();
      if (at->path().filename().string()[0] == '.') {
        PassOver(at->path(), "hidden");
      } else if (type == fs::file_type::directory) {
        folders.push_back(at->path());
      } else if (type == fs::file_type::not_found) {
        PassOver(at->path(), "a link that leads nowhere");
      } else {
        PassOver(at->path(), unreadable ? unreadable.message() : "not a folder");
      }
    }
    if (error) PassOver(directory, error.message());
    return folders;
  }

  bool HoldsABundle(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder / kManifestFile, error)) {
      PassOver(folder, error ? error.message() : absl::StrCat("no ", kManifestFile));
      return false;
    }
    const absl::StatusOr<std::string> json = ReadFile(folder / kManifestFile);
    if (!json.ok()) return true;
    const absl::StatusOr<Manifest> manifest = ParseManifest(*json);
    if (!manifest.ok() || CheckBundleFolder(folder, *manifest).ok()) return true;
    PassOver(folder, absl::StrCat("the bundle in it is ", manifest->name, "/", manifest->version));
    return false;
  }

  std::vector<std::string>& passed_over() { return passed_over_; }

 private:
  void PassOver(const fs::path& path, absl::string_view reason) {
    passed_over_.push_back(absl::StrCat(path.string(), " (", reason, ")"));
  }

  std::vector<std::string> passed_over_;
};

std::string Saw(const std::vector<std::string>& passed_over) {
  if (passed_over.empty()) return "";
  const size_t named = std::min(passed_over.size(), kNamed);
  return absl::StrCat(
      "; passed over: ",
      absl::StrJoin(passed_over.begin(), passed_over.begin() + static_cast<std::ptrdiff_t>(named),
                    ", "),
      passed_over.size() > named ? absl::StrCat(" and ", passed_over.size() - named, " more") : "");
}

}  // namespace

absl::Status CheckBundleFolder(const fs::path& folder, const Manifest& manifest) {
  if (folder.filename() == manifest.version && folder.parent_path().filename() == manifest.name) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(folder.string(), " holds bundle ", manifest.name, "/", manifest.version,
                   "; the folders must bear its name and version"));
}

absl::StatusOr<FoundBundles> FindBundles(const fs::path& models) {
  FoundBundles found;
  Search search;
  for (const fs::path& name : search.FoldersIn(models)) {
    for (const fs::path& version : search.FoldersIn(name)) {
      if (search.HoldsABundle(version)) found.folders.push_back(version);
    }
  }
  found.passed_over = std::move(search.passed_over());
  std::sort(found.passed_over.begin(), found.passed_over.end());
  if (found.folders.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "no model bundle under ", models.string(), " (looked for NAME/VERSION/", kManifestFile, ")",
        Saw(found.passed_over), "; make one with: m3lung-train init --out=", models.string()));
  }
  std::sort(found.folders.begin(), found.folders.end(), [](const fs::path& a, const fs::path& b) {
    const std::string name_a = a.parent_path().filename(), name_b = b.parent_path().filename();
    if (name_a != name_b) return name_a < name_b;
    return NaturallyLess(a.filename().string(), b.filename().string());
  });
  return found;
}

}  // namespace m3lung
