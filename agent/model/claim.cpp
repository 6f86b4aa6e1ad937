#include "model/claim.hpp"

namespace mlops {

const char* to_text(Claim::Kind kind) {
  switch (kind) {
    case Claim::Kind::path:
      return "path";
    case Claim::Kind::user:
      return "user";
    case Claim::Kind::group:
      return "group";
    case Claim::Kind::package:
      return "package";
    case Claim::Kind::service:
      return "service";
    case Claim::Kind::port:
      return "port";
    case Claim::Kind::tunnel:
      return "tunnel";
  }
  return "thing";
}

}  // namespace mlops
