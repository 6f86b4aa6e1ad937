// Where the events of a command go: the terminal, or JSON lines.
#pragma once

#include <memory>
#include <string>

#include "model/event.hpp"

namespace CLI {
class App;
}

namespace mlops {

class JsonReport;
class TerminalReport;

struct OutputOptions {
  bool json = false, quiet = false, verbose = false;
  std::string colour = "auto";  // --color
};

// --json, --quiet, --verbose and --color.
void add_output_options(CLI::App& command, OutputOptions& options);

// On stdout. Copies of the sink must not outlive it.
class Output {
 public:
  explicit Output(const OutputOptions& options);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  EventSink sink();

 private:
  std::unique_ptr<JsonReport> json_;
  std::unique_ptr<TerminalReport> terminal_;
};

}  // namespace mlops
