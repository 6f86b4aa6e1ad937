// What may include what, as the design has it. Reads the sources.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace fs = std::filesystem;

struct Include {
  std::string file, header;  // file: relative to the source folder; header: between < > or " "
  bool ours;                 // in quotes
};

std::vector<Include> includes(const std::string& folder) {
  static const std::regex pattern("^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"]");
  std::vector<Include> all;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(SOURCE_DIR) / folder)) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
    std::ifstream file(entry.path());
    std::string line;
    std::smatch match;
    while (std::getline(file, line))
      if (std::regex_search(line, match, pattern))
        all.push_back({fs::relative(entry.path(), SOURCE_DIR), match[2], match[1] == "\""});
  }
  return all;
}

bool begins(const std::string& text, std::initializer_list<const char*> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const char* p) { return text.starts_with(p); });
}

// Each include of the folder that a rule forbids, one a line.
template <class Forbidden>
std::string breaches(const std::string& folder, Forbidden forbidden) {
  std::string list;
  const auto all = includes(folder);
  REQUIRE_FALSE(all.empty());
  for (const Include& i : all)
    if (forbidden(i)) list += i.file + " includes " + i.header + "\n";
  return list;
}

// Types that are defined twice in one namespace: two files of one program would silently share one's functions.
std::string twice_defined() {
  static const std::regex type("^(?:class|struct) ([A-Za-z_]+)(?: final)?(?: :.*)? \\{.*");
  static const std::regex opens("^namespace ?([a-z_:]*) ?\\{$"), closes("^\\}  // namespace ?[a-z_:]*$");
  std::map<std::string, std::string> where;
  std::string list;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(SOURCE_DIR) / "agent")) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
    const std::string file = fs::relative(entry.path(), SOURCE_DIR);
    std::ifstream text(entry.path());
    std::vector<std::string> inside;
    std::smatch match;
    for (std::string line; std::getline(text, line);) {
      if (std::regex_match(line, match, opens)) inside.push_back(match[1]);
      if (std::regex_match(line, closes) && !inside.empty()) inside.pop_back();
      if (!std::regex_match(line, match, type)) continue;
      if (std::find(inside.begin(), inside.end(), "") != inside.end()) continue;  // the file's own
      const std::string name = inside.empty() ? match[1].str() : inside.back() + "::" + match[1].str();
      const auto [known, first] = where.emplace(name, file);
      if (!first) list += name + " in " + known->second + " and " + file + "\n";
    }
  }
  CHECK(where.size() > 100);
  return list;
}

bool is_library(const Include& i) {
  return begins(i.header, {"nlohmann/", "boost/", "CLI/", "dtl/", "nettle/", "curl/", "systemd/", "sqlite3",
                           "libssh/", "archive", "re2/"});
}

}  // namespace

TEST_CASE("a type's name stands for one type") { CHECK(twice_defined() == ""); }

TEST_CASE("model includes nothing else of ours") {
  CHECK(breaches("agent/model", [](const Include& i) { return i.ours && !begins(i.header, {"model/"}); }) ==
        "");
}

TEST_CASE("modules include no engine, state, reporter, library, <filesystem> or <fstream>") {
  CHECK(breaches("modules", [](const Include& i) {
          if (!i.ours) return is_library(i) || i.header == "filesystem" || i.header == "fstream";
          return !begins(i.header, {"model/", "machine/", "playbook/module.hpp",
                                    "playbook/schema.hpp", "playbook/argv.hpp"});  // and a type of parameters
        }) == "");
}

TEST_CASE("modules include nothing that acts") {
  CHECK(breaches("modules", [](const Include& i) {
          return i.ours &&
                 (begins(i.header, {"machine/local", "machine/piped", "machine/elevating", "machine/overlay",
                                    "machine/commands/process", "machine/backend"}) ||
                  i.header.find("/local_") != std::string::npos ||
                  i.header.find("/overlay_") != std::string::npos || i.header.ends_with("_writer.hpp"));
        }) == "");
}

TEST_CASE("the engine names no module, no machine of a kind and no reporter") {
  if (!fs::exists(fs::path(SOURCE_DIR) / "agent/engine")) return;
  CHECK(breaches("agent/engine", [](const Include& i) {
          return i.ours && (begins(i.header, {"modules/", "report/", "cli/", "backends/", "hosts/", "remote/", "machine/local",
                                              "machine/piped", "machine/elevating", "machine/overlay."}) ||
                            i.header.find("/local_") != std::string::npos);
        }) == "");
}

TEST_CASE("reporters read no machine") {
  CHECK(breaches("agent/report", [](const Include& i) {
          return i.ours && begins(i.header, {"machine/", "engine/", "facts/", "state/", "playbook/", "cli/"});
        }) == "");
}

TEST_CASE("the playbook knows nothing of engine, reporters and commands") {
  CHECK(breaches("agent/playbook", [](const Include& i) {
          return i.ours && begins(i.header, {"engine/", "report/", "cli/", "hosts/", "remote/", "state/", "modules/"});
        }) == "");
}

TEST_CASE("what reaches another machine knows nothing of runs") {
  CHECK(breaches("agent/remote", [](const Include& i) {
          return i.ours && begins(i.header, {"playbook/", "engine/", "report/", "cli/", "hosts/", "modules/"});
        }) == "");
}

TEST_CASE("runs on several hosts know no reporter and no command") {
  CHECK(breaches("agent/hosts", [](const Include& i) {
          return i.ours && begins(i.header, {"report/", "cli/", "modules/"});
        }) == "");
}

TEST_CASE("machines know nothing of playbooks, the engine, reporters and commands") {
  CHECK(breaches("agent/machine", [](const Include& i) {
          return i.ours && begins(i.header, {"playbook/", "engine/", "report/", "cli/", "state/", "modules/"});
        }) == "");
}

TEST_CASE("no header of ours includes a library's, but the codec of the few protocol ends") {
  CHECK(breaches("agent", [](const Include& i) {
          return i.file.ends_with(".hpp") && is_library(i) && i.file != "agent/machine/wire.hpp";
        }) == "");
}

TEST_CASE("the codec is included by sources alone") {
  CHECK(breaches("agent", [](const Include& i) {
          return i.file.ends_with(".hpp") && i.header == "machine/wire.hpp";
        }) == "");
}

TEST_CASE("the breach of a rule is found") {
  CHECK_FALSE(
      breaches("agent/playbook", [](const Include& i) { return i.header == "nlohmann/json.hpp"; }).empty());
}
