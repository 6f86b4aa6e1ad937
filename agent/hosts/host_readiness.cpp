#include "hosts/host_readiness.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "hosts/remote_script.hpp"

namespace mlops {
namespace {

using Json = nlohmann::json;

// One line each: a word of ours, then its content. cloud-init's generator leaves `enabled` where it will run.
constexpr const char* readiness_script = R"sh(
run=/run/cloud-init
one_line() { tr -d "\n" <"$1" 2>/dev/null | head -c 30000; }
if test -e $run/status.json; then
  echo "mlops-agent-status $(one_line $run/status.json)"
elif test -e $run/enabled; then
  echo "mlops-agent-status {}"
fi
test ! -e $run/result.json || echo "mlops-agent-result $(one_line $run/result.json)"
for lock in /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock; do
  test -e $lock || continue
  inode=$(ls -i $lock | sed "s/^ *//; s/ .*//")
  at="[0-9a-f]*:[0-9a-f]*:$inode "
  pid=$(sed -n "s/^[0-9]*: [A-Z]* *[A-Z]* *WRITE \([0-9]*\) $at.*/\1/p" /proc/locks | head -n 1)
  test -z "$pid" || echo "mlops-agent-lock $pid $(cat /proc/$pid/comm 2>/dev/null)"
done
)sh";

constexpr std::size_t most_errors = 2'000;  // bytes

std::string clean(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return text.substr(0, most_errors);
}

Json version_1(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object()) return Json::object();
  const auto found = parsed.find("v1");
  return found != parsed.end() && found->is_object() ? *found : Json::object();
}

void add_errors(const Json& holder, std::string& errors) {
  const auto list = holder.find("errors");
  if (list == holder.end() || !list->is_array()) return;
  for (const Json& error : *list)
    if (error.is_string() && errors.size() < most_errors)
      errors += (errors.empty() ? "" : "; ") + clean(error.get<std::string>());
}

std::string errors_of_stages(const Json& status) {
  std::string errors;
  for (const auto& stage : status)
    if (stage.is_object()) add_errors(stage, errors);
  return errors;
}

std::string cloud_init_stage(const Json& status) {
  const auto stage = status.find("stage");
  return stage != status.end() && stage->is_string() ? "cloud-init is at " + clean(stage->get<std::string>())
                                                     : "cloud-init has not finished";
}

}  // namespace

HostReadiness readiness_in(const std::string& output) {
  HostReadiness ready;
  bool runs = false, ended = false;
  std::string holder;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    const std::string word = line.substr(0, space), rest = space == line.npos ? "" : line.substr(space + 1);
    if (word == "mlops-agent-status") {
      const Json status = version_1(rest);
      runs = true;
      ready.why = cloud_init_stage(status);
      ready.errors = errors_of_stages(status);
    } else if (word == "mlops-agent-result") {
      ended = true;
      std::string errors;
      add_errors(version_1(rest), errors);
      if (!errors.empty()) ready.errors = errors;
    } else if (word == "mlops-agent-lock" && holder.empty()) {
      const auto name = rest.find(' ');
      const std::string pid = rest.substr(0, name),
                        program = name == rest.npos ? "" : clean(rest.substr(name + 1));
      holder = fmt::format("{} (pid {}) holds apt's lock", program.empty() ? "a program" : program, clean(pid));
    }
  }
  if (runs && !ended) {
    ready.waits = ArrivalStage::cloud_init;
    if (!ready.errors.empty()) ready.why += "; it says: " + ready.errors;
  } else {
    ready.why = holder;
    if (!holder.empty()) ready.waits = ArrivalStage::apt_lock;
  }
  return ready;
}

HostReadiness read_readiness(Connection& connection, const Cancellation& cancellation) {
  return readiness_in(
      run_script(connection, {readiness_script, {}, false, std::chrono::seconds(30)}, cancellation).output);
}

}  // namespace mlops
