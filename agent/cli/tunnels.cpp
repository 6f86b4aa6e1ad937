// mlops-agent tunnels [stop NAME]: lists and stops the person's forwarded ports.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/error.hpp"
#include "base/person.hpp"
#include "base/printable.hpp"
#include "base/suggest.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "domains/tunnels/keeper/keeper.hpp"
#include "domains/tunnels/local.hpp"
#include "domains/tunnels/tunnel_text.hpp"
#include "hosts/parallel_for.hpp"
#include "model/value.hpp"

namespace mlops {
namespace {

using Report = LocalTunnels::Report;

constexpr std::size_t asked_at_once = 16;

ActingUser user_of(const Person& p) { return {p.name, p.home, p.shell, p.uid, p.gid}; }

std::string bytes_text(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 999.5 && unit + 1 < std::size(units); ++unit) amount /= 1000;
  return unit == 0 || amount >= 99.5 ? fmt::format("{:.0f} {}", amount, units[unit])
                                     : fmt::format("{:.1f} {}", amount, units[unit]);
}

Value json_of(const Report& r) {
  const Tunnel& t = r.view.settings;
  const auto text = [](const std::string& s) { return s.empty() ? Value() : Value(s); };
  const auto number = [&](auto TunnelStatus::*member) {
    return r.status ? Value(static_cast<std::int64_t>((*r.status).*member)) : Value();
  };
  Value v;
  v.set("name", t.name);
  v.set("direction", to_text(t.direction));
  v.set("via", text(t.via));
  v.set("listen", text(t.listen.to_text()));
  v.set("target", text(t.target.to_text()));
  v.set("at_login", t.at_login);
  v.set("state", to_text(r.view.state));
  v.set("reason", text(r.view.reason));
  v.set("outdated", r.view.outdated);
  v.set("since", number(&TunnelStatus::since));
  v.set("started", number(&TunnelStatus::started));
  v.set("sent", number(&TunnelStatus::sent));
  v.set("received", number(&TunnelStatus::received));
  v.set("open", number(&TunnelStatus::open));
  v.set("connections", number(&TunnelStatus::connections));
  v.set("reconnected", number(&TunnelStatus::reconnected));
  return v;
}

std::vector<std::string> row_of(const Report& r) {
  const Tunnel& t = r.view.settings;
  std::string state = to_text(r.view.state);
  if (r.view.outdated) state += " (older program)";
  std::vector<std::string> row{printable(t.name),
                               t.via.empty() ? "(its record cannot be read)" : printable(describe(t)), state};
  if (!r.status) return row.resize(6), row;
  const TunnelStatus& s = *r.status;
  row.push_back(fmt::format("{} / {}", bytes_text(s.sent), bytes_text(s.received)));
  row.push_back(fmt::format("{} of {}", s.open, s.connections));
  row.push_back(time_text(s.since));
  return row;
}

void print_table(const std::vector<Report>& reports) {
  std::vector<std::vector<std::string>> rows{{"NAME", "TUNNEL", "STATE", "OUT / IN", "CONNECTIONS", "SINCE"}};
  for (const Report& r : reports) rows.push_back(row_of(r));
  const std::vector<std::string> lines = table_lines(rows);
  for (std::size_t at = 0; at < lines.size(); ++at) {
    fmt::print("{}\n", lines[at]);
    if (at > 0 && !reports[at - 1].view.reason.empty())
      put("    " + printable_lines(reports[at - 1].view.reason) + "\n");
  }
}

// All are queried, and tested, in parallel.
int list_tunnels(bool json) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  const LocalTunnels tunnels(user_of(current_person()), cancellation);
  const std::vector<std::string> names = tunnels.names();
  std::vector<std::optional<Report>> found(names.size());
  std::vector<std::string> problems(names.size());
  parallel_for(names.size(), asked_at_once, [&](std::size_t i) {
    try {
      found[i] = tunnels.report(names[i]);
    } catch (const std::exception& e) {
      problems[i] = e.what();
    }
  });
  if (cancellation.cancelled()) return exit_interrupted;
  std::vector<Report> reports;
  for (auto& one : found)
    if (one) reports.push_back(std::move(*one));
  if (json) {
    for (const Report& r : reports) fmt::print("{}\n", to_json(json_of(r)));
  } else if (reports.empty()) {
    fmt::print("no tunnels; a resource of the type port_forward makes one\n");
  } else {
    print_table(reports);
  }
  bool failed = false;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!problems[i].empty()) {
      say(names[i] + ": " + problems[i]);
      failed = true;
    }
  return failed ? exit_failed : exit_done;
}

int stop_tunnel(const std::string& name) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  const Person person = current_person();
  LocalTunnels tunnels(user_of(person), cancellation);
  const std::vector<std::string> names = tunnels.names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::string hint = did_you_mean(name, names);
    say_error(fmt::format("there is no tunnel `{}`{}", name,
                          hint.empty() ? "; `mlops-agent tunnels` lists them" : "; " + hint));
    return exit_wrong;
  }
  if (::geteuid() != person.uid) {
    fmt::print(stderr, "mlops-agent: the tunnel is {}'s: stop it without sudo\n", person.name);
    return exit_not_started;
  }
  try {
    tunnels.perform(StopTunnel{name});
  } catch (const Error& e) {
    say_error(e.what());
    return e.kind() == ErrorKind::cancelled ? exit_interrupted : exit_failed;
  }
  fmt::print("the tunnel {} has ended and is forgotten\n", name);
  return exit_done;
}

}  // namespace

void add_tunnels(CommandLine& program) {
  struct Options {
    std::string name;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CommandOptions command =
      program.command("tunnels", "Forwarded ports: their state, proven by a connection, and traffic");
  command.flag("--json", options->json, "One JSON object a line");
  CommandOptions stop = command.command("stop", "End one, with the connections through it, and forget it");
  stop.option("name", options->name, "Its name").required().value_name("NAME");
  command.action(
      [options, stop] { return stop.given() ? stop_tunnel(options->name) : list_tunnels(options->json); });
}

int serve_tunnel(const char* folder, const char* name) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  const auto report = [](const KeeperReport& r) {
    const std::string line = to_line(r);
    [[maybe_unused]] const ssize_t n = ::write(1, line.data(), line.size());
    // The starting process has read its report; nothing reads descriptor 1 from here on.
    const Handle null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null) ::dup2(null.get(), 1);
  };
  const TunnelFolder where(folder, ::geteuid());
  const bool kept = keep_tunnel(where, name, cancellation, report);
  std::_Exit(kept ? exit_done : exit_failed);  // at once, even if threads are left
}

}  // namespace mlops
