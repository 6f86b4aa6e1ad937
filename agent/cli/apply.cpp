#include "cli/apply.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/person.hpp"
#include "base/suggest.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/kept_plan.hpp"
#include "cli/output.hpp"
#include "engine/show.hpp"
#include "hosts/chosen_hosts.hpp"
#include "model/wording.hpp"
#include "report/terminal.hpp"
#include "state/run_id.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

void show_sorted(Diagnostics& mistakes, const ApplyOptions& options) {
  mistakes.sort();
  show_mistakes(mistakes, options.output.colour);
}

// An unreadable secret is not a mistake in the playbook.
int not_started(Diagnostics& mistakes, const ApplyOptions& options) {
  show_sorted(mistakes, options);
  say(fmt::format("{}: not started; nothing was touched", options.playbook));
  return exit_not_started;
}

int wrong(Diagnostics& mistakes, const ApplyOptions& options) {
  show_sorted(mistakes, options);
  say(fmt::format("{}: {} mistake{}; nothing was touched", options.playbook, mistakes.size(),
                  mistakes.size() == 1 ? "" : "s"));
  return exit_wrong;
}

int exit_status(const Conclusion& conclusion) {
  if (conclusion.not_started && !conclusion.touched) return exit_not_started;
  if (!conclusion.mistakes.empty() && conclusion.early) return exit_wrong;
  if (conclusion.interrupted) return exit_interrupted;
  const auto count = [&](Outcome o) { return conclusion.counts[static_cast<std::size_t>(o)]; };
  const bool dropped = std::any_of(conclusion.hosts.begin(), conclusion.hosts.end(),
                                   [](const HostFinished& h) { return !h.error.empty(); });
  if (dropped || count(Outcome::failed) + count(Outcome::not_converged) > 0) return exit_failed;
  if (count(Outcome::would_change) + count(Outcome::unknown) > 0) return exit_pending;
  return exit_done;
}

// The state of one `plan` or `apply`.
class Application {
 public:
  explicit Application(const ApplyOptions& options)
      : options_(options),
        person_(current_person()),
        interrupts_(cancellation_),
        output_(options.output),
        report_(output_.sink()) {}

  // An error after something was changed is a failure of the run: it did start.
  int go() {
    try {
      return run();
    } catch (const std::exception& e) {
      if (!acted_) throw;
      say(e.what());
      return refused(exit_failed);
    }
  }

 private:
  void note(const Event& event) {
    const auto* e = std::get_if<ResourceFinished>(&event);
    if (!e || options_.dry) return;
    acted_ = acted_ || e->outcome == Outcome::changed || e->outcome == Outcome::not_converged;
  }

