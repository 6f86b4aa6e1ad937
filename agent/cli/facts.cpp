// mlops-agent facts [PATH]: prints the facts of this machine.
#include "facts/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/person.hpp"
#include "base/suggest.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/reach_options.hpp"
#include "hosts/remote_facts.hpp"
#include "model/wording.hpp"

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

// All valid paths: facts and the groups that contain them.
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
  say_error(fmt::format("there is no fact `{}`{}", path,
                        hint.empty() ? "; `mlops-agent facts --doc` lists them" : "; " + hint));
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
  const Paper paper = Paper::of(stdout, "never");
  for (const FactDoc& row : rows) {
    const std::string head = fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<{}}  ", row.path, width(&FactDoc::path),
                                         row.type, width(&FactDoc::type), row.unit, width(&FactDoc::unit),
                                         row.source, width(&FactDoc::source));
    put(paper.hanging(head, row.doc) + "\n");
  }
  return exit_done;
}

int print_facts(const std::string& path) {
  const Facts facts(current_person());
  const auto value = path.empty() ? facts.all() : facts.lookup(split(path));
  if (!value) return unknown_fact(path);
  fmt::print("{}\n", to_json(*value, 2));
  return exit_done;
}

// For other machines: for one as here, for several an object by host.
int print_remote_facts(const ReachSettings& reach, const std::string& path) {
  Source hosts_text;
  Diagnostics mistakes;
  const std::vector<std::string> hosts = named_hosts(reach, hosts_text, mistakes);
  show_mistakes(mistakes);
  if (!mistakes.empty()) return exit_wrong;
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  std::vector<HostFacts> told;
  try {
    told = remote_facts(reach, hosts, path, cancellation);
  } catch (const Error& e) {
    fmt::print(stderr, "mlops-agent: {}\n", e.what());
    return exit_wrong;
  }
  Value all{Value::Object{}};
  int status = exit_done;
  for (const HostFacts& host : told) {
    if (!host.error.empty()) {
      say(host.host + ": " + host.error);
      status = exit_not_started;
    } else if (!host.facts) {
      return unknown_fact(path);
    } else {
      all.set(host.host, *host.facts);
    }
  }
  if (hosts.size() == 1 && status == exit_done) all = Value(all.as_object().front().value);
  if (status == exit_done || hosts.size() > 1) fmt::print("{}\n", to_json(all, 2));
  return status;
}

}  // namespace

void add_facts(CommandLine& program) {
  struct Options {
    std::string path;
    bool doc = false;
    ReachSettings reach;
  };
  const auto options = std::make_shared<Options>();
  CommandOptions command = program.command("facts", "Facts about a machine, as JSON");
  command.option("PATH", options->path, "One fact or group: os.id, memory");
  command.flag("--doc", options->doc, "Type, unit and source of each, as a table");
  add_reach_options(command, options->reach);
  command.action([options] {
    const std::string path = without_root(options->path);
    const bool far = !options->reach.hosts.empty() || !options->reach.hosts_file.empty();
    if (options->doc) return print_docs(path);
    return far ? print_remote_facts(options->reach, path) : print_facts(path);
  });
}

}  // namespace mlops
