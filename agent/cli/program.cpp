#include "cli/program.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/suggest.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "hosts/serve.hpp"
#include "machine/privilege/piped.hpp"
#include "report/paper.hpp"
#include "runs/run_records.hpp"
#include "state/state_journals.hpp"

namespace mlops {
namespace {

constexpr std::string_view help_end =
    "Exit status: 0 nothing left to do, 1 a resource failed, 2 plan found something\n"
    "to change, 3 the playbook or the command line is wrong, 4 the run could not\n"
    "start, 130 interrupted.";

// `helper --as USER --person USER`: the helper at the other end of a pipe, started only by this program.
bool is_helper(int argc, char** argv) {
  return argc == 6 && std::string_view(argv[1]) == "helper" && std::string_view(argv[2]) == "--as" &&
         std::string_view(argv[4]) == "--person";
}

// `tunnel FOLDER NAME`: the process that keeps a tunnel, started by this program or by systemd.
bool is_keeper(int argc, char** argv) { return argc == 4 && std::string_view(argv[1]) == keeper_command; }

constexpr std::string_view first_steps =
    "mlops-agent makes a machine match a playbook, and changes only what differs.\n\n"
    "  mlops-agent plan PLAYBOOK      what would change; touches nothing\n"
    "  mlops-agent apply PLAYBOOK     change it\n"
    "  mlops-agent validate PLAYBOOK  is the file right?\n"
    "  mlops-agent modules [TYPE]     what a playbook can hold, with examples\n\n"
    "`mlops-agent --help` lists all commands, `mlops-agent COMMAND --help` the\n"
    "options of one.\n";

// CLI11's help in 80 columns, without its checks' descriptions ("N:INT in [1 - 10000]").
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
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : *parsed.front();
}

std::string full_name(const CLI::App& app, const CLI::App& command) {
  return &app == &command ? app.get_name() : app.get_name() + " " + command.get_name();
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
  const std::string name = full_name(app, command);
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
  const std::string name = full_name(app, command_of(app));
  say(name + ": " + e.what() + "; `" + name + " --help` says what it takes");
  return exit_wrong;
}

}  // namespace

int run_program(int argc, char** argv) {
  if (is_helper(argc, argv)) return serve_helper(argv[3], argv[5], make_journals);
  if (is_keeper(argc, argv)) return serve_tunnel(argv[2], argv[3]);
  if (argc == 2 && std::string_view(argv[1]) == "serve") return serve_run();
  if (argc == 5 && std::string_view(argv[1]) == "recorded") return print_recorded(argv[2], argv[3], argv[4]);
  int status = exit_done;
  CLI::App app("Makes a machine match a JSON playbook, and changes only what differs.", "mlops-agent");
  app.formatter(std::make_shared<HelpText>());
  app.set_help_flag("-h,--help", "Show this, and end");
  app.set_version_flag("-V,--version", "mlops-agent " MLOPS_VERSION, "Show the version, and end");
  app.footer(std::string(help_end));
  app.require_subcommand(1);
  add_plan_and_apply(app, status);
  add_history(app, status);
  add_undo(app, status);
  add_why(app, status);
  add_forget(app, status);
  add_validate(app, status);
  add_facts(app, status);
  add_modules(app, status);
  add_schema(app, status);
  add_tunnels(app, status);
  add_bundle(app, status);
  if (argc < 2) {
    std::cerr << first_steps;
    return exit_wrong;
  }
  // `help` and `help COMMAND` are what people type first.
  std::vector<const char*> words(argv, argv + argc);
  if (std::string_view(words[1]) == "help") {
    words.erase(words.begin() + 1);
    words.push_back("--help");
  }
  if (const auto mistake = unknown_command(app, words[1])) {
    say_error(*mistake);
    return exit_wrong;
  }
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& e) {
    return tell_mistake(app, e);
  }
  return status;
}

}  // namespace mlops
