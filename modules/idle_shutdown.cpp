// idle_shutdown: this machine powers itself off when nobody has used it for a while.
//
// A systemd timer runs `mlops-agent idle check` each minute. It runs a copy of this program in a folder of
// root's, as the one that runs now may be gone tomorrow, or lie where its user may change it. A program that
// was started through a loader of its own, since the C library here is older, is copied with that loader and
// the libraries beside it.
#include <fmt/format.h>

#include <algorithm>

#include "base/contains.hpp"
#include "base/own_executable.hpp"
#include "base/text_diff.hpp"
#include "model/idle_settings.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

using Verb = ChangeUnit::Verb;

struct IdleShutdown {
  static constexpr auto type = "idle_shutdown";
  enum class State { present, absent };

  struct Desired {
    State state = State::present;
    Duration idle{45 * 60 * 1000};
    std::optional<Duration> warn;
    std::int64_t load = 20;
    std::optional<std::vector<std::int64_t>> jupyter;
  };
  // A folder that is to be there, with these rights and root's.
  struct Folder {
    std::string path;
    std::uint32_t mode = 0755;
    std::optional<FileStatus> found;
    bool open() const {
      return found && (found->mode != mode || found->owner != "root" || found->group != "root");
    }
  };
  // A file that is to be there: its path, and its content or the file that it is a copy of.
  struct Part {
    std::string path;
    std::optional<std::string> found;    // its content, or its digest where it is a copy; absent: there is none
    std::string wanted;                  // likewise
    std::string source;                  // of a copy
    std::optional<std::string> content;  // of a copy that differs
    std::uint32_t mode = 0644;
    FileStatus status;  // of what was found
    bool differs() const { return found != wanted; }
    bool open() const {
      return found && (status.mode != mode || status.owner != "root" || status.group != "root");
    }
  };
  struct Current {
    std::vector<Folder> folders;  // parents before what is in them
    std::vector<Part> parts;
    std::vector<std::string> stale;  // libraries of an earlier copy
    // Who has the name under which people call this program: nobody, our script, or another program.
    enum class Command { none, ours, taken } command = Command::none;
    std::string other_program;         // another one of that name in a folder in which shells look; ""
    std::vector<std::string> remains;  // of what `absent` removes; what is in a folder before it
    Unit timer, service;
  };

