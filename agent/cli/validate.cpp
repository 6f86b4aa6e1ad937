// mlops-agent validate PLAYBOOK…: checks playbooks. Inspects no machine.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/error.hpp"
#include "base/person.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "playbook/playbook.hpp"

namespace mlops {
namespace {

struct ValidateOptions {
  std::vector<std::string> playbooks, vars_files, sets;
  std::string colour = "auto";
  bool json = false;
};

// Only the form of a path below ~ is checked: without an account any home will do.
std::string home() {
  try {
    return current_person().home;
  } catch (const Error&) {
    return "/";
  }
}

// RFC 3339 in UTC, to the millisecond.
std::string now() {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(system_clock::now()).time_since_epoch().count();
  const std::time_t second = static_cast<std::time_t>(ms / 1000);
  std::tm tm{};
  gmtime_r(&second, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec, ms % 1000);
}

Value event(const char* name) {
  Value v;
  v.set("event", name);
  v.set("time", now());
  return v;
}

void set_place(Value& v, const Position& where) {
  v.set("file", where.source ? Value(where.source->name) : Value());
  v.set("line", where.line ? Value(std::uint64_t{where.line}) : Value());
  v.set("column", where.line ? Value(std::uint64_t{where.column}) : Value());
}

Value mistake_event(const Diagnostic& d) {
  Value v = event("mistake");
  set_place(v, d.where);
  v.set("message", d.message);
  v.set("hint", d.hint.empty() ? Value() : Value(d.hint));
  Value related;
  if (!d.related_message.empty()) {
    set_place(related, d.related);
    related.set("message", d.related_message);
  }
  v.set("related", std::move(related));
  return v;
}

Value validated_event(const std::string& path, std::size_t mistakes) {
  Value v = event("validated");
  v.set("file", path);
  v.set("ok", mistakes == 0);
  v.set("mistakes", std::uint64_t{mistakes});
  return v;
}

// True if the file is valid.
bool validate(const std::string& path, const ValidateOptions& options, const LoadOptions& load) {
  Diagnostics diagnostics;
  const Playbook playbook = load_playbook(path, load, all_modules(), diagnostics);
  if (options.json) {
    for (const Diagnostic& d : diagnostics.list()) fmt::print("{}\n", to_json(mistake_event(d)));
    fmt::print("{}\n", to_json(validated_event(path, diagnostics.size())));
    return diagnostics.empty();
  }
  show_mistakes(diagnostics, options.colour);
  if (diagnostics.empty())
    fmt::print("{}: ok\n", path);
  else
    fmt::print(stderr, "{}: {} {}\n", path, diagnostics.size(),
               diagnostics.size() == 1 ? "mistake" : "mistakes");
  return diagnostics.empty();
}

}  // namespace

void add_validate(CommandLine& program) {
  auto options = std::make_shared<ValidateOptions>();
  CommandOptions command =
      program.command("validate", "Check a playbook and show every mistake; looks at no machine");
  command.arguments("playbook", options->playbooks, "The files to check.").required();
  command.repeated("--set", options->sets, "NAME=VALUE: a var, in place of its default.");
  command.repeated("--vars", options->vars_files, "A file with vars.");
  command.flag("--json", options->json, "One JSON object a line.");
  command.option("--color", options->colour, "auto, always or never.").one_of({"auto", "always", "never"});
  command.action([options] {
    const LoadOptions load{options->vars_files, options->sets, home()};
    int status = exit_done;
    for (const std::string& path : options->playbooks)
      if (!validate(path, *options, load)) status = exit_wrong;
    return status;
  });
}

}  // namespace mlops
