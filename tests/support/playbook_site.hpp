// A playbook that is applied to a folder, with its runs recorded: what tests of undo and prune begin with.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/agent_process.hpp"
#include "support/catch.hpp"

namespace mlops::test {

struct PlaybookSite {
  AgentFolder folder;
  std::string state = folder.path("state"), playbook = folder.path("site.json");

  // With the state's folder, for JSON lines.
  Words words(Words given) const {
    given.insert(given.end(), {"--state", state, "--json"});
    return given;
  }
  Ended run(Words given) const { return folder.run(words(std::move(given))); }
  Ended apply(const char* text, Words more = {}) const {
    more.insert(more.begin(), {"apply", folder.write("site.json", text)});
    return run(std::move(more));
  }
  Ended undo(Words more = {}) const {
    more.insert(more.begin(), {"undo", "--yes"});
    return run(std::move(more));
  }
  // Of the runs, the newest first.
  std::vector<Json> history() const { return run({"history"}).lines(); }
  void done(const Ended& ended) const {
    INFO(ended.out << ended.err);
    REQUIRE(ended.status == 0);
  }

  std::string at(const std::string& name) const { return folder.tree() + "/" + name; }
  std::string text(const std::string& name) const { return AgentFolder::read(at(name)); }
  bool there(const std::string& name) const { return std::filesystem::exists(at(name)); }
  // Makes the folders above as well.
  void put(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name)) << content;
  }
  void put(const std::string& name, const std::string& content, mode_t mode) const {
    put(name, content);
    ::chmod(at(name).c_str(), mode);
  }
};

using Outcomes = std::map<std::string, std::string>;

// Of each resource, by its label.
inline Outcomes outcomes(const Ended& run) {
  Outcomes found;
  for (const Json& line : run.lines())
    if (line["event"] == "resource")
      found[line["label"].get<std::string>()] = line["outcome"].get<std::string>();
  return found;
}

// The same with the reason, where there is one: "failed: WHY". id: by what a resource is known ("label", "id").
inline Outcomes results(const Ended& run, const char* id = "label") {
  Outcomes found;
  for (const Json& line : run.lines()) {
    if (line["event"] != "resource") continue;
    std::string text = line["outcome"].get<std::string>();
    if (!line["reason"].is_null()) text += ": " + line["reason"].get<std::string>();
    found[line[id].get<std::string>()] = text;
  }
  return found;
}

}  // namespace mlops::test
