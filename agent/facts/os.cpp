#include <map>
#include <sstream>

#include "facts/groups.hpp"

namespace mlops::facts {
namespace {

// One value of os-release(5): quoted as a shell would, without expansions.
std::string unquoted(const std::string& text) {
  if (text.size() < 2 || (text[0] != '"' && text[0] != '\'') || text.back() != text[0]) return text;
  const std::string inner = text.substr(1, text.size() - 2);
  if (text[0] == '\'') return inner;
  std::string plain;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\' && i + 1 < inner.size()) ++i;
    plain += inner[i];
  }
  return plain;
}

std::map<std::string, std::string> os_release(const std::string& root) {
  std::string text = content_of(root + "/etc/os-release");
  if (text.empty()) text = content_of(root + "/usr/lib/os-release");
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (equals != std::string::npos && line[0] != '#')
      values[line.substr(0, equals)] = unquoted(line.substr(equals + 1));
  }
  return values;
}

// The distribution family whose packages and conventions it shares.
std::string family_of(const std::string& id, const Value::Array& like) {
  const std::map<std::string, std::string> families = {
      {"debian", "debian"}, {"ubuntu", "debian"}, {"rhel", "rhel"}, {"fedora", "rhel"},   {"centos", "rhel"},
      {"suse", "suse"},     {"opensuse", "suse"}, {"arch", "arch"}, {"alpine", "alpine"}, {"gentoo", "gentoo"}};
  if (const auto found = families.find(id); found != families.end()) return found->second;
  for (const Value& other : like)
    if (const auto found = families.find(other.as_string()); found != families.end()) return found->second;
  return id;
}

}  // namespace

Value os(const std::string& root) {
  auto release = os_release(root);
  const auto text = [&](const char* key) {
    const auto found = release.find(key);
    return found == release.end() || found->second.empty() ? Value() : Value(found->second);
  };
  const std::string id =
      release.contains("ID") ? release["ID"] : "linux";  // the default that os-release(5) gives
  Value::Array like;
  std::istringstream words(release["ID_LIKE"]);
  for (std::string word; words >> word;) like.push_back(word);

  Value v;
  v.set("id", id);
  v.set("version", text("VERSION_ID"));
  v.set("codename", text("VERSION_CODENAME"));
  v.set("family", family_of(id, like));
  v.set("like", std::move(like));
  v.set("name", text("PRETTY_NAME"));
  return v;
}

}  // namespace mlops::facts
