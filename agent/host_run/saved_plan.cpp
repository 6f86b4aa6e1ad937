#include "host_run/saved_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/descriptor_io.hpp"
#include "base/digest.hpp"
#include "base/handle.hpp"
#include "base/person.hpp"
#include "base/url_password.hpp"
#include "model/value_wire.hpp"
#include "resource/file_source.hpp"
#include "state/journal_json.hpp"
#include "state/json_value.hpp"

namespace mlops {
namespace {

constexpr const char* mark = "mlops_agent_plan";  // its first member
constexpr std::int64_t format = 2;

Value put(const std::vector<std::string>& list) {
  Value::Array items;
  for (const std::string& item : list) items.push_back(kept_text(item));
  return Value(std::move(items));
}
Value put(const std::map<std::string, std::string>& map) {
  Value v{Value::Object{}};
  for (const auto& [key, text] : map) v.set(key, kept_text(text));
  return v;
}
void get(const Value* v, std::string& into) { into = text_of(v); }
void get(const Value* v, std::vector<std::string>& into) {
  if (v && v->is_array())
    for (const Value& item : v->as_array()) into.push_back(text_of(&item));
}
void get(const Value* v, std::map<std::string, std::string>& into) {
  if (v && v->is_object())
    for (const auto& member : v->as_object()) into[member.key] = text_of(&member.value);
}
std::int64_t number(const Value* v) { return v && v->is_integer() ? v->as_integer() : 0; }

Value put(const PlanPlace& place) {
  Value v;
  v.set("host", place.host);
  v.set("machine", place.machine);
  v.set("caller", place.caller);
  v.set("person", place.person);
  return v;
}
PlanPlace place_in(const Value& v) {
  PlanPlace place;
  get(v.find("host"), place.host);
  get(v.find("machine"), place.machine);
  get(v.find("caller"), place.caller);
  get(v.find("person"), place.person);
  return place;
}

Value put(const PlannedResource& r) {
  Value v;
  v.set("on", r.host);
  v.set("play", static_cast<std::int64_t>(r.play));
  v.set("label", r.label);
  v.set("as", r.as);
  v.set("outcome", to_text(r.outcome));
  v.set("reason", kept_text(r.reason));
  v.set("parameters", r.parameters);
  if (!r.secrets.empty()) v.set("secrets", r.secrets);
  v.set("actions", r.actions);
  if (!r.recovery.empty()) v.set("recovery", r.recovery);
  v.set("ground", put(r.preconditions));
  v.set("changes", to_kept_list(r.changes));
  v.set("maybe", put(r.maybe));
  return v;
}
PlannedResource planned(const Value& v) {
  PlannedResource r;
  get(v.find("on"), r.host);
  r.play = static_cast<std::size_t>(number(v.find("play")));
  get(v.find("label"), r.label);
  get(v.find("as"), r.as);
  for (std::size_t i = 0; i < outcome_count; ++i)
    if (text_of(v.find("outcome")) == to_text(static_cast<Outcome>(i))) r.outcome = static_cast<Outcome>(i);
  get(v.find("reason"), r.reason);
  get(v.find("parameters"), r.parameters);
  get(v.find("secrets"), r.secrets);
  get(v.find("actions"), r.actions);
  get(v.find("recovery"), r.recovery);
  get(v.find("ground"), r.preconditions);
  if (const Value* changes = v.find("changes"); changes && changes->is_array())
    for (const Value& kept : changes->as_array()) r.changes.push_back(kept_change(kept));
  get(v.find("maybe"), r.maybe);
  return r;
}

// Without the digest.
Value put(const PlanFile& plan) {
  Value v;
  v.set(mark, format);
  v.set("version", plan.version);
  v.set("made", plan.made);
  v.set("host", plan.place.host);
  v.set("machine", plan.place.machine);
  v.set("caller", plan.place.caller);
  v.set("person", plan.place.person);
  v.set("playbook", plan.playbook);
  v.set("texts", put(plan.texts));
  v.set("sources", put(plan.sources));
  v.set("vars_files", put(plan.vars_files));
  v.set("sets", put(plan.sets));
  v.set("environment", put(plan.environment));
  v.set("only", put(plan.only));
  v.set("tags", put(plan.tags));
  v.set("mirror", plan.mirror);
  v.set("hosts", put(plan.hosts));
  v.set("ssh_config", plan.ssh_config);
  Value places{Value::Object{}};
  for (const auto& [name, place] : plan.places) places.set(name, put(place));
  v.set("places", std::move(places));
  Value::Array resources;
  for (const PlannedResource& r : plan.resources) resources.push_back(put(r));
  v.set("resources", std::move(resources));
  return v;
}
PlanFile plan_in(const Value& v) {
  PlanFile plan;
  get(v.find("version"), plan.version);
  plan.made = number(v.find("made"));
  get(v.find("host"), plan.place.host);
  get(v.find("machine"), plan.place.machine);
  get(v.find("caller"), plan.place.caller);
  get(v.find("person"), plan.place.person);
  get(v.find("playbook"), plan.playbook);
  get(v.find("texts"), plan.texts);
  get(v.find("sources"), plan.sources);
  get(v.find("vars_files"), plan.vars_files);
  get(v.find("sets"), plan.sets);
  get(v.find("environment"), plan.environment);
  get(v.find("only"), plan.only);
  get(v.find("tags"), plan.tags);
  get(v.find("mirror"), plan.mirror);
  get(v.find("hosts"), plan.hosts);
  get(v.find("ssh_config"), plan.ssh_config);
  if (const Value* places = v.find("places"); places && places->is_object())
    for (const auto& member : places->as_object()) plan.places[member.key] = place_in(member.value);
  if (const Value* resources = v.find("resources"); resources && resources->is_array())
    for (const Value& r : resources->as_array()) plan.resources.push_back(planned(r));
  return plan;
}

std::string take_digest(Value& v) {
  std::string digest;
  if (!v.is_object()) return digest;
  auto& members = v.as_object();
  for (auto member = members.begin(); member != members.end(); ++member)
    if (member->key == "digest") {
      digest = text_of(&member->value);
      members.erase(member);
      break;
    }
  return digest;
}

}  // namespace

PlanPlace this_place() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  const FileBeside id = files_on_disk().read("/etc/machine-id", true, 4096);
  const bool known = id.error == 0 && id.content.size() > 1;
  return {name.data(), known ? sha256_hex("mlops-agent " + id.content) : "", effective_person().name,
          current_person().name};
}

