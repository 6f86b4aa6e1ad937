// mlops-agent why PLAYBOOK RESOURCE: shows a resource's desired and current state, and where each value comes
// from.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/url_password.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/run_text.hpp"
#include "model/wording.hpp"
#include "runs/why.hpp"
#include "state/journal_json.hpp"

namespace mlops {
namespace {

constexpr std::size_t value_length = 100;  // code points

struct WhyOptions {
  WhyRequest request;
  std::string colour = "auto";  // --color
  bool json = false;
};

std::string place(const Position& where) {
  return where.source ? fmt::format("{}:{}:{}", where.source->name, where.line, where.column) : "";
}

std::string describe(const ProvenanceStep& origin) {
  if (!origin.where.source) return "{{" + origin.name + "}}";
  if (origin.kind == ProvenanceStep::Kind::replaced) return "overrides " + place(origin.where);
  const std::string what = origin.name.empty() ? "" : origin.name + " is ";
  return what + cut(printable(without_url_passwords(origin.text)), value_length) + "  " +
         printable(place(origin.where));
}

const Change* change_of(const ResourceFinished& e, const std::string& property) {
  const auto found =
      std::find_if(e.changes.begin(), e.changes.end(), [&](const Change& c) { return c.property == property; });
  return found == e.changes.end() ? nullptr : &*found;
}

std::string state_text(const ResourceFinished& e) {
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

void print(const ExplainedResource& one, const std::vector<ParameterProvenance>& from, const Paper& paper) {
  const ResourceFinished& e = one.finished;
  const auto line = [&](std::string_view head, std::string_view text) {
    put(paper.hanging(head, text) + "\n");
  };
  line("", paper.coloured(sgr::bold, printable(e.label)) + printable(e.as.empty() ? "" : "  as " + e.as) +
               ": " + paper.coloured(state_colour(e.outcome), state_text(e)));
  std::size_t width = 10;  // of the names of parameters
  for (const ParameterProvenance& parameter : from)
    width = std::max(width, columns(printable(parameter.parameter)));
  for (const ParameterProvenance& parameter : from) {
    const Value* wanted = one.parameters.find(parameter.parameter);
    const Change* change = change_of(e, parameter.parameter);
    std::string text = wanted ? describe(*wanted, value_length) : "";
    if (change)
      text += (text.empty() ? "" : "  ") +
              paper.coloured(sgr::yellow, "differs: " + describe(*change, value_length));
    line(fmt::format("  {:<{}}", printable(parameter.parameter), width + 2), text);
    for (const ProvenanceStep& step : parameter.steps)
      line("      " + std::string(2 * step.depth, ' '), paper.coloured(sgr::dim, describe(step)));
  }
  std::string others;
  for (const Change& change : e.changes)
    if (std::none_of(from.begin(), from.end(), [&](const auto& p) { return p.parameter == change.property; }))
      others += (others.empty() ? "" : ", ") + describe(change, value_length);
  if (!others.empty()) line(fmt::format("  {:<{}}", "also", width + 2), others);
  const auto& last = one.last_change;
  if (!last) return line("", "no recorded run has changed it");
  std::string what;
  for (const Change& change : last->step.changes)
    what += (what.empty() ? ": " : ", ") + describe(change, value_length);
  line("", fmt::format("last changed by {} {} of {}{}", printable(last->run.kind), printable(last->run.id),
                       local_time(last->run.started), what));
}

void print_json(const ExplainedResource& one, const std::vector<ParameterProvenance>& from) {
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
  const auto& last = one.last_change;
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

int why(const WhyOptions& options) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  const WhyResult result = explain(options.request, cancellation);
  if (result.end == RunEnd::interrupted) return exit_interrupted;
  show_mistakes(result.run.mistakes);
  const Paper paper = Paper::of(stdout, options.colour);
  bool first = true;
  for (const ExplainedResource& one : result.resources) {
    if (!std::exchange(first, false) && !options.json) fmt::print("\n");
    options.json ? print_json(one, result.from) : print(one, result.from, paper);
  }
  if (!result.error.empty()) say(result.error);
  return exit_status(result.end);
}

}  // namespace

void add_why(CommandLine& program) {
  const auto options = std::make_shared<WhyOptions>();
  options->request.warn = say;
  CommandOptions command =
      program.command("why", "Desired and current values of a resource, and where each was written");
  command.option("playbook", options->request.playbook, "The playbook, a JSON file")
      .required()
      .value_name("PLAYBOOK");
  command.option("resource", options->request.resource, "Its id, or its label: docker, file[/etc/motd]")
      .required()
      .value_name("RESOURCE");
  command.repeated("--set", options->request.sets, "Set a variable (again for more)").value_name("NAME=VALUE");
  command.repeated("--vars", options->request.vars_files, "Variables from a JSON file (again for more)")
      .value_name("FILE");
  command.option("--mirror", options->request.mirror, "Read https://HOST/PATH from MIRROR/HOST/PATH first")
      .value_name("DIR|URL");
  command.option("--state", options->request.state, "Use another state folder").value_name("DIR");
  command.flag("--json", options->json, "One JSON object a line");
  add_colour_option(command, options->colour);
  command.action([options] { return why(*options); });
}

}  // namespace mlops
