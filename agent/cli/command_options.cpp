#include "cli/command_options.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string_view>

#include "base/suggest.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "report/paper.hpp"

namespace mlops {
namespace {

// The help in 80 columns, without its checks' descriptions ("N:INT in [1 - 10000]").
class HelpText : public CLI::Formatter {
 public:
  HelpText() { column_width(28); }

 protected:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string name = make_option_name(option, is_positional);
    if (option->get_type_size() != 0) {
      const std::string type = option->get_type_name();
      const std::string shown = type.substr(0, type.find(':'));
      if (!shown.empty() && shown != name) name += " " + shown;
    }
    const bool needed = is_positional && option->get_required();
    return row(name, (needed ? "Required. " : "") + option->get_description());
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return row(command->get_name(), command->get_description());
  }

 private:
  static constexpr int help_width = 80;  // columns
  std::string row(const std::string& name, const std::string& text) const {
    const std::string head = "  " + name + "  ";
    const std::size_t column = get_column_width();
    if (head.size() <= column)
      return Paper(false, help_width).hanging(head + std::string(column - head.size(), ' '), text) + "\n";
    const std::string below(column, ' ');
    return "  " + name + "\n" + Paper(false, help_width).hanging(below, text) + "\n";
  }
};

bool is_playbook(const std::string& word) {
  if (word.ends_with(".json") || word.ends_with(".jsonc")) return true;
  struct stat status {};
  return ::stat(word.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// The mistake in a first word that is not a command; absent if it may be one.
std::optional<std::string> unknown_command(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (name.starts_with('-') || std::find(known.begin(), known.end(), name) != known.end()) return std::nullopt;
  if (is_playbook(name))
    return "a command comes before `" + name + "`: `mlops-agent plan " + name + "` says what would change";
  const std::string hint = did_you_mean(name, known);
  return "there is no command `" + name + "`; " + (hint.empty() ? "`mlops-agent --help` lists them" : hint);
}

// The command that the words name, or the program itself.
CLI::App& command_of(CLI::App& app) {
  CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

// "mlops-agent tunnels stop"
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent ? full_name(*parent) + " " : "") + command.get_name();
}

// The only one that begins with the word; "" if there is none, or several.
std::string continued(const std::string& word, const std::vector<std::string>& known) {
  std::string found;
  for (const std::string& name : known) {
    if (word.size() < 4 || !name.starts_with(word)) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

// The arguments that remain after everything else was parsed.
std::string left_over(CLI::App& app) {
  CLI::App& command = command_of(app);
  const std::string name = full_name(command);
  const std::vector<std::string> rest = app.remaining(true);
  const std::string word = rest.empty() ? "" : rest.front().substr(0, rest.front().find('='));
  if (!word.starts_with('-'))
    return name + ": `" + word + "` is one word too many; `" + name + " --help` says what it takes";
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
  std::string hint = did_you_mean(word, known);
  if (const std::string whole = continued(word, known); hint.empty() && !whole.empty())
    hint = "did you mean `" + whole + "`?";
  return name + ": there is no option `" + word + "`; " +
         (hint.empty() ? "`" + name + " --help` lists them" : hint);
}

int tell_mistake(CLI::App& app, const CLI::ParseError& e) {
  if (e.get_exit_code() == 0) return app.exit(e, std::cout, std::cerr);  // --help and --version
  if (dynamic_cast<const CLI::ExtrasError*>(&e)) {
    say(left_over(app));
    return exit_wrong;
  }
  const std::string name = full_name(command_of(app));
  say(name + ": " + e.what() + "; `" + name + " --help` says what it takes");
  return exit_wrong;
}

}  // namespace

CommandOption& CommandOption::required() {
  option_->required();
  return *this;
}

CommandOption& CommandOption::value_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

CommandOption& CommandOption::one_of(std::initializer_list<const char*> values) {
  option_->check(CLI::IsMember(std::vector<std::string>(values.begin(), values.end())));
  return *this;
}

CommandOption& CommandOption::between(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

CommandOption& CommandOption::size_in_bytes() {
  option_->transform(CLI::AsSizeValue(false));
  return *this;
}

CommandOption& CommandOption::excludes(const CommandOption& other) {
  option_->excludes(other.option_);
  return *this;
}

CommandOption CommandOptions::option(const std::string& names, std::string& value, const std::string& help) {
  return CommandOption(*command_->add_option(names, value, help));
}

CommandOption CommandOptions::option(const std::string& names, std::uint64_t& value, const std::string& help) {
  return CommandOption(*command_->add_option(names, value, help));
}

CommandOption CommandOptions::repeated(const std::string& names, std::vector<std::string>& values,
                                       const std::string& help) {
  return CommandOption(*command_->add_option(names, values, help)->allow_extra_args(false));
}

CommandOption CommandOptions::arguments(const std::string& name, std::vector<std::string>& values,
                                        const std::string& help) {
  return CommandOption(*command_->add_option(name, values, help));
}

CommandOption CommandOptions::flag(const std::string& names, bool& value, const std::string& help) {
  return CommandOption(*command_->add_flag(names, value, help));
}

CommandOption CommandOptions::flag(const std::string& names, std::function<void()> given,
                                   const std::string& help) {
  return CommandOption(*command_->add_flag_callback(names, std::move(given), help));
}

CommandOptions CommandOptions::command(const std::string& name, const std::string& help) {
  command_->require_subcommand(0, 1);
  return {*command_->add_subcommand(name, help), *status_};
}

bool CommandOptions::given() const { return command_->parsed(); }

void CommandOptions::action(std::function<int()> run) {
  command_->callback([run = std::move(run), status = status_] { *status = run(); });
}

void CommandOptions::hide() { command_->group(""); }

struct CommandLine::State {
  explicit State(const std::string& description) : app(description, "mlops-agent") {}
  CLI::App app;
  int status = exit_done;
};

CommandLine::CommandLine(const std::string& description, const std::string& version,
                         const std::string& help_end)
    : state_(std::make_unique<State>(description)) {
  CLI::App& app = state_->app;
  app.formatter(std::make_shared<HelpText>());
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("-V,--version", version, "Show the version");
  app.footer(help_end);
  app.require_subcommand(1);
}

CommandLine::~CommandLine() = default;

CommandOptions CommandLine::command(const std::string& name, const std::string& help) {
  return {*state_->app.add_subcommand(name, help), state_->status};
}

int CommandLine::run(int argc, char** argv) {
  CLI::App& app = state_->app;
  // `help` and `help COMMAND` are what people type first.
  std::vector<const char*> words(argv, argv + argc);
  if (words.size() > 1 && std::string_view(words[1]) == "help") {
    words.erase(words.begin() + 1);
    words.push_back("--help");
  }
  if (words.size() > 1) {
    if (const auto mistake = unknown_command(app, words[1])) {
      say_error(*mistake);
      return exit_wrong;
    }
  }
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& e) {
    return tell_mistake(app, e);
  }
  return state_->status;
}

}  // namespace mlops
