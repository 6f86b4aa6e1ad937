#include "cli/apply.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "engine/run.hpp"
#include "machine/overlay.hpp"
#include "machine/person.hpp"
#include "machine/this_host.hpp"
#include "playbook/suggest.hpp"
#include "report/json.hpp"
#include "report/terminal.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

// Mistakes and what keeps a run from starting go to stderr: with --json, stdout is for objects alone.
void say(const std::string& text) { fmt::print(stderr, "{}\n", text); }

int wrong(Diagnostics& mistakes, const ApplyOptions& options) {
  mistakes.sort();
  const bool colour = want_colour(options.colour, std::getenv("NO_COLOR"), ::isatty(2) == 1);
  for (const Diagnostic& mistake : mistakes.list()) fmt::print(stderr, "{}", to_text(mistake, colour));
  say(fmt::format("{}: {} mistake{}; nothing was touched", options.playbook, mistakes.size(),
                  mistakes.size() == 1 ? "" : "s"));
  return exit_wrong;
}

EventSink make_report(const ApplyOptions& options, std::unique_ptr<JsonReport>& json,
                      std::unique_ptr<TerminalReport>& terminal) {
  if (options.json) {
    json = std::make_unique<JsonReport>(stdout);
    return [&report = *json](const Event& e) { report(e); };
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
  terminal = std::make_unique<TerminalReport>(look);
  return [&report = *terminal](const Event& e) { report(e); };
}

bool is_live(const Event& e) {
  return std::holds_alternative<ResourceStarted>(e) || std::holds_alternative<ProgressMade>(e);
}

int exit_status(const PassResult& result) {
  if (result.interrupted) return exit_interrupted;
  if (result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0) return exit_failed;
  if (result.count(Outcome::would_change) + result.count(Outcome::unknown) > 0) return exit_pending;
  return exit_done;
}

// Everything of one `plan` or `apply`.
class Application {
 public:
  explicit Application(const ApplyOptions& options)
      : options_(options),
        person_(current_person()),
        self_{effective_person().name},
        interrupts_(cancellation_),
        report_(make_report(options, json_, terminal_)),
        host_({person_, options.mirror, sudo()}, cancellation_,
              [this](const Progress& p) {
                if (run_) run_->progress(p);
              }),
        facts_(person_) {}

  int go() {
    Diagnostics mistakes;
    const Playbook playbook = load_playbook(
        options_.playbook, {options_.vars_files, options_.sets, person_.home}, all_modules(), mistakes);
    check_selection(playbook, mistakes);
    if (!mistakes.empty()) return refused(wrong(mistakes, options_));
    report_(RunStarted{options_.playbook, options_.dry ? "plan" : "apply"});

    PassResult planned = plan(playbook);
    if (!planned.mistakes.empty()) return refused(wrong(planned.mistakes, options_));
    if (options_.dry || planned.interrupted || planned.pending.empty()) {
      for (const Event& event : held_) report_(event);
      return finish(planned);
    }
    held_.clear();
    report_(ResourceStarted{});  // sudo may ask on the terminal now
    if (const int status = prepare(planned)) return refused(status);
    try {
      return finish(perform(playbook));
    } catch (const std::exception& e) {
      say(std::string("mlops-agent: ") + e.what());
      return refused(exit_failed);
    }
  }

 private:
  ThisHostSettings::Sudo sudo() const {
    if (options_.no_sudo) return ThisHostSettings::Sudo::never;
    return options_.dry ? ThisHostSettings::Sudo::silent : ThisHostSettings::Sudo::ask;
  }

  void check_selection(const Playbook& playbook, Diagnostics& mistakes) const {
    std::vector<std::string> ids, tags;
    for (const Play& play : playbook.plays)
      for (const Resource& r : play.resources) {
        if (!r.id.empty()) ids.push_back(r.id);
        tags.insert(tags.end(), r.tags.begin(), r.tags.end());
      }
    const auto check = [&](const char* option, const std::vector<std::string>& wanted,
                           const std::vector<std::string>& known) {
      for (const std::string& word : wanted)
        if (std::find(known.begin(), known.end(), word) == known.end())
          mistakes.add({}, fmt::format("{} {}: no resource of the playbook has it", option, word),
                       did_you_mean(word, known));
    };
    check("--only", options_.only, ids);
    check("--tag", options_.tags, tags);
  }

  // The first pass, on the overlay. Told only once it is clear that there are no mistakes, and that there is no
  // second.
  PassResult plan(const Playbook& playbook) {
    const std::unique_ptr<Host> overlay = make_overlay_host(host_, self_);
    IdentityRules identities(*overlay, person_, self_);
    const EventSink sink = [this](const Event& e) {
      if (is_live(e))
        report_(e);
      else
        held_.push_back(e);
    };
    RunOptions options{Outcome::would_change, options_.only, options_.tags, options_.fail_fast,
                       std::chrono::milliseconds(0)};
    Run run(playbook, *overlay, facts_, identities, cancellation_, sink, options);
    run_ = &run;
    PassResult result = run.go();
    run_ = nullptr;
    return result;
  }

  // Locks and rights are settled before the first change. 0, or the exit status.
  int prepare(const PassResult& planned) {
    std::vector<Identity> identities;
    std::vector<std::string> need_others;
    for (const auto& [identity, label] : planned.pending) {
      if (identity != self_) need_others.push_back(fmt::format("  {} (as {})", label, identity.user));
      const bool known = std::find(identities.begin(), identities.end(), identity) != identities.end();
      if (!known && host_.as(self_).accounts().user(identity.user)) identities.push_back(identity);
    }
    if (options_.no_sudo && !need_others.empty()) {
      say("These need another identity, and --no-sudo was given; nothing was touched:");
      for (const std::string& line : need_others) say(line);
      return exit_not_started;
    }
    try {
      host_.prepare(std::move(identities), options_.playbook);
    } catch (const Error& e) {
      say(fmt::format("{}; nothing was touched", e.what()));
      return e.kind() == ErrorKind::cancelled ? exit_interrupted : exit_not_started;
    }
    return 0;
  }

  PassResult perform(const Playbook& playbook) {
    IdentityRules identities(host_, person_, self_);
    RunOptions options{Outcome::changed, options_.only, options_.tags, options_.fail_fast};
    Run run(playbook, host_, facts_, identities, cancellation_, report_, options);
    run_ = &run;
    PassResult result = run.go();
    run_ = nullptr;
    // Found only now: they depended on what the run did.
    for (const Diagnostic& mistake : result.mistakes.list()) fmt::print(stderr, "{}", to_text(mistake, false));
    return result;
  }

  // For programs the last line is always the summary.
  int refused(int status) {
    if (!options_.json) return status;
    RunFinished event;
    event.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    event.interrupted = status == exit_interrupted;
    event.exit_status = status;
    report_(event);
    return status;
  }

  int finish(const PassResult& result) {
    RunFinished event;
    event.counts = result.counts;
    event.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    event.interrupted = result.interrupted;
    event.exit_status = exit_status(result);
    if (!options_.dry) event.show = result.show;
    report_(event);
    return event.exit_status;
  }

  const ApplyOptions& options_;
  const Clock::time_point started_ = Clock::now();
  Person person_;
  Identity self_;
  Cancellation cancellation_;
  InterruptHandler interrupts_;
  std::unique_ptr<JsonReport> json_;
  std::unique_ptr<TerminalReport> terminal_;
  EventSink report_;
  Run* run_ = nullptr;  // the pass that is under way
  ThisHost host_;
  Facts facts_;
  std::vector<Event> held_;
};

void add_options(CLI::App& command, ApplyOptions& options) {
  command.add_option("playbook", options.playbook, "The playbook, a JSON file")
      ->required()
      ->type_name("PLAYBOOK");
  command.add_option("--set", options.sets, "Set a variable (again for more)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_option("--vars", options.vars_files, "Variables from a JSON file (again for more)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_option("--only", options.only, "Change only the resource with this id (again for more)")
      ->type_name("ID")
      ->allow_extra_args(false);
  command.add_option("--tag", options.tags, "Change only resources with this tag (again for more)")
      ->type_name("TAG")
      ->allow_extra_args(false);
  command.add_option("--mirror", options.mirror, "Read https://HOST/PATH from MIRROR/HOST/PATH first")
      ->type_name("DIR|URL");
  command.add_flag("--json", options.json, "One JSON object a line");
  command.add_flag("--quiet,-q", options.quiet, "Nothing about what is right already");
  command.add_flag("--verbose,-v", options.verbose, "Every line, change and difference as a whole");
  command.add_option("--color", options.colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  command.add_flag("--no-sudo", options.no_sudo, "Never become another user");
  command.add_flag("--fail-fast", options.fail_fast, "Stop at the first failure");
}

}  // namespace

int apply_playbook(const ApplyOptions& options) {
  ApplyOptions settled = options;
  const bool is_url = settled.mirror.find("://") != std::string::npos;
  if (!settled.mirror.empty() && !is_url) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(settled.mirror.c_str(), nullptr), std::free);
    if (!real) {
      say("--mirror " + settled.mirror + ": there is no such folder");
      return exit_wrong;
    }
    struct stat status {};
    if (::stat(real.get(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      say("--mirror " + settled.mirror + ": it is not a folder");
      return exit_wrong;
    }
    settled.mirror = real.get();
  }
  return Application(settled).go();
}

void add_plan_and_apply(CLI::App& app, int& status) {
  CLI::App* plan = app.add_subcommand("plan", "Say what would change; change nothing");
  const auto planned = std::make_shared<ApplyOptions>();
  planned->dry = true;
  add_options(*plan, *planned);
  plan->callback([planned, &status] { status = apply_playbook(*planned); });

  CLI::App* apply = app.add_subcommand("apply", "Make this machine match the playbook");
  const auto applied = std::make_shared<ApplyOptions>();
  add_options(*apply, *applied);
  apply->add_flag("--dry-run", applied->dry, "The same as plan");
  apply->callback([applied, &status] { status = apply_playbook(*applied); });
}

}  // namespace mlops
