#include "client/label_names.h"

namespace m3lung::client {

absl::string_view LabelName(v1::Label label) {
  switch (label) {
    case v1::LABEL_UNSPECIFIED:
      return "none";
    case v1::HEALTHY:
      return "Healthy";
    case v1::COVID_19:
      return "COVID-19";
    case v1::H1N1:
      return "H1N1";
    case v1::CAP:
      return "CAP";
    default:
      return "unknown";
  }
}

}  // namespace m3lung::client
