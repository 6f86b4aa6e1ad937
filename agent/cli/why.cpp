// mlops-agent why PLAYBOOK RESOURCE: shows a resource's desired and current state, and where each value comes
// from.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/person.hpp"
#include "base/suggest.hpp"
#include "base/url_password.hpp"
#include "cli/apply.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/run_text.hpp"
#include "model/wording.hpp"
#include "playbook/provenance.hpp"
#include "runs/run_records.hpp"
#include "runs/saved_plan.hpp"
#include "state/kept.hpp"

namespace mlops {
namespace {

constexpr std::size_t value_length = 100;  // code points

struct WhyOptions {
  std::string playbook, resource, state, mirror;
  std::vector<std::string> sets, vars_files;
  std::string colour = "auto";  // --color
  bool json = false;
};

// The outcome of one resource in a plan; for a repeated one, of its instances.
struct Found : RunObserver {
  struct One {
    Value parameters;
    ResourceFinished finished;
  };
  std::vector<std::string> labels;  // the requested ones, in the order in which they were reported
  std::map<std::string, One> by_label;
  std::function<bool(const std::string&)> wanted;

  void recovers(const Inspection&, const std::vector<Action>&) override {}
  void pass_begins(bool) override {}
  void about_to_act() override {}
  void inspected(const Inspection& seen, const Diff&, const std::vector<std::string>&) override {
    if (wanted(seen.label)) by_label[seen.label].parameters = masked(seen.parameters);
  }
  void take(const Event& event) {
    const auto* e = std::get_if<ResourceFinished>(&event);
    if (!e || !wanted(e->label)) return;
    labels.push_back(e->label);
    by_label[e->label].finished = *e;
  }
};

std::string place(const Position& where) {
  return where.source ? fmt::format("{}:{}:{}", where.source->name, where.line, where.column) : "";
}

std::string describe(const ProvenanceStep& origin) {
  if (!origin.where.source) return "{{" + origin.name + "}}";
  if (origin.kind == ProvenanceStep::Kind::replaced) return "in place of what stands at " + place(origin.where);
  const std::string what = origin.name.empty() ? "" : origin.name + " is ";
  return what + cut(printable(without_url_passwords(origin.text)), value_length) + "  " +
         printable(place(origin.where));
}

const Change* change_of(const ResourceFinished& e, const std::string& property) {
  const auto found =
      std::find_if(e.changes.begin(), e.changes.end(), [&](const Change& c) { return c.property == property; });
  return found == e.changes.end() ? nullptr : &*found;
}

std::string state_in_words(const ResourceFinished& e) {
  std::string text = to_text(e.outcome);
  std::replace(text.begin(), text.end(), '_', ' ');
  return e.reason.empty() ? text : text + ": " + printable(e.reason);
}

const char* state_colour(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
    case Outcome::skipped:
      return sgr::dim;
    case Outcome::changed:
      return sgr::green;
    case Outcome::would_change:
      return sgr::yellow;
    case Outcome::unknown:
      return sgr::magenta;
    case Outcome::failed:
    case Outcome::not_converged:
      return sgr::bold_red;
  }
  return sgr::dim;
}

class Why {
 public:
  explicit Why(const WhyOptions& options) : options_(options), interrupts_(cancellation_) {}