void write_plan(const std::string& path, const PlanFile& plan) {
  Value v = put(plan);
  v.set("version", MLOPS_VERSION);
  v.set("digest", sha256_hex(to_json(v)));
  const std::string beside = fmt::format("{}.{}.tmp", path, ::getpid());
  try {
    const Handle file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) throw system_error("cannot be made", errno);
    write_all(file.get(), to_json(v, 1) + "\n", "cannot write", "");
    if (::fsync(file.get()) != 0) throw system_error("cannot write", errno);
    if (::rename(beside.c_str(), path.c_str()) != 0) throw system_error("cannot be put in its place", errno);
  } catch (Error& e) {
    ::unlink(beside.c_str());
    throw e.while_doing("the plan file " + path);
  }
}

std::optional<PlanFile> read_plan(const std::string& path, const FileSource& files) {
  const FileBeside file = files.whole(path);
  const std::string begins = fmt::format("\"{}\"", mark);
  if (file.error != 0 || !file.regular || file.content.substr(0, 64).find(begins) == std::string::npos)
    return std::nullopt;
  Value v = parse_kept(file.content);
  const std::string digest = take_digest(v);
  if (digest.empty() || digest != sha256_hex(to_json(v)))
    throw PlanRefused(PlanRefused::Why::altered,
                      path + ": the plan file is not as it was written: its digest does not match");
  PlanFile plan = plan_in(v);
  if (plan.version != MLOPS_VERSION || number(v.find(mark)) != format)
    throw PlanRefused(PlanRefused::Why::other_version,
                      fmt::format("{}: the plan was made by version {} of mlops-agent, this is {}; plan anew",
                                  path, plan.version, MLOPS_VERSION));
  return plan;
}

void check_place(const std::string& path, const PlanFile& plan, const PlanPlace& here) {
  const PlanPlace& there = plan.place;
  const bool known = !there.machine.empty() && !here.machine.empty();
  if (known ? there.machine != here.machine : there.host != here.host)
    throw PlanRefused(
        PlanRefused::Why::other_place,
        fmt::format("{}: the plan was made on another machine, {}; this is {}", path, there.host, here.host));
  if (there.caller != here.caller || there.person != here.person) {
    const auto who = [](const PlanPlace& p) {
      return p.caller == p.person ? p.caller : p.caller + " for " + p.person;
    };
    throw PlanRefused(PlanRefused::Why::other_place,
                      fmt::format("{}: the plan was made by {}; this is {}", path, who(there), who(here)));
  }
}

Value masked(const Value& v) {
  if (v.secret) return Value("***");
  if (v.is_array()) {
    Value::Array items;
    for (const Value& item : v.as_array()) items.push_back(masked(item));
    return Value(std::move(items));
  }
  if (v.is_string()) return Value(without_url_passwords(v.as_string()));
  if (!v.is_object()) return v;
  Value all{Value::Object{}};
  for (const auto& member : v.as_object()) all.set(member.key, masked(member.value));
  return all;
}

// Secrets are left out: a digest would allow guessing them.
std::string digest_of_parameters(const Value& parameters) { return sha256_hex(to_json(masked(parameters))); }

std::string keyed_digest_of_parameters(const Value& parameters, const std::string& key) {
  return hmac_sha256_hex(key, to_json(parameters));
}

// Whether the index is fetched first depends on the time of day. Values that may hold secrets are left out: a
// digest would allow guessing them, and their non-secret parts are among the parameters.
std::string digest_of_actions(const std::vector<Action>& actions) {
  if (actions.empty()) return "";
  std::vector<Action> same(actions);
  for (Action& action : same) {
    if (auto* install = std::get_if<InstallPackages>(&action)) install->refresh_index = false;
    if (auto* write = std::get_if<WriteFile>(&action); write && write->sensitive) write->content.clear();
    if (auto* run = std::get_if<RunCommand>(&action)) {
      for (auto& [name, value] : run->command.env) value.clear();
      run->command.input.reset();
    }
  }
  return sha256_hex(to_wire(same));
}

}  // namespace mlops