  static void describe(Schema<Desired>& s) {
    s.summary(
        "This machine powers itself off when nobody has used it for a while: no ssh login, no traffic through "
        "a tunnel, "
        "no input on a terminal, no busy Jupyter kernel, no apt, no load.");
    s.named_by("idle");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: it stays on, and the timer, its program and its settings are removed.");
    s.optional("idle", &Desired::idle, "For how long nobody must have used it.").for_present();
    s.optional(
         "warn", &Desired::warn,
         "How long before that all open terminals get a warning (wall). Default: 5m, or a third of `idle` "
         "where that is shorter.")
        .for_present();
    s.optional("load", &Desired::load,
               "In per cent of its processors: it is in use while its load average of one minute is above "
               "this. Up to 100, a load of 0.7 is enough on any number of processors: one program that "
               "computes. 20 on two processors is a load of 0.4, on eight it is 0.7; 300 on two is 6.")
        .for_present();
    s.optional("jupyter", &Desired::jupyter,
               "The ports of the Jupyter servers whose kernels are looked at. Default: all that run; one that "
               "cannot be asked (TLS, a password, a runtime folder elsewhere) counts as use.")
        .for_present();
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&IdleShutdown::check);
    s.example("After 45 minutes", R"({"type": "idle_shutdown"})");
    s.example("Sooner, and only one Jupyter server counts",
              R"({"type": "idle_shutdown", "idle": "20m", "warn": "2m", "load": 50, "jupyter": [8888]})");
    s.example("It stays on", R"({"type": "idle_shutdown", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    constexpr std::uint64_t shortest_ms = 60'000, longest_ms = 30ull * 24 * 3600 * 1000;
    if (d.idle.ms < shortest_ms || d.idle.ms > longest_ms)
      c.error("idle", "it must be from 1m to 30d");
    else if (d.warn && (d.warn->ms < 1000 || d.warn->ms >= d.idle.ms))
      c.error("warn", "it must be from 1s to less than `idle`");
    if (d.load < 1 || d.load > 10'000) c.error("load", "it must be from 1 to 10000 per cent");
    for (const std::int64_t port : d.jupyter.value_or(std::vector<std::int64_t>()))
      if (port < 1 || port > 65535) c.error("jupyter", fmt::format("{} is no port (1 to 65535)", port));
  }

  static Claims claims(const Desired&) {
    Claims claims{{.key = program_folder}, {.key = idle_settings_path}, {.key = command_path}};
    for (const char* suffix : {".service", ".timer"}) {
      claims.push_back({.kind = Claim::Kind::service, .key = std::string(idle_unit) + suffix});
      claims.push_back({.key = unit_path(suffix)});
    }
    return claims;
  }
  static Actor actor(const Desired&) { return {.kind = Actor::Kind::root}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    Current c;
    c.timer = machine.services().unit(timer_name());
    c.service = machine.services().unit(service_name());
    const FileReader& files = machine.files();
    look_at_command(files, c);
    if (d.state == State::absent) return look_at_remains(files, c), c;
    const std::vector<std::string> argv = own_command();
    look_at_folders(argv.size() > 1, files, c);
    look_at_program(argv, files, c);
    add_text(idle_settings_path, to_json(settings(d)), 0644, files, c);
    if (c.command != Current::Command::taken && c.other_program.empty())
      add_text(command_path, command_text(argv), 0755, files, c);
    add_text(unit_path(".service"), service_text(argv), 0644, files, c);
    add_text(unit_path(".timer"), timer_text(), 0644, files, c);
    return c;
  }

  //  current \ desired            present                                   absent
  //  nothing                      write all, enable, check once, start      –
  //  a file that differs          write it, check once, restart             stop, disable, remove
  //  rights of others on one,     take them, check once, restart            …
  //    or on a folder
  //  a link for a folder          error                                     …, remove the link
  //  a library of an older copy   remove it, check once, restart            …
  //  the command, and another     remove the command, …                     …
  //    program of its name
  //  disabled, or stopped         enable, start                             …
  //  the last check failed        check once, start                         …
  //  a check runs                 –                                         stop the timer, then it
  //  either unit masked           error                                     error
  static Diff diff(const Desired& d, const Current& c) {
    for (const Unit* unit : {&c.timer, &c.service})
      if (unit->load_state == "masked" || unit->enabled_state == "masked")
        throw Error(fmt::format("{0} is masked; `systemctl unmask {0}` makes it usable again", unit->name));
    return d.state == State::absent ? removal_of(c) : install(c);
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("state", "absent");
    return v;
  }

 private:
  static constexpr auto program_folder = "/usr/local/lib/mlops-agent-idle";
  static constexpr auto settings_folder = "/etc/mlops-agent";
  static constexpr auto command_path = "/usr/local/bin/mlops-agent";
  static constexpr int wrong_use = 3;  // the exit status of a request that is wrong
  static constexpr std::uint64_t usual_warn_ms = 5 * 60 * 1000;
  static constexpr std::uint64_t largest_program = 200u << 20;  // bytes
  static constexpr std::string_view mark =
      "# Made by mlops-agent (idle_shutdown): its next run puts it back.\n";

  static std::string timer_name() { return std::string(idle_unit) + ".timer"; }
  static std::string service_name() { return std::string(idle_unit) + ".service"; }
  static std::string unit_path(const char* suffix) {
    return fmt::format("/etc/systemd/system/{}{}", idle_unit, suffix);
  }
  static std::string program_path() { return std::string(program_folder) + "/mlops-agent"; }
  static std::string libraries() { return std::string(program_folder) + "/libc"; }
  static std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  static IdleSettings settings(const Desired& d) {
    const std::uint64_t warn_ms = d.warn ? d.warn->ms : std::min<std::uint64_t>(usual_warn_ms, d.idle.ms / 3);
    IdleSettings s{d.idle.ms / 1000, warn_ms / 1000, static_cast<std::uint64_t>(d.load), {}};
    if (d.jupyter) s.jupyter.emplace(d.jupyter->begin(), d.jupyter->end());
    return s;
  }

  // ---- inspecting -------------------------------------------------------------------------------------------

  static void look_at_command(const FileReader& files, Current& c) {
    if (const auto view = files.view(command_path, 64 * 1024)) {
      const bool ours = view->content && view->content->find(mark) != std::string::npos;
      c.command = ours ? Current::Command::ours : Current::Command::taken;
    }
    for (const char* folder : {"/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
      const std::string path = std::string(folder) + "/mlops-agent";
      if (c.other_program.empty() && files.exists(path)) c.other_program = path;
    }
  }
  static void look_at_folders(bool with_libraries, const FileReader& files, Current& c) {
    c.folders = {{program_folder}, {settings_folder}, {idle_data_folder}, {idle_keep_folder, idle_keep_mode}};
    if (with_libraries) c.folders.push_back({libraries()});
    for (Folder& folder : c.folders) {
      folder.found = files.status(folder.path);
      if (folder.found && folder.found->type != FileType::directory)
        throw Error(
            fmt::format("{} is {}, and no folder: remove it", folder.path, to_text(folder.found->type)));
    }
  }
  static void look_at_program(const std::vector<std::string>& argv, const FileReader& files, Current& c) {
    add_copy(program_path(), argv.back(), files, c);
    std::vector<std::string> names;
    // argv[2] is of --library-path: the loader lies there too.
    if (argv.size() > 1) names = files.list(argv[2]).value_or(names);
    for (const std::string& name : names) add_copy(libraries() + "/" + name, argv[2] + "/" + name, files, c);
    for (const std::string& name : files.list(libraries()).value_or(std::vector<std::string>()))
      if (!contains(names, name)) c.stale.push_back(libraries() + "/" + name);
  }
  static void add_copy(const std::string& path, const std::string& source, const FileReader& files,
                       Current& c) {
    Part part{.path = path, .source = source, .mode = 0755};
    part.wanted = files.sha256(source).value_or("");
    if (part.wanted.empty()) throw Error(fmt::format("{}, this program's file, cannot be read", source));
    if (const auto status = files.status(path)) {
      part.status = *status;
      part.found = status->type == FileType::regular ? files.sha256(path).value_or("") : "";
    }
    if (part.differs()) part.content = files.read(source, largest_program);
    c.parts.push_back(std::move(part));
  }
  static void add_text(const std::string& path, std::string text, std::uint32_t mode, const FileReader& files,
                       Current& c) {
    Part part{.path = path, .wanted = std::move(text), .mode = mode};
    if (const auto view = files.view(path, 1u << 20)) {
      part.status = view->status;
      part.found = view->content.value_or("");
    }
    c.parts.push_back(std::move(part));
  }
  static void look_at_remains(const FileReader& files, Current& c) {
    std::vector<std::string> paths{unit_path(".timer"), unit_path(".service"), idle_settings_path,
                                   program_folder,      idle_data_folder,      idle_state_folder};
    if (c.command == Current::Command::ours) paths.insert(paths.begin(), command_path);
    for (const std::string& path : paths)
      if (files.exists(path)) c.remains.push_back(path);
    const auto others = files.list(settings_folder);
    if (others && std::all_of(others->begin(), others->end(),
                              [](const std::string& name) { return name == base_name(idle_settings_path); }))
      c.remains.push_back(settings_folder);
  }

  // ---- changes ----------------------------------------------------------------------------------------------

  static std::string name_of(const Part& part) {
    if (!part.source.empty()) return base_name(part.path) == "mlops-agent" ? "program" : base_name(part.path);
    if (part.path == command_path) return "command";
    return part.path == idle_settings_path ? "settings" : base_name(part.path);
  }

  static Change rights(const std::string& what, const FileStatus& found, std::uint32_t mode) {
    return {what + " rights", fmt::format("{:04o} {}:{}", found.mode, found.owner, found.group),
            fmt::format("{:04o} root:root", mode)};
  }

  static void make(const Folder& folder, Diff& diff) {
    if (!folder.found) {
      diff.changes.push_back({.property = "folder", .before = {}, .after = folder.path});
      diff.actions.push_back(
          CreateDirectory{.path = folder.path, .mode = folder.mode, .owner = "root", .group = "root"});
    } else if (folder.open()) {
      diff.changes.push_back(rights(folder.path, *folder.found, folder.mode));
      diff.actions.push_back(
          SetAttributes{.path = folder.path, .mode = folder.mode, .owner = "root", .group = "root"});
    }
  }

  static void remove(const char* what, const std::string& path, Diff& diff) {
    diff.changes.push_back({.property = what, .before = path, .after = {}});
    diff.actions.push_back(RemovePath{.path = path, .recursive = true});
  }

  static void write(const Part& part, Diff& diff) {
    const bool copy = !part.source.empty();
    if (part.differs()) {
      Change change{
          .property = name_of(part), .before = part.found ? Value("other") : Value(), .after = part.path};
      if (!copy) change.text_diff = unified_diff(part.found.value_or(""), part.wanted);
      diff.changes.push_back(std::move(change));
      diff.actions.push_back(WriteFile{.path = part.path,
                                       .content = copy ? part.content.value_or("") : part.wanted,
                                       .mode = part.mode,
                                       .owner = "root",
                                       .group = "root",
                                       .replace_link = true});
    } else if (part.open()) {
      diff.changes.push_back(rights(name_of(part), part.status, part.mode));
      diff.actions.push_back(
          SetAttributes{.path = part.path, .mode = part.mode, .owner = "root", .group = "root"});
    }
  }

  static Diff install(const Current& c) {
    Diff diff;
    const bool nothing_there =
        std::none_of(c.parts.begin(), c.parts.end(), [](const Part& p) { return p.found.has_value(); });
    for (const Folder& folder : c.folders) make(folder, diff);
    for (const Part& part : c.parts) write(part, diff);
    for (const std::string& path : c.stale) remove("library", path, diff);
    // It would stand in the way of the whole program, which has more commands than the copy.
    if (c.command == Current::Command::ours && !c.other_program.empty()) remove("command", command_path, diff);
    if (nothing_there) diff.changes = {Change::create()};
    start(c, !diff.actions.empty(), diff);
    return diff;
  }

  // The timer, after a first check, which shows at once whether the program runs here. One that failed in an
  // earlier run has shown nothing.
  static void start(const Current& c, bool written, Diff& diff) {
    const bool failed = c.service.active_state == "failed";
    if (!c.timer.enabled()) {
      diff.changes.push_back({"enabled", false, true});
      diff.actions.push_back(ChangeUnit{timer_name(), Verb::enable});
    }
    if (failed) diff.changes.push_back({"last check", "failed", "passed"});
    if (written || failed) diff.actions.push_back(ChangeUnit{service_name(), Verb::start});
    if (!c.timer.active()) {
      diff.changes.push_back({"state", c.timer.active_state == "failed" ? "failed" : "stopped", "running"});
      diff.actions.push_back(ChangeUnit{timer_name(), Verb::start});
    } else if (written) {
      diff.actions.push_back(ChangeUnit{timer_name(), Verb::restart});
    }
  }

  static void stop(const Unit& unit, Diff& diff) {
    const bool at_rest = unit.active_state == "inactive" || unit.active_state == "failed";
    if (unit.exists() && !at_rest) diff.actions.push_back(ChangeUnit{unit.name, Verb::stop});
  }

  static Diff removal_of(const Current& c) {
    Diff diff;
    stop(c.timer, diff);
    stop(c.service, diff);  // after what would start it again
    if (c.timer.exists() && c.timer.enabled()) diff.actions.push_back(ChangeUnit{timer_name(), Verb::disable});
    for (const std::string& path : c.remains)
      diff.actions.push_back(RemovePath{
          .path = path,
          .recursive = path == program_folder || path == idle_data_folder || path == idle_state_folder});
    if (!diff.actions.empty()) diff.changes.push_back(Change::remove());
    return diff;
  }

  // ---- the files --------------------------------------------------------------------------------------------

  // How the copy is started: argv is how this process was.
  static std::string start_of(const std::vector<std::string>& argv) {
    if (argv.size() == 1) return program_path();
    return fmt::format("{0}/{1} --library-path {0} {2}", libraries(), base_name(argv.front()), program_path());
  }
  // The copy has no backends, so most other commands would fail in it, and none of them is why it is there.
  static std::string command_text(const std::vector<std::string>& argv) {
    return fmt::format(R"(#!/bin/sh
{mark}case "$1" in
idle | keep) exec {start} "$@" ;;
esac
echo 'mlops-agent: idle_shutdown put only the commands idle and keep here; the whole program is not in PATH' >&2
exit {wrong}
)",
                       fmt::arg("mark", mark), fmt::arg("start", start_of(argv)), fmt::arg("wrong", wrong_use));
  }

  // What it may: read every home's runtime files of Jupyter and every process's sockets, write to terminals
  // (wall), and power off. The largest answer of a Jupyter server takes 100 MB.
  static std::string service_text(const std::vector<std::string>& argv) {
    return fmt::format(R"({mark}[Unit]
Description=Powers this machine off when nobody has used it for a while

[Service]
Type=oneshot
ExecStart={start} idle check
TimeoutStartSec=90
RuntimeDirectory={unit}
RuntimeDirectoryPreserve=yes
StateDirectory={unit}
UMask=0022
MemoryMax=256M
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_SYS_PTRACE CAP_SYS_BOOT
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
PrivateTmp=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
)",
                       fmt::arg("mark", mark), fmt::arg("start", start_of(argv)), fmt::arg("unit", idle_unit));
  }
  static std::string timer_text() {
    return fmt::format(R"({}[Unit]
Description=Looks each minute whether anybody uses this machine

[Timer]
OnBootSec=1min
OnUnitActiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
)",
                       mark);
  }
};

}  // namespace

MLOPS_MODULE(IdleShutdown);

}  // namespace mlops::modules
