// What may include what, as docs/architecture.md has it. Reads the sources.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
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
                           "libssh/", "archive", "re2/", "pugixml"});
}

}  // namespace

TEST_CASE("a type's name stands for one type") { CHECK(twice_defined() == ""); }

// From the top down: a folder includes its own files and what its row names, and every folder has a row.
const std::map<std::string, std::set<std::string>> arrows{
    {"cli",
     {"report", "runs", "hosts", "host_run", "engine", "playbook", "resource", "state", "machine", "deploy",
      "domains", "ssh", "idle", "facts", "model", "base"}},
    {"report", {"model", "base"}},
    {"runs", {"hosts", "host_run", "engine", "playbook", "resource", "state", "ssh", "facts", "model", "base"}},
    {"hosts",
     {"host_run", "engine", "playbook", "resource", "state", "machine", "deploy", "domains", "ssh", "facts",
      "model", "base"}},
    {"host_run", {"engine", "playbook", "resource", "state", "machine", "domains", "model", "base"}},
    {"engine", {"playbook", "resource", "machine", "domains", "facts", "model", "base"}},
    {"playbook", {"resource", "facts", "model", "base"}},
    {"resource", {"machine", "domains", "model", "base"}},
    {"state", {"machine", "domains", "backends", "model", "base"}},
    {"machine", {"domains", "model", "base"}},
    {"deploy", {"domains", "ssh", "base"}},
    {"idle", {"domains", "model", "base"}},
    {"domains", {"aws", "http", "ssh", "backends", "model", "base"}},
    {"aws", {"http", "backends", "model", "base"}},
    {"http", {"backends", "base"}},
    {"ssh", {"backends", "base"}},
    {"facts", {"model", "base"}},
    {"backends", {"base"}},
    {"model", {"base"}},
    {"base", {}},
};

// "" when every include follows the arrows; else what does not, one a line.
std::string against_the_arrows() {
  std::string list;
  for (const auto& entry : fs::directory_iterator(fs::path(SOURCE_DIR) / "agent")) {
    if (!entry.is_directory()) continue;
    const std::string folder = entry.path().filename();
    const auto row = arrows.find(folder);
    if (row == arrows.end()) {
      list += "agent/" + folder + " has no row\n";
      continue;
    }
    list += breaches("agent/" + folder, [&](const Include& i) {
      const std::string to = i.header.substr(0, i.header.find('/'));
      return i.ours && to != folder && !row->second.contains(to);
    });
  }
  return list;
}

// From the lowest a folder is reached by no arrow of its own: no two folders include each other, however far
// around.
bool leads_to(const std::string& from, const std::string& to) {
  const auto& below = arrows.at(from);
  return below.contains(to) ||
         std::any_of(below.begin(), below.end(), [&](const auto& next) { return leads_to(next, to); });
}

TEST_CASE("a folder includes only what its row of the arrows names, and every folder has a row") {
  CHECK(against_the_arrows() == "");
}

TEST_CASE("no arrow leads back") {
  for (const auto& [folder, below] : arrows) {
    INFO(folder);
    for (const std::string& one : below) CHECK(arrows.contains(one));
    CHECK_FALSE(leads_to(folder, folder));
  }
}

TEST_CASE("modules include no engine, state, reporter, library, <filesystem> or <fstream>") {
  CHECK(breaches("modules", [](const Include& i) {
          if (!i.ours) return is_library(i) || i.header == "filesystem" || i.header == "fstream";
          return !begins(i.header, {"base/", "model/", "domains/", "machine/machine.hpp", "resource/"});
        }) == "");
}

TEST_CASE("modules include nothing that acts") {
  CHECK(breaches("modules", [](const Include& i) {
          return i.ours && (i.header.starts_with("base/backend") || i.header.ends_with("/local.hpp") ||
                            i.header.ends_with("/overlay.hpp"));
        }) == "");
}

TEST_CASE("the engine names no module and no machine of a kind") {
  CHECK(breaches("agent/engine", [](const Include& i) {
          return i.ours && (begins(i.header, {"modules/", "machine/privilege"}) ||
                            i.header.ends_with("/local.hpp") || i.header.ends_with("/overlay.hpp"));
        }) == "");
}

TEST_CASE("no header of ours includes a library's, but the codec of the few protocol ends") {
  CHECK(breaches("agent", [](const Include& i) {
          return i.file.ends_with(".hpp") && is_library(i) && i.file != "agent/base/wire.hpp";
        }) == "");
}

TEST_CASE("one source includes the library that parses the command line") {
  CHECK(breaches("agent", [](const Include& i) {
          return i.header.starts_with("CLI/") && i.file != "agent/cli/command_options.cpp";
        }) == "");
}

TEST_CASE("the codec is included by sources alone") {
  CHECK(breaches("agent", [](const Include& i) {
          return i.file.ends_with(".hpp") &&
                 (i.header == "model/value_wire.hpp" ||
                  (i.header == "base/wire.hpp" && i.file != "agent/model/value_wire.hpp"));
        }) == "");
}

TEST_CASE("the breach of a rule is found") {
  CHECK_FALSE(
      breaches("agent/model", [](const Include& i) { return i.header == "nlohmann/json.hpp"; }).empty());
}
