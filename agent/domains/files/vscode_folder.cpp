#include "domains/files/vscode_folder.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "domains/files/paths.hpp"

namespace mlops {
namespace {

using Json = nlohmann::json;

Json read_json(const std::string& text, const std::string& path) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(path + " is not what VS Code writes: it is no JSON");
  return json;
}

std::vector<VscodeExtension> listed(const Json& list, const std::string& path) {
  const Error strange(path + " is not what VS Code writes: it is no list of extensions");
  if (!list.is_array()) throw strange;
  std::vector<VscodeExtension> all;
  for (const Json& one : list) {
    const auto identifier = one.is_object() ? one.find("identifier") : one.end();
    if (!one.is_object() || identifier == one.end() || !identifier->is_object()) throw strange;
    const auto id = identifier->find("id"), version = one.find("version");
    if (id == identifier->end() || !id->is_string()) throw strange;
    all.push_back({lower_case(id->get<std::string>()),
                   version != one.end() && version->is_string() ? version->get<std::string>() : ""});
  }
  return all;
}

// "ms-python.python-2023.4.1-linux-x64" -> ms-python.python, 2023.4.1
std::optional<VscodeExtension> from_name(std::string_view name) {
  constexpr std::string_view digits = "0123456789";
  for (std::size_t dash = name.find('-'); dash != name.npos; dash = name.find('-', dash + 1)) {
    const std::string_view rest = name.substr(dash + 1);
    const std::string_view version =
        rest.substr(0, std::min(rest.find_first_not_of("0123456789."), rest.size()));
    const bool whole = rest.size() == version.size() || rest[version.size()] == '-';
    if (!whole || version.empty() || digits.find(version[0]) == digits.npos) continue;
    if (std::count(version.begin(), version.end(), '.') != 2 || name.substr(0, dash).find('.') == name.npos)
      continue;
    return VscodeExtension{lower_case(name.substr(0, dash)), std::string(version)};
  }
  return std::nullopt;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::vector<VscodeExtension> vscode_extensions(const FileReader& files, const std::string& folder) {
  const std::string list = join_path(folder, "extensions.json"), obsolete = join_path(folder, ".obsolete");
  if (const auto text = files.read(list)) return listed(read_json(*text, list), list);
  const auto names = files.list(files.resolve(folder).value_or(folder));
  if (!names) return {};
  Json gone = Json::object();
  if (const auto text = files.read(obsolete)) gone = read_json(*text, obsolete);
  std::vector<VscodeExtension> all;
  for (const std::string& name : *names)
    if (const auto found = from_name(name); found && !(gone.is_object() && gone.contains(name)))
      all.push_back(*found);
  return all;
}

}  // namespace mlops
