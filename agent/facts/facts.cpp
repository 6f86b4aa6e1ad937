#include "facts/facts.hpp"

#include <array>
#include <fstream>
#include <sstream>

#include "facts/groups.hpp"

namespace mlops {
namespace {

using Gather = Value (*)(const Person&);

struct Group {
  std::string_view name;
  Gather gather;
};

constexpr std::array<Group, 9> groups = {{
    {"os", [](const Person&) { return facts::os(); }},
    {"arch", [](const Person&) { return facts::arch(); }},
    {"kernel", [](const Person&) { return facts::kernel(); }},
    {"cpu", [](const Person&) { return facts::cpu(); }},
    {"memory", [](const Person&) { return facts::memory(); }},
    {"user", [](const Person& person) { return facts::user(person); }},
    {"host", [](const Person&) { return facts::host(); }},
    {"init", [](const Person&) { return facts::init(); }},
    {"container", [](const Person&) { return facts::container(); }},
}};

}  // namespace

namespace facts {
std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
}  // namespace facts

const Value& Facts::group(const std::string& name) const {
  if (const auto found = groups_.find(name); found != groups_.end()) return found->second;
  for (const Group& g : groups)
    if (g.name == name) return groups_[name] = g.gather(person_);
  return groups_[name];  // null; lookup() asks for known ones only
}

std::optional<Value> Facts::lookup(std::span<const std::string> path) const {
  if (path.empty()) return all();
  bool known = false;
  for (const Group& g : groups) known |= g.name == path[0];
  if (!known) return {};
  const Value* at = &group(path[0]);
  for (const std::string& name : path.subspan(1))
    if (!(at = at->find(name))) return {};
  return *at;
}

Value Facts::all() const {
  Value v;
  for (const Group& g : groups) v.set(std::string(g.name), group(std::string(g.name)));
  return v;
}

std::span<const FactDoc> Facts::docs() {
  static const std::array<FactDoc, 20> docs = {{
      {"os.id", "text", "", "/etc/os-release ID", "The distribution: \"debian\", \"ubuntu\"."},
      {"os.version", "text", "", "/etc/os-release VERSION_ID",
       "Its version: \"12\", \"24.04\". Null where it has none."},
      {"os.codename", "text", "", "/etc/os-release VERSION_CODENAME",
       "\"bookworm\", \"noble\". Null where it has none."},
      {"os.family", "text", "", "/etc/os-release ID, ID_LIKE",
       "\"debian\" for Debian, Ubuntu and what comes of them."},
      {"os.like", "list of text", "", "/etc/os-release ID_LIKE",
       "The distributions it comes from, nearest first."},
      {"os.name", "text", "", "/etc/os-release PRETTY_NAME", "For people: \"Debian GNU/Linux 12 (bookworm)\"."},
      {"arch.machine", "text", "", "uname(2) machine", "As `uname -m` says: \"x86_64\", \"aarch64\"."},
      {"arch.debian", "text", "", "arch.machine",
       "As Debian calls it: \"amd64\", \"arm64\". Null where it has no name."},
      {"kernel", "text", "", "uname(2) release", "As `uname -r` says."},
      {"cpu.count", "integer", "processors", "sysconf(3) _SC_NPROCESSORS_ONLN", "How many are online."},
      {"cpu.model", "text", "", "/proc/cpuinfo model name",
       "Of the first one. Null where the kernel does not say."},
      {"memory.bytes", "integer", "bytes", "sysinfo(2) totalram", "The memory that the kernel manages."},
      {"user.name", "text", "", "getpwuid(3)", "The person that the run is for."},
      {"user.uid", "integer", "", "getpwuid(3)", "The person's number."},
      {"user.home", "text", "", "getpwuid(3)", "The person's home folder; ~ in paths."},
      {"user.shell", "text", "", "getpwuid(3)", "The person's login shell."},
      {"user.groups", "list of text", "", "getgrouplist(3)",
       "All groups of the person in the database, sorted."},
      {"host.name", "text", "", "gethostname(2)", "The machine's name for itself."},
      {"init", "text", "", "/run/systemd/system, /proc/1/comm",
       "\"systemd\", or what else PID 1 is. Null when hidden."},
      {"container", "text", "", "/run/systemd/container, /.dockerenv, /proc/1/*",
       "\"docker\", \"podman\", \"lxc\", … Null on a machine of its own."},
  }};
  return docs;
}

}  // namespace mlops
