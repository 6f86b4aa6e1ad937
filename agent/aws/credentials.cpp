#include "aws/credentials.hpp"

#include <fmt/format.h>

namespace mlops::aws {
namespace {

const char* kind_text(SourceKind kind) {
  switch (kind) {
    case SourceKind::environment:
      return "the environment";
    case SourceKind::assumed_role:
      return "an assumed role";
    case SourceKind::web_identity:
      return "a web identity";
    case SourceKind::sso:
      return "an SSO session";
    case SourceKind::credentials_file:
      return "the credentials file";
    case SourceKind::login:
      return "`aws login`";
    case SourceKind::process:
      return "a credential process";
    case SourceKind::config_file:
      return "the config file";
    case SourceKind::container:
      return "the container";
    case SourceKind::instance:
      return "the instance's role";
    case SourceKind::given:
      return "the caller";
  }
  return "";
}

}  // namespace

std::string describe(const CredentialSource& source) {
  std::string text = kind_text(source.kind);
  if (!source.profile.empty()) text += fmt::format(" of the profile {}", source.profile);
  if (!source.where.empty()) text += fmt::format(" ({})", source.where);
  return text;
}

std::string shown_key_id(const std::string& id) {
  return id.size() < 12 ? "…" : fmt::format("{}…{}", id.substr(0, 4), id.substr(id.size() - 4));
}

}  // namespace mlops::aws
