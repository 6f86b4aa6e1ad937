#include "cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/printable.hpp"
#include "cli/command_options.hpp"
#include "report/json.hpp"
#include "report/terminal.hpp"

namespace mlops {

void say(std::string_view text) {
  fmt::print(stderr, "{}", Paper::of(stderr, "never").fitted(printable_lines(text) + "\n"));
}

void say_error(std::string_view text) { say(fmt::format("mlops-agent: {}", text)); }

void show_mistakes(const Diagnostics& mistakes, std::string_view colour) {
  const bool coloured = want_colour(colour, std::getenv("NO_COLOR"), ::isatty(STDERR_FILENO) == 1);
  const Paper paper = Paper::of(stderr, colour);
  for (const Diagnostic& mistake : mistakes.list())
    fmt::print(stderr, "{}", paper.fitted(to_text(mistake, coloured)));
}

void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void add_colour_option(CommandOptions& command, std::string& colour) {
  command.option("--color", colour, "auto, always or never")
      .one_of({"auto", "always", "never"})
      .value_name("WHEN");
}

void add_output_options(CommandOptions& command, OutputOptions& options) {
  command.flag("--json", options.json, "One JSON object a line");
  command.flag("--quiet,-q", options.quiet, "Show nothing for resources that are ok");
  command.flag("--verbose,-v", options.verbose, "Show every line, change and difference in full");
  add_colour_option(command, options.colour);
}

Output::Output(const OutputOptions& options) : paper_(Paper::of(stdout, options.colour)) {
  if (options.json) {
    json_ = std::make_unique<JsonReport>(stdout);
    return;
  }
  TerminalOptions look;
  look.out = stdout;
  look.paper = paper_;
  look.live = ::isatty(STDOUT_FILENO) == 1;
  look.quiet = options.quiet;
  look.verbose = options.verbose;
  terminal_ = std::make_unique<TerminalReport>(look);
}

Output::~Output() = default;

EventSink Output::sink() {
  if (json_) return [this](const Event& e) { (*json_)(e); };
  return [this](const Event& e) { (*terminal_)(e); };
}

}  // namespace mlops
