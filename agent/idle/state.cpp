#include "idle/state.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <cstdio>

#include "base/descriptor_io.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/proc_file.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest_state = 1u << 20;  // bytes; what a check writes is far smaller

using Numbers = std::map<std::string, std::uint64_t>;

std::string file_in(const std::string& folder) { return folder + "/state.json"; }

Value to_value(const Observation& o) {
  Value v;
  v.set("source", o.source);
  v.set("active", o.active);
  v.set("unknown", o.unknown);
  v.set("detail", o.detail);
  return v;
}

Value to_value(const Numbers& numbers) {
  Value v{Value::Object()};
  for (const auto& [key, number] : numbers) v.set(key, number);
  return v;
}

Value to_value(const IdleState& state) {
  Value v, kernels{Value::Object()};
  Value::Array observations;
  for (const auto& [port, last] : state.kernels) kernels.set(port, last);
  for (const Observation& o : state.observations) observations.push_back(to_value(o));
  v.set("boot", state.boot);
  v.set("checked", state.checked ? Value(*state.checked) : Value());
  v.set("idle", state.idle);
  v.set("warned", state.warned ? Value(*state.warned) : Value());
  v.set("keep_until", state.keep_until);
  v.set("connections", to_value(state.connections));
  v.set("terminals", to_value(state.terminals));
  v.set("kernels", std::move(kernels));
  v.set("observations", std::move(observations));
  return v;
}

// Members that are missing or of another type are as in a new state.
std::optional<std::uint64_t> number(const Value& v, const char* key) {
  const Value* found = v.find(key);
  return found && found->is_integer() ? std::optional(static_cast<std::uint64_t>(found->as_integer()))
                                      : std::nullopt;
}
std::string text(const Value& v, const char* key) {
  const Value* found = v.find(key);
  return found && found->is_string() ? found->as_string() : "";
}
bool flag(const Value& v, const char* key) {
  const Value* found = v.find(key);
  return found && found->is_bool() && found->as_bool();
}

Numbers numbers(const Value& v, const char* key) {
  Numbers found;
  if (const Value* all = v.find(key); all && all->is_object())
    for (const auto& one : all->as_object())
      if (one.value.is_integer()) found[one.key] = static_cast<std::uint64_t>(one.value.as_integer());
  return found;
}

IdleState state_of(const Value& v) {
  IdleState state;
  state.boot = text(v, "boot");
  state.checked = number(v, "checked");
  state.idle = number(v, "idle").value_or(0);
  state.warned = number(v, "warned");
  state.keep_until = number(v, "keep_until").value_or(0);
  state.connections = numbers(v, "connections");
  state.terminals = numbers(v, "terminals");
  if (const Value* all = v.find("kernels"); all && all->is_object())
    for (const auto& one : all->as_object())
      if (one.value.is_string()) state.kernels[one.key] = one.value.as_string();
  if (const Value* all = v.find("observations"); all && all->is_array())
    for (const Value& one : all->as_array())
      state.observations.push_back(
          {text(one, "source"), flag(one, "active"), text(one, "detail"), flag(one, "unknown")});
  return state;
}

}  // namespace

std::uint64_t seconds_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

std::string current_boot() {
  std::string id = boot_id();
  if (id.empty()) throw Error("cannot read /proc/sys/kernel/random/boot_id");
  return id;
}

std::optional<IdleState> load_idle_state(const std::string& folder) {
  const std::string json = read_proc_file(file_in(folder));
  if (json.empty() || json.size() > largest_state) return std::nullopt;
  const Source source{file_in(folder), json};
  Diagnostics mistakes;
  const auto value = parse_document(source, mistakes);
  if (!value || !mistakes.empty() || text(*value, "boot") != current_boot()) return std::nullopt;
  return state_of(*value);
}

void save_idle_state(const std::string& folder, const IdleState& state) {
  const std::string path = file_in(folder), fresh = path + ".new";
  const std::string json = to_json(to_value(state), 1) + "\n";
  {
    const Handle file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file || ::fchmod(file.get(), 0644) != 0) throw system_error("writing " + fresh, errno);
    write_all(file.get(), json, "writing", fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) throw system_error("renaming " + fresh, errno);
}

}  // namespace mlops
