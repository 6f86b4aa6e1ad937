// idle_shutdown: this machine powers itself off when nobody has used it for a while.
//
// A systemd timer runs `mlops-agent idle check` each minute. It runs a copy of this program in a folder of
// root's, as the one that runs now may be gone tomorrow, or lie where its user may change it. A program that
// was started through a loader of its own, since the C library here is older, is copied with that loader and
// the libraries beside it.
#include <fmt/format.h>

#include <algorithm>

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
    std::vector<std::string> missing_folders;  // parents before what is in them
    std::vector<Part> parts;
    bool command_taken = false;        // somebody else's program has the name under which people call this one
    std::vector<std::string> remains;  // of what `absent` removes; what is in a folder before it
    Unit timer;
  };

  static void describe(Schema<Desired>& s) {
    s.summary(
        "This machine powers itself off when nobody has used it for a while: no ssh login, no traffic through "
        "a tunnel, "
        "no busy Jupyter kernel, no apt, no load.");
    s.named_by("idle");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: it stays on, and the timer, its program and its settings are removed.");
    s.optional("idle", &Desired::idle, "For how long nobody must have used it.").for_present();
    s.optional(
         "warn", &Desired::warn,
         "How long before that everybody who is logged in is warned (wall). Default: 5m, or a third of `idle` "
         "where that is shorter.")
        .for_present();
    s.optional("load", &Desired::load,
               "In per cent of its processors: it is in use while its load average of one minute is above "
               "this. 20 on "
               "two processors is a load of 0.4.")
        .for_present();
    s.optional("jupyter", &Desired::jupyter,
               "The ports of the Jupyter servers whose kernels are looked at. Default: all that run.")
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
    const FileReader& files = machine.files();
    look_at_command(files, c);
    if (d.state == State::absent) return look_at_remains(files, c), c;
    const std::vector<std::string> argv = own_command();
    look_at_folders(argv.size() > 1, files, c);
    look_at_program(argv, files, c);
    add_text(idle_settings_path, to_json(settings(d)), 0644, files, c);
    if (!c.command_taken) add_text(command_path, command_text(argv), 0755, files, c);
    add_text(unit_path(".service"), service_text(argv), 0644, files, c);
    add_text(unit_path(".timer"), timer_text(), 0644, files, c);
    return c;
  }

  //  current \ desired          present                                       absent
  //  nothing                    write all, enable, check once, start          –
  //  a file that differs        write it, check once, restart                 stop, disable, remove
  //  rights of others on one    take them                                     …
  //  disabled, or stopped       enable, start                                 …
  //  masked                     error                                         error
  static Diff diff(const Desired& d, const Current& c) {
    if (c.timer.load_state == "masked" || c.timer.enabled_state == "masked")
      throw Error(fmt::format("{0} is masked; `systemctl unmask {0}` makes it usable again", timer_name()));
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
  static constexpr auto command_path = "/usr/local/bin/mlops-agent";
  static constexpr std::uint64_t usual_warn_ms = 5 * 60 * 1000;
  static constexpr std::uint64_t largest_program = 200u << 20;  // bytes
  static constexpr std::string_view mark =
      "# Made by mlops-agent (idle_shutdown): its next run puts it back.\n";

  static std::string timer_name() { return std::string(idle_unit) + ".timer"; }
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
    const auto view = files.view(command_path, 64 * 1024);
    c.command_taken = view && (!view->content || view->content->find(mark) == std::string::npos);
  }
  static void look_at_folders(bool with_libraries, const FileReader& files, Current& c) {
    for (const std::string& folder : {std::string(program_folder), std::string("/etc/mlops-agent")})
      if (!files.exists(folder)) c.missing_folders.push_back(folder);
    if (with_libraries && !files.exists(libraries())) c.missing_folders.push_back(libraries());
  }
  static void look_at_program(const std::vector<std::string>& argv, const FileReader& files, Current& c) {
    add_copy(program_path(), argv.back(), files, c);
    if (argv.size() == 1) return;
    const std::string& from = argv[2];  // of --library-path: the loader lies there too
    for (const std::string& name : files.list(from).value_or(std::vector<std::string>()))
      add_copy(libraries() + "/" + name, from + "/" + name, files, c);
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
                                   program_folder, idle_state_folder};
    if (!c.command_taken) paths.insert(paths.begin(), command_path);
    for (const std::string& path : paths)
      if (files.exists(path)) c.remains.push_back(path);
  }

  // ---- changes ----------------------------------------------------------------------------------------------

  static std::string name_of(const Part& part) {
    if (!part.source.empty()) return base_name(part.path) == "mlops-agent" ? "program" : base_name(part.path);
    if (part.path == command_path) return "command";
    return part.path == idle_settings_path ? "settings" : base_name(part.path);
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
      diff.changes.push_back(
          {name_of(part) + " rights",
           fmt::format("{:04o} {}:{}", part.status.mode, part.status.owner, part.status.group),
           fmt::format("{:04o} root:root", part.mode)});
      diff.actions.push_back(
          SetAttributes{.path = part.path, .mode = part.mode, .owner = "root", .group = "root"});
    }
  }

  static Diff install(const Current& c) {
    Diff diff;
    const bool nothing_there =
        std::none_of(c.parts.begin(), c.parts.end(), [](const Part& p) { return p.found.has_value(); });
    for (const std::string& folder : c.missing_folders)
      diff.actions.push_back(CreateDirectory{.path = folder, .mode = 0755, .owner = "root", .group = "root"});
    for (const Part& part : c.parts) write(part, diff);
    if (nothing_there) diff.changes = {Change::create()};
    const bool written = !diff.actions.empty();
    if (!c.timer.enabled()) {
      diff.changes.push_back({"enabled", false, true});
      diff.actions.push_back(ChangeUnit{timer_name(), Verb::enable});
    }
    // Its first check shows at once whether the program runs here.
    if (written) diff.actions.push_back(ChangeUnit{std::string(idle_unit) + ".service", Verb::start});
    if (!c.timer.active()) {
      diff.changes.push_back({"state", c.timer.active_state == "failed" ? "failed" : "stopped", "running"});
      diff.actions.push_back(ChangeUnit{timer_name(), Verb::start});
    } else if (written) {
      diff.actions.push_back(ChangeUnit{timer_name(), Verb::restart});
    }
    return diff;
  }

  static Diff removal_of(const Current& c) {
    Diff diff;
    const bool there = c.timer.exists();
    const bool at_rest = c.timer.active_state == "inactive" || c.timer.active_state == "failed";
    if (there && !at_rest) diff.actions.push_back(ChangeUnit{timer_name(), Verb::stop});
    if (there && c.timer.enabled()) diff.actions.push_back(ChangeUnit{timer_name(), Verb::disable});
    for (const std::string& path : c.remains)
      diff.actions.push_back(
          RemovePath{.path = path, .recursive = path == program_folder || path == idle_state_folder});
    if (!diff.actions.empty()) diff.changes.push_back(Change::remove());
    return diff;
  }

  // ---- the files --------------------------------------------------------------------------------------------

  // How the copy is started: argv is how this process was.
  static std::string start_of(const std::vector<std::string>& argv) {
    if (argv.size() == 1) return program_path();
    return fmt::format("{0}/{1} --library-path {0} {2}", libraries(), base_name(argv.front()), program_path());
  }
  static std::string command_text(const std::vector<std::string>& argv) {
    return fmt::format("#!/bin/sh\n{}exec {} \"$@\"\n", mark, start_of(argv));
  }

  // What it may: read every home's runtime files of Jupyter and every process's sockets, write to terminals
  // (wall), and power off.
  static std::string service_text(const std::vector<std::string>& argv) {
    return fmt::format(R"({mark}[Unit]
Description=Powers this machine off when nobody has used it for a while

[Service]
Type=oneshot
ExecStart={start} idle check
TimeoutStartSec=90
StateDirectory={unit}
UMask=0022
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