  // --mirror and --state are paths of the machines that are changed. What is wrong with one of them; "" for
  // nothing.
  std::string settle_paths(const Playbook& playbook) {
    const auto names_target = [](const Play& play) {
      return std::any_of(play.on.begin(), play.on.end(),
                         [](const std::string& host) { return host != "local"; });
    };
    const bool remote = !options_.reach.hosts.empty() || !options_.reach.hosts_file.empty() ||
                        std::any_of(playbook.plays.begin(), playbook.plays.end(), names_target);
    const auto is_relative = [](const std::string& path) { return !path.empty() && path.front() != '/'; };
    std::string& mirror = options_.mirror;
    const bool is_folder = !mirror.empty() && mirror.find("://") == std::string::npos;
    if (remote && is_folder && is_relative(mirror))
      return "--mirror " + mirror + ": for other machines it is a URL, or an absolute path there";
    if (remote && is_relative(options_.state))
      return "--state " + options_.state + ": for other machines it is an absolute path there";
    if (remote || !is_folder) return "";
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(mirror.c_str(), nullptr), std::free);
    if (!real) return "--mirror " + mirror + ": there is no such folder";
    struct stat status {};
    if (::stat(real.get(), &status) != 0 || !S_ISDIR(status.st_mode))
      return "--mirror " + mirror + ": it is not a folder";
    mirror = real.get();
    return "";
  }

  int run() {
    Diagnostics mistakes;
    RunHosts hosts(
        options_.reach, mistakes, [this] { report_(ResourceStarted{}); }, say);
    const KeptPlan kept(options_, hosts);
    if (!options_.trust_writable) hosts.guard_files(person_.uid, options_.state, mistakes);
    hosts.distrust_too(options_.distrusted);
    LoadOptions load{options_.vars_files, options_.sets, person_.home, &kept.files(hosts)};
    if (!options_.reach.ssh_config.empty())
      load.ssh_config = std::filesystem::absolute(options_.reach.ssh_config).lexically_normal();
    if (options_.plan) load.environment = options_.plan->environment;
    const Playbook playbook = load_playbook(options_.playbook, load, all_modules(), mistakes);
    check_selection(playbook, mistakes);
    keys_ = playbook_keys(playbook, options_.playbook);
    if (!mistakes.empty()) return refused(wrong(mistakes, options_));

    if (const std::string wrong_path = settle_paths(playbook); !wrong_path.empty()) {
      say(wrong_path);
      return refused(exit_wrong);
    }

    const bool dry = options_.dry;
    const bool only_prune = options_.prune == ApplyOptions::Prune::alone;
    report_ = kept.told(report_);
    ConductSettings settings{dry || only_prune, options_.fail_fast, options_.reach.forks,
                             options_.reach.serial};
    settings.judge = [&hosts](const std::string& host, const PassResult& result, Diagnostics& wrong) {
      hosts.judge(host, result, wrong);
    };
    const EventSink listening = [this, only_prune](const Event& e) {
      note(e);
      if (!only_prune || pruning_) report_(e);
    };
    settings.all_or_nothing = options_.all_or_nothing;
    kept.set_plays(playbook, hosts);
    std::optional<Coordinator> coordinator;
    coordinator.emplace(playbook, std::move(settings), cancellation_, listening);
    hosts.set_observer(kept.observer());
    hosts.open_secrets(playbook, dry || only_prune, cancellation_);
    hosts.take_part(*coordinator, playbook, part_settings(), load, cancellation_);
    if (Diagnostics unread = hosts.unread(); !unread.empty()) return refused(not_started(unread, options_));
    report_(RunStarted{options_.playbook, dry ? "plan" : only_prune ? "prune" : "apply", hosts.names()});
    Conclusion conclusion = coordinator->go();
    const std::vector<ShownLine> lines = show(playbook, *coordinator, conclusion);
    if (!conclusion.mistakes.empty() && conclusion.early)
      return refused(playbook.secrets->failed() ? not_started(conclusion.mistakes, options_)
                                                : wrong(conclusion.mistakes, options_));
    // Found only after the changes that they depended on.
    show_mistakes(conclusion.mistakes, options_.output.colour);
    if (only_prune) {
      conclusion.counts = {};
      for (HostFinished& host : conclusion.hosts) host.counts = {};
    }
    if (!kept.holds_back()) prune(*coordinator, conclusion);
    for (HostFinished& host : conclusion.hosts) host.error = playbook.secrets->concealed(std::move(host.error));
    coordinator.reset();  // and with it the locks
    const int status = finish(conclusion, hosts.names(), lines);
    return kept.conclude(playbook, hosts, status);
  }

  // Resources that the playbook no longer has: reported, or removed if requested.
  void prune(Coordinator& coordinator, Conclusion& conclusion) {
    const bool part = !options_.only.empty() || !options_.tags.empty();
    if (part || conclusion.interrupted || !conclusion.mistakes.empty()) return;
    const bool alone = options_.prune == ApplyOptions::Prune::alone;
    pruning_ = true;
    coordinator.prune({options_.prune != ApplyOptions::Prune::no, alone, options_.dry, new_run_id("")},
                      conclusion);
  }

  PartSettings part_settings() const {
    const bool dry = options_.dry || options_.prune == ApplyOptions::Prune::alone;
    PartSettings settings{options_.only, options_.tags,    options_.mirror,
                          dry,           options_.no_sudo, options_.fail_fast};
    settings.run = {
        new_run_id(""), "apply", options_.playbook, keys_.front(), {keys_.begin() + 1, keys_.end()}};
    settings.journal = {options_.state, options_.keep_limit};
    settings.wait_seconds = options_.wait;
    return settings;
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

  // Filled in after a plan too, so that mistakes in them are found before anything is changed.
  std::vector<ShownLine> show(const Playbook& playbook, const Coordinator& coordinator,
                              Conclusion& conclusion) const {
    if (playbook.show.empty() || !conclusion.mistakes.empty()) return {};
    const auto count = [&](Outcome o) { return conclusion.counts[static_cast<std::size_t>(o)]; };
    const bool whole = count(Outcome::failed) + count(Outcome::not_converged) == 0;
    if (!whole || conclusion.interrupted || conclusion.not_started) return {};
    return show_lines(playbook, Facts(person_), coordinator.values(), conclusion.mistakes);
  }

  // With --json the last line is always the summary.
  int refused(int status) {
    if (!options_.output.json) return status;
    RunFinished event;
    event.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    event.interrupted = status == exit_interrupted;
    event.exit_status = status;
    report_(event);
    return status;
  }

  int finish(const Conclusion& conclusion, const std::vector<std::string>& names,
             const std::vector<ShownLine>& lines) {
    const int status = exit_status(conclusion);
    for (const HostFinished& host : conclusion.hosts)
      if (!host.error.empty())
        say(host.host == "local" ? host.error : host.host + ": " + printable(host.error));
    const bool here_alone = names.size() == 1 && names.front() == "local";
    if (here_alone && conclusion.not_started && !conclusion.touched)
      return refused(cancellation_.cancelled() ? exit_interrupted : status);
    RunFinished event;
    event.counts = conclusion.counts;
    event.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    event.interrupted = conclusion.interrupted;
    event.exit_status = status;
    if (!options_.dry) event.show = lines;
    if (!here_alone) event.hosts = conclusion.hosts;
    report_(event);
    return status;
  }

  ApplyOptions options_;
  bool pruning_ = false;
  std::vector<std::string> keys_;  // playbook_keys
  bool acted_ = false;             // something was changed, or failed while being changed
  const Clock::time_point started_ = Clock::now();
  Person person_;
  Cancellation cancellation_;
  InterruptHandler interrupts_;
  Output output_;
  EventSink report_;
};

}  // namespace

