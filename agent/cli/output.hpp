// The output of a command: the terminal, or JSON lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "report/paper.hpp"

namespace mlops {

class CommandOptions;
class JsonReport;
class TerminalReport;

struct OutputOptions {
  bool json = false, quiet = false, verbose = false;
  std::string colour = "auto";  // --color
};

// A message on stderr, made printable, with a newline: mistakes and reasons for not starting a run go there, as
// with --json stdout contains only objects. On a terminal long lines are wrapped.
void say(std::string_view text);
// The same for the message of an exception or of another machine, prefixed with the program's name:
// "mlops-agent: …".
void say_error(std::string_view text);
// Mistakes on stderr, with their positions; colour as in --color.
void show_mistakes(const Diagnostics& mistakes, std::string_view colour = "auto");
// A text on stdout, unchanged: JSON, or text assembled from printable parts.
void put(std::string_view text);

// --color only; and --json, --quiet, --verbose and --color.
void add_colour_option(CommandOptions& command, std::string& colour);
void add_output_options(CommandOptions& command, OutputOptions& options);

// On stdout. Copies of the sink must not outlive it.
class Output {
 public:
  explicit Output(const OutputOptions& options);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  EventSink sink();
  // Stdout's style, for output that is not an event.
  const Paper& paper() const { return paper_; }

 private:
  Paper paper_;
  std::unique_ptr<JsonReport> json_;
  std::unique_ptr<TerminalReport> terminal_;
};

}  // namespace mlops
