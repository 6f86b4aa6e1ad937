#include "aws/config_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "aws/own_file.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/short_list.hpp"
#include "base/suggest.hpp"
#include "base/trimmed.hpp"
#include "base/utf8.hpp"

namespace mlops::aws {
namespace {

constexpr std::string_view blanks = " \t\r\f\v";

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lowered;
}

bool is_comment(std::string_view line) { return line.starts_with('#') || line.starts_with(';'); }

struct Assignment {
  std::string name;
  std::string_view value;
};

// "name = value" or "name: value", as Python's configparser takes it. Absent if there is no name or no sign.
std::optional<Assignment> assignment(std::string_view line) {
  const std::size_t sign = line.find_first_of("=:");
  if (sign == line.npos || trimmed(line.substr(0, sign), blanks).empty()) return {};
  return Assignment{lower(trimmed(line.substr(0, sign), blanks)), trimmed(line.substr(sign + 1), blanks)};
}

// Reads line by line. An indented line belongs to the name above it: to its map if that has no value of its
// own, else it continues the value.
class ConfigParser {
 public:
  ConfigParser(std::string_view text, const std::string& path) : rest_(text), path_(path) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  ConfigSections parse() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      ++number_;
      take_line(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
    }
    return std::move(sections_);
  }

 private:
  std::string where() const { return fmt::format("{}:{}", path_, number_); }
  [[noreturn]] void fail(const std::string& why) const { throw Error(fmt::format("{}: {}", where(), why)); }

  void take_line(std::string_view raw) {
    const std::string_view line = trimmed(raw, blanks);
    if (line.empty() || is_comment(line)) return;
    if (find_invalid_utf8(line) != line.npos || line.find('\0') != line.npos) fail("this line is not UTF-8");
    const bool indented = raw.front() == ' ' || raw.front() == '\t';
    if (indented && value_) return add_below(line);
    if (line.starts_with('[')) return open_section(line);
    add_value(line);
  }

  void open_section(std::string_view line) {
    const std::size_t end = line.find(']');
    if (end == line.npos) fail("the section's name has no ] at its end");
    const std::string_view after = trimmed(line.substr(end + 1), blanks);
    if (!after.empty() && !is_comment(after)) fail("there is text after the section's name");
    const std::string name(trimmed(line.substr(1, end - 1), blanks));
    if (name.empty()) fail("the section has no name");
    const auto [at, is_new] = sections_.emplace(name, ConfigSection{where(), {}});
    if (!is_new) fail(fmt::format("the section [{}] is there already ({})", printable(name), at->second.where));
    section_ = &at->second;
    value_ = nullptr;
  }

  void add_value(std::string_view line) {
    const auto given = assignment(line);
    if (!section_) fail("there is no [section] before this line");
    if (!given) fail("this is neither `name = value` nor a [section]");
    value_ = add(section_->values, *given);
  }

  ConfigValue* add(std::map<std::string, ConfigValue>& values, const Assignment& given) {
    const auto [at, is_new] = values.emplace(given.name, ConfigValue{std::string(given.value), where(), {}});
    if (!is_new) fail(fmt::format("{} is there already ({})", printable(given.name), at->second.where));
    return &at->second;
  }

  void add_below(std::string_view line) {
    if (!value_->text.empty()) {
      value_->text += "\n" + std::string(line);
      return;
    }
    const auto given = assignment(line);
    if (!given) fail("this indented line is not `name = value`");
    add(value_->nested, *given);
  }

  std::string_view rest_;
  const std::string& path_;
  std::size_t number_ = 0;
  ConfigSections sections_;
  ConfigSection* section_ = nullptr;
  ConfigValue* value_ = nullptr;  // that indented lines belong to
};

