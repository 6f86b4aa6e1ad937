#include "idle/sources.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/printable.hpp"
#include "domains/packages/package_locks.hpp"
#include "idle/folder_names.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

// The processes of OpenSSH's server: since 9.8 sshd-session, since 10.0 also sshd-auth.
bool is_sshd(const ProcessEntry& p) {
  return p.name == "sshd" || p.name == "sshd-session" || p.name == "sshd-auth";
}

constexpr std::size_t longest_kernel_text = 64;  // bytes of a state or a time: Jupyter's have 8 and 27

struct KernelUse {
  std::string busy;  // the name of one that is
  std::string last;  // the latest last_activity: RFC 3339 in UTC, so that texts compare as times do
};

// The answer to GET /api/kernels: a list of objects with execution_state and last_activity.
KernelUse parse_kernels(const std::string& json) {
  const Source source{"/api/kernels", json};
  Diagnostics mistakes;
  const auto list = parse_document(source, mistakes);
  if (!list || !mistakes.empty() || !list->is_array()) throw Error("it answers with no list of kernels");
  KernelUse use;
  for (const Value& kernel : list->as_array()) {
    const Value* state = kernel.find("execution_state");
    const Value* last = kernel.find("last_activity");
    if (!state || !state->is_string() || !last || !last->is_string())
      throw Error("it does not tell what its kernels do");
    if (state->as_string().size() > longest_kernel_text || last->as_string().size() > longest_kernel_text)
      throw Error("what it tells of its kernels is too long");
    if (state->as_string() != "idle" && state->as_string() != "dead") use.busy = printable(state->as_string());
    use.last = std::max(use.last, last->as_string());
  }
  return use;
}

// Those of a folder whose names begin so. A folder that does not exist has none.
void add_terminals(const std::string& folder, std::string_view prefix, std::vector<TerminalInput>& all) {
  const Handle at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at && errno == ENOENT) return;
  if (!at) throw system_error("listing " + folder, errno);
  const int error = for_each_name(at.get(), [&](const char* name) {
    struct stat status {};
    const std::string_view is = name;
    // ptmx is the other end of them all: what programs write is read there.
    if (!is.starts_with(prefix) || is == "ptmx") return true;
    if (::fstatat(at.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return true;  // closed meanwhile
      throw system_error(fmt::format("looking at {}/{}", folder, name), errno);
    }
    if (S_ISCHR(status.st_mode))
      all.push_back({folder + "/" + name, static_cast<std::uint64_t>(status.st_atim.tv_sec)});
    return true;
  });
  if (error != 0) throw system_error("listing " + folder, error);
}

}  // namespace

Observation observe_logins(const std::vector<ProcessEntry>& processes) {
  Observation o{"logins", false, "", false};
  std::map<int, const ProcessEntry*> by_pid;
  for (const ProcessEntry& p : processes) by_pid[p.pid] = &p;
  for (const ProcessEntry& p : processes) {
    const auto parent = by_pid.find(p.parent);
    if (is_sshd(p) || parent == by_pid.end() || !is_sshd(*parent->second)) continue;
    o.active = true;
    o.detail = fmt::format("{} (pid {}) over ssh", p.name, p.pid);
  }
  return o;
}

Observation observe_tunnels(const std::vector<ProcessEntry>& processes, const std::vector<TcpSocket>& sockets,
                            const std::function<std::set<std::uint64_t>(int)>& sockets_of,
                            std::optional<std::uint32_t> unprivileged, std::uint64_t seconds,
                            std::map<std::string, std::uint64_t>& before) {
  std::set<std::uint64_t> held, strangers;
  for (const ProcessEntry& p : processes)
    if (is_sshd(p)) (p.uid == unprivileged ? strangers : held).merge(sockets_of(p.pid));
  Observation o{"tunnels", false, "", false};
  std::map<std::string, std::uint64_t> now;
  std::uint64_t most = 0;
  for (const TcpSocket& s : sockets) {
    if (s.listening || !held.contains(s.inode) || strangers.contains(s.inode)) continue;
    const std::string id = std::to_string(s.cookie);
    now[id] = s.bytes;
    const auto known = before.find(id);
    const std::uint64_t earlier = known == before.end() ? 0 : known->second;
    most = std::max(most, s.bytes > earlier ? s.bytes - earlier : 0);
  }
  before = std::move(now);
  const std::uint64_t threshold = least_traffic * std::max<std::uint64_t>(seconds, 1) / 60;
  o.active = most >= threshold;
  if (most > 0) o.detail = fmt::format("{} bytes in {} s over one connection of sshd", most, seconds);
  return o;
}

Observation observe_packages(const std::string& dpkg_folder) {
  const auto holder = lock_holder(package_locks(dpkg_folder));
  return {"packages", holder.has_value(), holder ? to_text(*holder) : "", false};
}

std::vector<TerminalInput> terminal_inputs(const std::string& dev) {
  std::vector<TerminalInput> all;
  add_terminals(dev, "tty", all);
  add_terminals(dev, "hvc", all);
  add_terminals(dev + "/pts", "", all);
  return all;
}

Observation observe_terminals(const std::vector<TerminalInput>& terminals,
                              std::map<std::string, std::uint64_t>& before) {
  Observation o{"terminals", false, "", false};
  std::map<std::string, std::uint64_t> now;
  for (const TerminalInput& one : terminals) {
    now[one.path] = one.last;
    const auto known = before.find(one.path);
    if (known != before.end() && known->second == one.last) continue;
    o.active = true;
    o.detail = "input on " + printable(one.path);
  }
  before = std::move(now);
  return o;
}

Observation observe_load(const std::string& loadavg, long processors, std::uint64_t per_cent) {
  double load = 0;
  if (std::sscanf(loadavg.c_str(), "%lf ", &load) != 1) throw Error("cannot read the load average");
  if (processors < 1) throw Error("cannot find out how many processors there are");
  const double most = static_cast<double>(per_cent) * static_cast<double>(processors) / 100;
  const double share = 100 * load / static_cast<double>(processors);
  return {"load", load > (per_cent > 100 ? most : std::min(most, load_of_one_program)),
          fmt::format("{:.0f} % of {} processor{}", share, processors, processors == 1 ? "" : "s"), false};
}

Observation observe_kernels(const std::vector<JupyterServer>& servers,
                            const std::function<std::string(const JupyterServer&)>& list_kernels,
                            std::map<std::string, std::string>& last) {
  Observation o{"kernels", false, "", false};
  std::map<std::string, std::string> now;
  const auto add = [&](std::uint16_t port, const std::string& text) {
    if (!o.detail.empty()) o.detail += "; ";
    o.detail += port == 0 ? text : fmt::format("port {}: {}", port, text);
  };
  for (const JupyterServer& server : servers) {
    try {
      if (!server.problem.empty()) throw Error(server.problem);
      const KernelUse use = parse_kernels(list_kernels(server));
      const std::string id = fmt::format("{} {} {}", server.listener.uid, server.port, server.address);
      std::string& latest = now[id];
      const auto known = last.find(id);
      const bool used = !use.last.empty() && (known == last.end() || known->second != use.last);
      latest = use.last;
      if (!use.busy.empty())
        add(server.port, "a kernel is " + use.busy);
      else if (used)
        add(server.port, "a kernel was used");
      o.active = o.active || used || !use.busy.empty();
    } catch (const std::exception& e) {
      o.unknown = true;
      add(server.port, e.what());
    }
  }
  last = std::move(now);
  return o;
}

}  // namespace mlops
