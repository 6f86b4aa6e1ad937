#include "cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "report/json.hpp"
#include "report/terminal.hpp"

namespace mlops {

void add_output_options(CLI::App& command, OutputOptions& options) {
  command.add_flag("--json", options.json, "One JSON object a line");
  command.add_flag("--quiet,-q", options.quiet, "Nothing about what is right already");
  command.add_flag("--verbose,-v", options.verbose, "Every line, change and difference as a whole");
  command.add_option("--color", options.colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
}

Output::Output(const OutputOptions& options) {
  if (options.json) {
    json_ = std::make_unique<JsonReport>(stdout);
    return;
  }
  const bool is_terminal = ::isatty(1) == 1;
  TerminalOptions look;
  look.out = stdout;
  look.colour = want_colour(options.colour, std::getenv("NO_COLOR"), is_terminal);
  look.live = is_terminal;
  winsize size{};
  if (is_terminal && ::ioctl(1, TIOCGWINSZ, &size) == 0) look.width = size.ws_col;
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
