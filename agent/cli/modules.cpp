// mlops-agent modules [TYPE]
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "base/suggest.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/module_text.hpp"

namespace mlops {
namespace {

struct Options {
  std::string type;
  bool json = false, markdown = false;
};

int unknown_type(const std::string& type) {
  std::vector<std::string> names;
  for (const Module* m : all_modules()) names.emplace_back(m->type);
  const std::string hint = did_you_mean(type, names);
  fmt::print(stderr, "error: there is no resource type `{}`\n  hint: {}\n", type,
             hint.empty() ? "`mlops-agent modules` lists them" : hint);
  return exit_wrong;
}

int run(const Options& options) {
  if (!options.type.empty()) {
    const Module* module = find_module(options.type);
    if (!module) return unknown_type(options.type);
    fmt::print("{}", options.json       ? to_json(page_value(*module)) + "\n"
                     : options.markdown ? page_markdown(*module)
                                        : page_text(*module));
    return exit_done;
  }
  if (options.markdown) {
    fmt::print("{}", list_markdown(all_modules()));
    return exit_done;
  }
  if (!options.json) {
    fmt::print("{}", list_text(all_modules()));
    return exit_done;
  }
  Value::Array pages;
  for (const Module* m : all_modules()) pages.push_back(page_value(*m));
  Value v;
  v.set("modules", std::move(pages));
  fmt::print("{}\n", to_json(v));
  return exit_done;
}

}  // namespace

void add_modules(CommandLine& program) {
  auto options = std::make_shared<Options>();
  CommandOptions command = program.command("modules", "Resource types, their parameters and examples");
  command.option("TYPE", options->type, "Only this type, with its parameters and examples");
  const CommandOption json = command.flag("--json", options->json, "Print one JSON object");
  command.flag("--markdown", options->markdown, "Print the page of docs/resources").excludes(json);
  command.action([options] { return run(*options); });
}

}  // namespace mlops
