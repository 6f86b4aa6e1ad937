// The tutorial's table of the course's notes: each resource that it names is in the playbook that it names.
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "model/document.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::filesystem::path top = SOURCE_DIR;

void add_resources(const Value& value, std::set<std::string>& found) {
  if (value.is_array())
    for (const Value& one : value.as_array()) add_resources(one, found);
  if (!value.is_object()) return;
  const Value *id = value.find("id"), *type = value.find("type");
  if (id && type) found.insert(type->as_string() + "[" + id->as_string() + "]");
  for (const Value::Member& member : value.as_object()) add_resources(member.value, found);
}

// "jupyter[jupyter]" for each resource that the file itself holds.
std::set<std::string> resources_of(const std::string& playbook) {
  const Source source{playbook, AgentFolder::read(top / "playbooks" / playbook)};
  Diagnostics diagnostics;
  const auto document = parse_document(source, diagnostics);
  REQUIRE(document);
  std::set<std::string> found;
  add_resources(*document, found);
  return found;
}

std::vector<std::string> quoted(const std::string& cell) {
  static const std::regex pattern("`([^`]+)`");
  std::vector<std::string> all;
  for (std::sregex_iterator i(cell.begin(), cell.end(), pattern), end; i != end; ++i) all.push_back((*i)[1]);
  return all;
}

struct Row {
  std::string line, playbook;
  std::vector<std::string> resources;
};

std::vector<Row> rows() {
  std::vector<Row> all;
  std::istringstream page(AgentFolder::read(top / "docs/tutorial.md"));
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.empty()) inside = false;
    if (inside && !line.starts_with("|---")) {
      const std::size_t last = line.rfind(" | ", line.size() - 1), middle = line.rfind(" | ", last - 1);
      REQUIRE(middle != std::string::npos);
      const std::vector<std::string> playbook = quoted(line.substr(middle, last - middle));
      REQUIRE(playbook.size() == 1);
      all.push_back({line.substr(2, middle - 2), playbook[0], quoted(line.substr(last))});
    }
    if (line == "| line of the notes | playbook | resource |") inside = true;
  }
  return all;
}

}  // namespace

TEST_CASE("each line of the course's notes has a resource, and each resource is in its playbook") {
  const std::vector<Row> table = rows();
  CHECK(table.size() >= 24);
  for (const Row& row : table) {
    INFO(row.line << " by " << row.playbook);
    CHECK_FALSE(row.resources.empty());
    const std::set<std::string> there = resources_of(row.playbook);
    for (const std::string& one : row.resources) {
      INFO(one);
      CHECK(there.contains(one));
    }
  }
}