std::vector<std::string> playbook_keys(const Playbook& playbook, const std::string& path) {
  constexpr std::size_t enough = 16;  // hex digits of the digest
  const PlanPlace here = this_place();
  const std::string machine = here.machine.empty() ? here.host : here.machine.substr(0, enough);
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  const bool stays = real && !std::string_view(real.get()).starts_with("/proc/");
  const std::string place = stays ? real.get() : path;
  std::vector<std::string> keys;
  if (!playbook.name.empty()) keys.push_back(fmt::format("{}:{}", machine, playbook.name));
  keys.push_back(fmt::format("{}:{}", machine, place));
  if (machine != here.host) keys.push_back(fmt::format("{}:{}", here.host, place));
  return keys;
}

void add_reach_options(CommandOptions& command, ReachSettings& reach) {
  command
      .repeated("--host", reach.hosts,
                "Another machine: a name that ssh knows, or user@host:port (again for more)")
      .value_name("HOST");
  command.option("--hosts", reach.hosts_file, "Other machines from a file, one a line").value_name("FILE");
  command.flag("--accept-new-host-keys", reach.accept_new_host_keys,
               "Take a machine's key that is not known yet, and remember it");
  command.option("--ssh-config", reach.ssh_config, "Another file than ~/.ssh/config").value_name("FILE");
}