  int go() {
    Diagnostics mistakes;
    const ReachSettings reach;
    RunHosts hosts(
        reach, mistakes, [] {}, say);
    const LoadOptions load{options_.vars_files, options_.sets, current_person().home, &hosts.files()};
    const Playbook playbook = load_playbook(options_.playbook, load, all_modules(), mistakes);
    if (!mistakes.empty()) return wrong(mistakes);
    const Resource* resource = find(playbook);
    if (!resource) return unknown(playbook);
    Found found;
    found.wanted = [&](const std::string& label) { return is_of(*resource, label); };
    ConductSettings dry;
    dry.dry = true;
    Coordinator coordinator(playbook, dry, cancellation_, [&](const Event& e) { found.take(e); });
    hosts.set_observer(&found);
    PartSettings settings{{}, {}, options_.mirror, true, false, false};
    keys_ = playbook_keys(playbook, options_.playbook);
    settings.run = {"", "apply", options_.playbook, keys_.front(), {keys_.begin() + 1, keys_.end()}};
    settings.journal.folder = options_.state;
    hosts.open_secrets(playbook, true, cancellation_);
    hosts.take_part(coordinator, playbook, settings, load, cancellation_);
    const Conclusion conclusion = coordinator.go();
    if (conclusion.interrupted) return exit_interrupted;
    if (!conclusion.mistakes.empty()) {
      Diagnostics told = conclusion.mistakes;
      return wrong(told);
    }
    const auto from = provenance(playbook, *resource);
    for (const std::string& label : found.labels) {
      if (!std::exchange(first_, false) && !options_.json) fmt::print("\n");
      options_.json ? print_json(found.by_label[label], from) : print(found.by_label[label], from);
    }
    if (found.labels.empty()) say(fmt::format("{} has no turn in this plan", options_.resource));
    return found.labels.empty() ? exit_not_started : exit_done;
  }

 private:
  int wrong(Diagnostics& mistakes) {
    mistakes.sort();
    show_mistakes(mistakes);
    return exit_wrong;
  }

  // By its id, or its label.
  const Resource* find(const Playbook& playbook) const {
    for (const Play& play : playbook.plays)
      for (const Resource& r : play.resources)
        if (r.id == options_.resource || is_of(r, options_.resource)) return &r;
    return nullptr;
  }
  // Also an instance of a for_each, and a label whose values are filled in.
  static bool is_of(const Resource& r, const std::string& label) {
    const std::string own = label_of(r, r.parameters);
    if (label == own || (!r.for_each.is_null() && label.starts_with(own + "["))) return true;
    const bool open = r.id.empty() && own.find("{{") != std::string::npos;
    return open && label.starts_with(own.substr(0, own.find("{{"))) && label.ends_with("]");
  }
  int unknown(const Playbook& playbook) const {
    std::vector<std::string> names;
    for (const Play& play : playbook.plays)
      for (const Resource& r : play.resources) names.push_back(r.id.empty() ? label_of(r, r.parameters) : r.id);
    const std::string hint = did_you_mean(options_.resource, names);
    say(fmt::format("{} has no resource {}{}", options_.playbook, options_.resource,
                    hint.empty() ? "" : "; " + hint));
    return exit_wrong;
  }

  std::optional<RecordedRuns::LastChange> last_change(const std::string& label) const {
    try {
      const RunRecords records(options_.state, say);
      for (const std::string& key : keys_)
        if (auto last = records.own().last_change(key, label)) return last;
      return std::nullopt;
    } catch (const NoSuchRun&) {
      return std::nullopt;
    } catch (const DatabaseError& e) {
      say(e.message());
      return std::nullopt;
    }
  }

  void print(const Found::One& one, const std::vector<ParameterProvenance>& from) const {
    const ResourceFinished& e = one.finished;
    const auto line = [&](std::string_view head, std::string_view text) {
      put(paper_.hanging(head, text) + "\n");
    };
    line("", paper_.coloured(sgr::bold, printable(e.label)) + printable(e.as.empty() ? "" : "  as " + e.as) +
                 ": " + paper_.coloured(state_colour(e.outcome), state_in_words(e)));
    std::size_t width = 10;  // of the names of parameters
    for (const ParameterProvenance& parameter : from)
      width = std::max(width, columns(printable(parameter.parameter)));
    for (const ParameterProvenance& parameter : from) {
      const Value* wanted = one.parameters.find(parameter.parameter);
      const Change* change = change_of(e, parameter.parameter);
      std::string text = wanted ? describe(*wanted, value_length) : "";
      if (change)
        text += (text.empty() ? "" : "  ") +
                paper_.coloured(sgr::yellow, "differs: " + describe(*change, value_length));
      line(fmt::format("  {:<{}}", printable(parameter.parameter), width + 2), text);
      for (const ProvenanceStep& step : parameter.steps)
        line("      " + std::string(2 * step.depth, ' '), paper_.coloured(sgr::dim, describe(step)));
    }
    std::string others;
    for (const Change& change : e.changes)
      if (std::none_of(from.begin(), from.end(), [&](const auto& p) { return p.parameter == change.property; }))
        others += (others.empty() ? "" : ", ") + describe(change, value_length);
    if (!others.empty()) line(fmt::format("  {:<{}}", "also", width + 2), others);
    const auto last = last_change(e.label);
    if (!last) return line("", "no recorded run has changed it");
    std::string what;
    for (const Change& change : last->step.changes)
      what += (what.empty() ? ": " : ", ") + describe(change, value_length);
    line("", fmt::format("last changed by {} {} of {}{}", printable(last->run.kind), printable(last->run.id),
                         local_time(last->run.started), what));
  }

