// The commands of the program and their options, as they are declared and parsed. Only command_options.cpp
// knows the library that parses them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mlops {

// A declared option or argument. A handle: valid as long as its CommandLine.
class CommandOption {
 public:
  explicit CommandOption(CLI::Option& option) : option_(&option) {}

  CommandOption& required();
  // The name of its value in --help: "FILE".
  CommandOption& value_name(const std::string& name);
  CommandOption& one_of(std::initializer_list<const char*> values);
  CommandOption& between(int least, int most);
  // The value is a size in bytes, and may have a unit: 64MiB.
  CommandOption& size_in_bytes();
  CommandOption& excludes(const CommandOption& other);

 private:
  CLI::Option* option_;
};

// The options of one command. A handle: valid as long as its CommandLine. Values are stored where the
// references lead when the command line is parsed; a value that is not given stays as it is.
//
// Names are as in "--verbose,-v"; a name without dashes is an argument.
class CommandOptions {
 public:
  // status: where the exit status of the command that ran is stored.
  CommandOptions(CLI::App& command, int& status) : command_(&command), status_(&status) {}

  CommandOption option(const std::string& names, std::string& value, const std::string& help);
  CommandOption option(const std::string& names, std::uint64_t& value, const std::string& help);
  // Given again for more; one value each time.
  CommandOption repeated(const std::string& names, std::vector<std::string>& values, const std::string& help);
  // Any number of arguments.
  CommandOption arguments(const std::string& name, std::vector<std::string>& values, const std::string& help);
  CommandOption flag(const std::string& names, bool& value, const std::string& help);
  CommandOption flag(const std::string& names, std::function<void()> given, const std::string& help);

  // A command of this command. At most one can be given.
  CommandOptions command(const std::string& name, const std::string& help);
  // Whether the command line names this command.
  bool given() const;
  // What the command does, once everything is parsed: returns the exit status (cli/exit_code.hpp).
  void action(std::function<int()> run);
  // Not listed in --help.
  void hide();

 private:
  CLI::App* command_;
  int* status_;
};

class CommandLine {
 public:
  // help_end: the last lines of --help.
  CommandLine(const std::string& description, const std::string& version, const std::string& help_end);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CommandOptions command(const std::string& name, const std::string& help);
  // Parses the words and runs the command that they name. Returns its exit status, or exit_wrong after a
  // message about a mistake. What the command throws passes through.
  int run(int argc, char** argv);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mlops