namespace {

void add_options(CommandOptions& command, ApplyOptions& options) {
  command.option("playbook", options.playbook, "The playbook, a JSON file; or a plan that was kept")
      .required()
      .value_name("PLAYBOOK");
  command.repeated("--set", options.sets, "Set a variable (again for more)").value_name("NAME=VALUE");
  command.repeated("--vars", options.vars_files, "Variables from a JSON file (again for more)")
      .value_name("FILE");
  command.repeated("--only", options.only, "Change only the resource with this id (again for more)")
      .value_name("ID");
  command.repeated("--tag", options.tags, "Change only resources with this tag (again for more)")
      .value_name("TAG");
  command.option("--mirror", options.mirror, "Read https://HOST/PATH from MIRROR/HOST/PATH first")
      .value_name("DIR|URL");
  command.option("--state", options.state, "Keep state databases in this folder, one for each user who acts")
      .value_name("DIR");
  command
      .option("--keep-limit", options.keep_limit,
              "What is replaced is kept, to be taken back, up to this size (64MiB)")
      .size_in_bytes()
      .value_name("SIZE");
  command.option("--wait", options.wait, "Wait so long for another run to end (0: not at all)")
      .value_name("SECONDS");
  add_output_options(command, options.output);
  command.flag("--no-sudo", options.no_sudo, "Never become another user");
  command.flag("--trust-writable", options.trust_writable,
               "As root, also follow files that others could change");
  command.flag("--fail-fast", options.fail_fast, "Stop at the first failure");
  command.option("--forks", options.reach.forks, "How many hosts are worked on at once (32)")
      .between(1, 10'000)
      .value_name("N");
  command.option("--serial", options.reach.serial, "Change so many hosts after the other; stop where one fails")
      .between(1, 10'000)
      .value_name("N");
  add_reach_options(command, options.reach);
}

}  // namespace

int apply_playbook(const ApplyOptions& options) {
  ApplyOptions settled = options;
  settled.reach.trust_writable = settled.trust_writable;
  if (const auto refused = take_plan(settled)) return *refused;
  if (settled.prune != ApplyOptions::Prune::no && (!settled.only.empty() || !settled.tags.empty())) {
    say("--prune looks at all of a playbook: without --only and --tag");
    return exit_wrong;
  }
  return Application(settled).go();
}

void add_plan_and_apply(CommandLine& program) {
  CommandOptions plan = program.command("plan", "Say what would change; change nothing");
  const auto planned = std::make_shared<ApplyOptions>();
  planned->dry = true;
  add_options(plan, *planned);
  const auto add_prune = [](CommandOptions& command, ApplyOptions& options) {
    command.flag(
        "--prune", [&options] { options.prune = ApplyOptions::Prune::too; },
        "Remove what an earlier version of the playbook made and this one no longer has");
  };
  add_prune(plan, *planned);
  plan.option("--out", planned->out, "Keep the plan in a file, for apply").value_name("FILE");
  plan.action([planned] { return apply_playbook(*planned); });

  CommandOptions apply = program.command("apply", "Make this machine match the playbook");
  const auto applied = std::make_shared<ApplyOptions>();
  add_options(apply, *applied);
  apply.flag("--dry-run", applied->dry, "The same as plan");
  add_prune(apply, *applied);
  apply.flag("--all-or-nothing", applied->all_or_nothing,
             "With a plan file: do nothing where any part of it does not hold any more");
  apply.action([applied] { return apply_playbook(*applied); });

  CommandOptions prune = program.command("prune", "Remove what an earlier version of the playbook made");
  const auto pruned = std::make_shared<ApplyOptions>();
  pruned->prune = ApplyOptions::Prune::alone;
  add_options(prune, *pruned);
  prune.flag("--dry-run", pruned->dry, "Only show it");
  prune.action([pruned] { return apply_playbook(*pruned); });
}

}  // namespace mlops