  void print_json(const Found::One& one, const std::vector<ParameterProvenance>& from) const {
    const ResourceFinished& e = one.finished;
    Value v;
    v.set("event", "why");
    v.set("label", e.label);
    v.set("as", e.as);
    v.set("outcome", to_text(e.outcome));
    v.set("reason", e.reason.empty() ? Value() : Value(e.reason));
    Value::Array parameters;
    for (const ParameterProvenance& parameter : from) {
      const Value* wanted = one.parameters.find(parameter.parameter);
      const Change* change = change_of(e, parameter.parameter);
      Value p;
      p.set("name", parameter.parameter);
      p.set("desired", wanted ? *wanted : Value());
      p.set("differs", change != nullptr);
      p.set("current", change && !change->sensitive ? masked(change->before)
                       : change || !wanted          ? Value()
                                                    : *wanted);
      Value::Array steps;
      for (const ProvenanceStep& step : parameter.steps) {
        Value s;
        s.set("name", step.name.empty() ? Value() : Value(step.name));
        s.set("where", step.where.source ? Value(place(step.where)) : Value());
        s.set("text", step.text.empty() ? Value() : Value(without_url_passwords(step.text)));
        s.set("depth", static_cast<std::int64_t>(step.depth));
        steps.push_back(std::move(s));
      }
      p.set("from", std::move(steps));
      parameters.push_back(std::move(p));
    }
    v.set("parameters", std::move(parameters));
    v.set("changes", to_kept_list(e.changes));
    const auto last = last_change(e.label);
    Value run;
    if (last) {
      run.set("run", last->run.id);
      run.set("kind", last->run.kind);
      run.set("started", iso_time(last->run.started));
      run.set("changes", to_kept_list(last->step.changes));
    }
    v.set("last_change", std::move(run));
    fmt::print("{}\n", to_json(v));
  }

  const WhyOptions& options_;
  std::vector<std::string> keys_;
  const Paper paper_ = Paper::of(stdout, options_.colour);
  Cancellation cancellation_;
  InterruptHandler interrupts_;
  bool first_ = true;
};

}  // namespace

void add_why(CommandLine& program) {
  const auto options = std::make_shared<WhyOptions>();
  CommandOptions command =
      program.command("why", "What a resource wants, what is there, and where each value comes from");
  command.option("playbook", options->playbook, "The playbook, a JSON file").required().value_name("PLAYBOOK");
  command.option("resource", options->resource, "Its id, or its label: docker, file[/etc/motd]")
      .required()
      .value_name("RESOURCE");
  command.repeated("--set", options->sets, "Set a variable (again for more)").value_name("NAME=VALUE");
  command.repeated("--vars", options->vars_files, "Variables from a JSON file (again for more)")
      .value_name("FILE");
  command.option("--mirror", options->mirror, "Read https://HOST/PATH from MIRROR/HOST/PATH first")
      .value_name("DIR|URL");
  command.option("--state", options->state, "Another state folder").value_name("DIR");
  command.flag("--json", options->json, "One JSON object a line");
  add_colour_option(command, options->colour);
  command.action([options] { return Why(*options).go(); });
}

}  // namespace mlops
