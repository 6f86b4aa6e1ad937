// mlops-agent facts [PATH]: what is known about this machine.
#include "facts/facts.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "machine/person.hpp"
#include "playbook/suggest.hpp"

namespace mlops {
namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t end = std::min(path.find('.', from), path.size());
    parts.push_back(path.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

// All paths that can be asked for: facts and the groups that hold them.
std::vector<std::string> known_paths() {
  std::vector<std::string> paths;
  for (const FactDoc& doc : Facts::docs()) {
    const std::string group = doc.path.substr(0, doc.path.find('.'));
    if (paths.empty() || std::find(paths.begin(), paths.end(), group) == paths.end()) paths.push_back(group);
    if (doc.path != group) paths.push_back(doc.path);
  }
  return paths;
}

// "facts.os.id", as playbooks write it, is the same as "os.id".
std::string without_root(const std::string& path) { return path.starts_with("facts.") ? path.substr(6) : path; }

int unknown_fact(const std::string& path) {
  const std::string hint = did_you_mean(path, known_paths());
  fmt::print(stderr, "mlops-agent: there is no fact `{}`{}\n", path,
             hint.empty() ? "; `mlops-agent facts --doc` lists them" : "; " + hint);
  return exit_wrong;
}

bool is_at(const FactDoc& doc, const std::string& path) {
  return path.empty() || doc.path == path || doc.path.starts_with(path + ".");
}

int print_docs(const std::string& path) {
  std::vector<FactDoc> rows = {{"FACT", "TYPE", "UNIT", "SOURCE", "WHAT"}};
  for (const FactDoc& doc : Facts::docs())
    if (is_at(doc, path)) rows.push_back(doc);
  if (rows.size() == 1) return unknown_fact(path);
  const auto width = [&](std::string FactDoc::*column) {
    std::size_t most = 0;
    for (const FactDoc& row : rows) most = std::max(most, (row.*column).size());
    return most;
  };
  for (const FactDoc& row : rows)
    fmt::print("{:<{}}  {:<{}}  {:<{}}  {:<{}}  {}\n", row.path, width(&FactDoc::path), row.type,
               width(&FactDoc::type), row.unit, width(&FactDoc::unit), row.source, width(&FactDoc::source),
               row.doc);
  return exit_done;
}

int print_facts(const std::string& path) {
  const Facts facts(current_person());
  const auto value = path.empty() ? facts.all() : facts.lookup(split(path));
  if (!value) return unknown_fact(path);
  fmt::print("{}\n", to_json(*value, 2));
  return exit_done;
}

}  // namespace

void add_facts(CLI::App& app, int& exit_status) {
  struct Options {
    std::string path;
    bool doc = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("facts", "What is known about this machine, as JSON");
  command->add_option("PATH", options->path, "One fact or group: os.id, memory");
  command->add_flag("--doc", options->doc, "Type, unit and source of each, as a table");
  command->callback([options, &exit_status] {
    const std::string path = without_root(options->path);
    exit_status = options->doc ? print_docs(path) : print_facts(path);
  });
}

}  // namespace mlops