// "my name" of `profile "my name"`; absent if the heading is of another kind.
std::optional<std::string> name_after(std::string_view kind, std::string_view heading) {
  if (!heading.starts_with(kind) || heading.size() == kind.size()) return {};
  if (blanks.find(heading[kind.size()]) == blanks.npos) return {};
  std::string_view name = trimmed(heading.substr(kind.size()), blanks);
  const bool quoted = name.size() >= 2 && (name.front() == '"' || name.front() == '\'');
  if (quoted && name.front() == name.back()) name = name.substr(1, name.size() - 2);
  return std::string(name);
}

void sort_out(ConfigSections sections, ConfigFiles& files) {
  for (auto& [heading, section] : sections) {
    if (const auto profile = name_after("profile", heading)) {
      files.profiles[*profile] = std::move(section);  // "profile default" after, and so before, "default"
    } else if (const auto session = name_after("sso-session", heading)) {
      files.sso_sessions[*session] = std::move(section);
    } else if (const auto services = name_after("services", heading)) {
      files.services[*services] = std::move(section);
    } else if (heading == "default") {
      files.profiles[heading] = std::move(section);
    }
  }
}

const ConfigValue* find_in(const ConfigSections& sections, const std::string& section,
                           const std::string& name) {
  const auto found = sections.find(section);
  return found == sections.end() ? nullptr : found->second.find(name);
}

std::string path_of(const Environment& environment, const char* variable, const char* usual) {
  const std::string given = environment.variable(variable);
  return environment.expand(given.empty() ? usual : given);
}

ConfigSections read_sections(const std::string& path, const Environment& environment) {
  const auto text = read_own_file(path, environment);
  return text ? parse_config(*text, path) : ConfigSections();
}

}  // namespace

const ConfigValue* ConfigSection::find(const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end()) return nullptr;
  const ConfigValue& value = found->second;
  return value.text.empty() && value.nested.empty() ? nullptr : &value;
}

std::string ConfigSection::text(const std::string& name) const {
  const ConfigValue* value = find(name);
  return value ? value->text : "";
}

bool ConfigFiles::has_profile(const std::string& name) const {
  return profiles.contains(name) || credentials.contains(name);
}

const ConfigValue* ConfigFiles::find(const std::string& profile, const std::string& name) const {
  const ConfigValue* value = find_in(credentials, profile, name);
  return value ? value : find_in(profiles, profile, name);
}

std::string ConfigFiles::text(const std::string& profile, const std::string& name) const {
  const ConfigValue* value = find(profile, name);
  return value ? value->text : "";
}

std::vector<std::string> ConfigFiles::profile_names() const {
  std::vector<std::string> names;
  for (const auto& [name, section] : profiles) names.push_back(name);
  for (const auto& [name, section] : credentials)
    if (!profiles.contains(name)) names.push_back(name);
  return names;
}

ConfigSections parse_config(std::string_view text, const std::string& path) {
  return ConfigParser(text, path).parse();
}

ConfigFiles read_config_files(const Environment& environment) {
  ConfigFiles files;
  files.config_path = path_of(environment, "AWS_CONFIG_FILE", "~/.aws/config");
  files.credentials_path = path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
  sort_out(read_sections(files.config_path, environment), files);
  files.credentials = read_sections(files.credentials_path, environment);
  return files;
}

ChosenProfile choose_profile(const std::string& given, const std::string& where, const Environment& environment,
                             const ConfigFiles& files) {
  ChosenProfile chosen;
  if (!given.empty()) chosen = {given, where, true};
  for (const char* variable : {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"})
    if (const std::string name = environment.variable(variable); !name.empty() && chosen.where.empty())
      chosen = {name, variable, false};
  if (chosen.where.empty() || chosen.name == "default" || files.has_profile(chosen.name)) return chosen;
  const auto names = files.profile_names();
  const std::string hint = did_you_mean(chosen.name, names);
  throw Error(fmt::format("there is no AWS profile {} (named by {}) in {} or {}{}", printable(chosen.name),
                          chosen.where, files.config_path, files.credentials_path,
                          !hint.empty()   ? "; " + hint
                          : names.empty() ? ""
                                          : "; there are: " + short_list(names)));
}

}  // namespace mlops::aws
