// Every cell of the table in modules/idle_shutdown.cpp. A real machine that goes off:
// tests/hosts/test_97_idle.py.
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "base/overloaded.hpp"
#include "base/own_executable.hpp"
#include "model/idle_settings.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;
using Verb = ChangeUnit::Verb;

namespace {

const std::string program = "/usr/local/lib/mlops-agent-idle/mlops-agent";
const std::string command = "/usr/local/bin/mlops-agent";
const std::string service = "/etc/systemd/system/mlops-agent-idle.service";
const std::string timer = "/etc/systemd/system/mlops-agent-idle.timer";

void put(FakeMachine& m, const std::string& path, const std::string& content, std::uint32_t mode) {
  m.f.file(path, content, mode);
  m.f.digests[path] = "digest of " + content;
}

// A machine with this program, and nothing else of it.
FakeMachine bare() {
  FakeMachine m;
  put(m, own_executable(), "the program", 0755);
  return m;
}

void set_service(FakeMachine& m, const std::string& active, const std::string& loaded = "loaded") {
  m.s.units["mlops-agent-idle.service"] = {
      "mlops-agent-idle.service", loaded, active, "dead", "static", false, "1"};
}
void set_timer(FakeMachine& m, const std::string& active, const std::string& enabled = "enabled") {
  m.s.units["mlops-agent-idle.timer"] = {
      "mlops-agent-idle.timer", "loaded", active, "waiting", enabled, false, "1"};
}

// What the actions of a diff leave on the machine.
void take_over(FakeMachine& m, const Diff& diff) {
  for (const Action& a : diff.actions)
    if (const auto* write = std::get_if<WriteFile>(&a)) {
      put(m, write->path, write->content, write->mode.value_or(0644));
    } else if (const auto* folder = std::get_if<CreateDirectory>(&a)) {
      m.f.folder(folder->path, folder->mode.value_or(0755));
    } else if (const auto* rights = std::get_if<SetAttributes>(&a)) {
      FileStatus& status = m.f.entries[rights->path].status;
      status = {status.type, rights->mode.value_or(0), rights->owner, rights->group};
    } else if (const auto* remove = std::get_if<RemovePath>(&a)) {
      std::erase_if(m.f.entries, [&](const auto& entry) {
        return entry.first == remove->path ||
               (remove->recursive && entry.first.starts_with(remove->path + "/"));
      });
    } else if (const auto* check = std::get_if<ChangeUnit>(&a);
               check && check->unit == "mlops-agent-idle.service") {
      set_service(m, "inactive");
    } else if (const auto* unit = std::get_if<ChangeUnit>(&a); unit && unit->unit == "mlops-agent-idle.timer") {
      set_timer(m, "active");
      if (unit->verb == Verb::stop || unit->verb == Verb::disable) m.s.units.erase(unit->unit);
    }
}

Tried tried(const FakeMachine& m, const std::string& parameters = "") {
  return try_module("idle_shutdown", "{" + parameters + "}", m);
}
FakeMachine settled(const std::string& parameters = "") {
  FakeMachine m = bare();
  take_over(m, tried(m, parameters).diff);
  return m;
}

// The path of the loader that is mapped here.
std::string loader_of_this_process() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (const auto at = line.find('/'); at != line.npos && line.find("/ld-", at) != line.npos)
      return line.substr(at);
  throw std::runtime_error("no loader");
}

// The changes and the actions in a line.
std::string in_a_line(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes) text += (text.empty() ? "" : ", ") + c.property;
  text += " |";
  const char* verbs[] = {"start", "stop", "restart", "reload", "enable", "disable"};
  for (const Action& a : diff.actions)
    text += " " + std::visit(overloaded{[](const WriteFile& w) { return "write:" + w.path; },
                                        [](const CreateDirectory& d) { return "folder:" + d.path; },
                                        [](const SetAttributes& s) { return "rights:" + s.path; },
                                        [](const RemovePath& r) { return "remove:" + r.path; },
                                        [&](const ChangeUnit& u) {
                                          return verbs[static_cast<std::size_t>(u.verb)] +
                                                 u.unit.substr(std::string("mlops-agent-idle").size());
                                        },
                                        [](const auto&) -> std::string { return "other"; }},
                             a);
  return text;
}
std::string line(const FakeMachine& m, const std::string& parameters = "") {
  try {
    return in_a_line(tried(m, parameters).diff);
  } catch (const Error& e) {
    return e.message();
  }
}

bool refused(const std::string& parameters) {
  try {
    tried(bare(), parameters);
    return false;
  } catch (const std::runtime_error&) {
    return true;
  }
}

}  // namespace

TEST_CASE("idle_shutdown: a bare machine gets program, settings, command and units, a check and a timer") {
  const Tried t = tried(bare());
  CHECK(in_a_line(t.diff) ==
        "exists, enabled, state | folder:/usr/local/lib/mlops-agent-idle folder:/etc/mlops-agent "
        "folder:/var/lib/mlops-agent-idle folder:/var/lib/mlops-agent-idle/keep write:" +
            program + " write:/etc/mlops-agent/idle.json write:" + command + " write:" + service +
            " write:" + timer + " enable.timer start.service start.timer");
  const auto* copy = action<WriteFile>(t.diff, 4);
  CHECK(copy->content == "the program");
  CHECK(copy->mode == 0755u);
  CHECK(copy->owner == "root");
  CHECK(action<CreateDirectory>(t.diff, 3)->mode == 01777u);
  const auto* settings = action<WriteFile>(t.diff, 5);
  CHECK(parse_idle_settings(settings->content) == IdleSettings());
  CHECK(settings->mode == 0644u);
  const std::string unit = action<WriteFile>(t.diff, 7)->content;
  CHECK(unit.find("\nExecStart=" + program + " idle check\n") != std::string::npos);
  CHECK(unit.find("\nMemoryMax=") != std::string::npos);
  const std::string script = action<WriteFile>(t.diff, 6)->content;
  CHECK(script.find("\nidle | keep) exec " + program + " \"$@\" ;;\n") != std::string::npos);
}

TEST_CASE("idle_shutdown: converged, it changes nothing, and reads the program no second time") {
  CHECK(line(settled()) == " |");
  FakeMachine m = settled();
  m.f.entries[own_executable()].content.reset();
  CHECK(line(m) == " |");
}

TEST_CASE("idle_shutdown: the settings are those that are asked for") {
  const std::string asked = R"("idle": "20m", "warn": "2m", "load": 50, "jupyter": [8888])";
  FakeMachine m = settled();
  CHECK(line(m, asked) == "settings | write:/etc/mlops-agent/idle.json start.service restart.timer");
  take_over(m, tried(m, asked).diff);
  CHECK(line(m, asked) == " |");
  CHECK(parse_idle_settings(*m.f.entries["/etc/mlops-agent/idle.json"].content) ==
        IdleSettings{1200, 120, 50, std::vector<std::uint16_t>{8888}});
}

TEST_CASE("idle_shutdown: whatever was changed is put back, each alone") {
  for (const auto& [path, name] :
       std::vector<std::pair<std::string, std::string>>{{program, "program"},
                                                        {service, "mlops-agent-idle.service"},
                                                        {timer, "mlops-agent-idle.timer"},
                                                        {"/etc/mlops-agent/idle.json", "settings"}}) {
    FakeMachine m = settled();
    put(m, path, "vandalised", m.f.entries[path].status.mode);
    CHECK(line(m) == name + " | write:" + path + " start.service restart.timer");
    take_over(m, tried(m).diff);
    CHECK(line(m) == " |");
    m.f.entries.erase(path);
    CHECK(line(m) == name + " | write:" + path + " start.service restart.timer");
    m.f.link(path, "/tmp/mine");
    CHECK(line(m) == name + " | write:" + path + " start.service restart.timer");
    m = settled();
    m.f.entries[path].status.mode = 0777;
    CHECK(line(m) == name + " rights | rights:" + path + " start.service restart.timer");
    take_over(m, tried(m).diff);
    CHECK(line(m) == " |");
    m.f.entries[path].status.owner = "ubuntu";
    CHECK(line(m) == name + " rights | rights:" + path + " start.service restart.timer");
  }
}

TEST_CASE(
    "idle_shutdown: a timer that is stopped or disabled is started and enabled, a masked one is an error") {
  FakeMachine m = settled();
  set_timer(m, "inactive");
  CHECK(line(m) == "state | start.timer");
  set_timer(m, "active", "disabled");
  CHECK(line(m) == "enabled | enable.timer");
  set_timer(m, "inactive", "masked");
  CHECK(line(m).find("systemctl unmask mlops-agent-idle.timer") != std::string::npos);
  CHECK(line(m, R"("state": "absent")").find("systemctl unmask") != std::string::npos);
}

TEST_CASE("idle_shutdown: a first check that failed is made again before the timer starts") {
  FakeMachine m = settled();
  set_service(m, "failed");
  CHECK(line(m) == "last check | start.service");
  set_timer(m, "inactive");
  CHECK(line(m) == "last check, state | start.service start.timer");
  set_service(m, "inactive", "masked");
  CHECK(line(m).find("systemctl unmask mlops-agent-idle.service") != std::string::npos);
  CHECK(line(m, R"("state": "absent")").find("systemctl unmask") != std::string::npos);
}

TEST_CASE("idle_shutdown: folders of others are taken from them, and links are no folders") {
  for (const auto& [path, mode] :
       std::vector<std::pair<std::string, std::uint32_t>>{{"/usr/local/lib/mlops-agent-idle", 0755},
                                                          {"/etc/mlops-agent", 0755},
                                                          {"/var/lib/mlops-agent-idle", 0755},
                                                          {"/var/lib/mlops-agent-idle/keep", 01777}}) {
    const std::string restart = " start.service restart.timer", mend = " | rights:" + path + restart;
    FakeMachine m = settled();
    REQUIRE(m.f.entries[path].status.mode == mode);
    m.f.entries[path].status.mode = 0777;
    CHECK(line(m) == path + " rights" + mend);
    take_over(m, tried(m).diff);
    CHECK(line(m) == " |");
    CHECK(m.f.entries[path].status.mode == mode);
    m.f.entries[path].status.owner = "ubuntu";
    CHECK(line(m) == path + " rights" + mend);
    m.f.entries[path].status.owner = "root";
    m.f.entries[path].status.group = "ubuntu";
    CHECK(line(m) == path + " rights" + mend);
    m.f.entries.erase(path);
    CHECK(line(m) == "folder | folder:" + path + restart);
    m.f.link(path, "/home/ubuntu/mine");
    CHECK(line(m) == path + " is a symbolic link, and no folder: remove it");
    m.f.file(path, "");
    CHECK(line(m) == path + " is a file, and no folder: remove it");
  }
}

TEST_CASE("idle_shutdown: libraries of an earlier copy go") {
  FakeMachine m = settled();
  const std::string libraries = "/usr/local/lib/mlops-agent-idle/libc";
  m.f.folder(libraries);
  m.f.file(libraries + "/libold.so.1", "");
  CHECK(line(m) == "library | remove:" + libraries + "/libold.so.1 start.service restart.timer");
  take_over(m, tried(m).diff);
  CHECK(line(m) == " |");
}

// As on a host whose C library is older than this program's. The test starts itself through the loader, for
// then own_command() has it.
TEST_CASE("idle_shutdown: a program that was started through a loader is copied with it") {
  const std::vector<std::string> argv = own_command();
  if (argv.size() == 1) {
    const std::string self = loader_of_this_process() + " " + own_executable();
    CHECK(std::system((self + " 'idle_shutdown: a program that was started through a loader*' >&2").c_str()) ==
          0);
    return;
  }
  REQUIRE(argv.size() == 4);
  FakeMachine m = bare();
  const std::string from = argv[2], loader = argv[0].substr(argv[0].rfind('/') + 1);
  const std::string libraries = "/usr/local/lib/mlops-agent-idle/libc";
  m.f.folder(from);
  put(m, argv[0], "the loader", 0755);
  put(m, from + "/libc.so.6", "the library", 0755);
  const std::string first = line(m);
  CHECK(first.find(" folder:" + libraries + " ") != std::string::npos);
  CHECK(first.find(" write:" + libraries + "/" + loader + " ") != std::string::npos);
  CHECK(first.find(" write:" + libraries + "/libc.so.6 ") != std::string::npos);
  take_over(m, tried(m).diff);
  CHECK(line(m) == " |");
  const std::string start = libraries + "/" + loader + " --library-path " + libraries + " " + program;
  CHECK(m.f.entries[service].content->find("\nExecStart=" + start + " idle check\n") != std::string::npos);
  CHECK(m.f.entries[command].content->find("\nidle | keep) exec " + start + " \"$@\" ;;\n") !=
        std::string::npos);
  m.f.entries.erase(from + "/libc.so.6");  // the next version of the program has no such library
  CHECK(line(m) == "library | remove:" + libraries + "/libc.so.6 start.service restart.timer");
}

TEST_CASE("idle_shutdown: its command stays out of the way of the whole program") {
  for (const char* folder : {"/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    FakeMachine m = bare();
    put(m, std::string(folder) + "/mlops-agent", "the whole program", 0755);
    CHECK(line(m).find(command) == std::string::npos);
    take_over(m, tried(m).diff);
    CHECK(line(m) == " |");
    m = settled();
    put(m, std::string(folder) + "/mlops-agent", "the whole program", 0755);
    CHECK(line(m) == "command | remove:" + command + " start.service restart.timer");
    take_over(m, tried(m).diff);
    CHECK(line(m) == " |");
  }
}

TEST_CASE("idle_shutdown: the command runs the copy for idle and keep alone, and says why for others") {
  const std::string script = action<WriteFile>(tried(bare()).diff, 6)->content;
  const TemporaryFolder folder;
  std::string here = script;
  here.replace(here.find("exec " + program), 5 + program.size(), "exec echo ran");
  const std::string path = folder.file("mlops-agent", here, 0755);
  const auto run = [&](const std::string& arguments) {
    const int status = std::system((path + " " + arguments + " >" + (folder / "said") + " 2>&1").c_str());
    return std::to_string(WEXITSTATUS(status)) + " " + content_of(folder / "said");
  };
  CHECK(run("idle --json") == "0 ran idle --json\n");
  CHECK(run("keep 2h") == "0 ran keep 2h\n");
  for (const char* other : {"", "apply x.json", "--help", "idler"}) {
    const std::string said = run(other);
    CHECK(said.starts_with("3 mlops-agent: "));
    CHECK(said.find("only the commands idle and keep") != std::string::npos);
  }
}

TEST_CASE("idle_shutdown: a program of that name that somebody installed stays as it is") {
  FakeMachine m = bare();
  put(m, command, "another program", 0755);
  CHECK(line(m).find(command) == std::string::npos);
  take_over(m, tried(m).diff);
  CHECK(line(m) == " |");
  CHECK(line(m, R"("state": "absent")").find(command) == std::string::npos);
}

TEST_CASE("idle_shutdown: absent stops the timer and removes all of it, and nothing twice") {
  const std::string absent = R"("state": "absent", "idle": "20m")";
  CHECK(line(bare(), absent) == " |");
  FakeMachine m = settled();
  m.f.folder(idle_state_folder);
  const std::string removal =
      " disable.timer remove:" + command + " remove:" + timer + " remove:" + service +
      " remove:/etc/mlops-agent/idle.json remove:/usr/local/lib/mlops-agent-idle remove:" + idle_data_folder +
      " remove:" + idle_state_folder;
  CHECK(line(m, absent) == "exists | stop.timer" + removal + " remove:/etc/mlops-agent");
  for (const char* running : {"activating", "active", "deactivating"}) {
    set_service(m, running);
    CHECK(line(m, absent) == "exists | stop.timer stop.service" + removal + " remove:/etc/mlops-agent");
  }
  FakeMachine shared = m;
  shared.f.file("/etc/mlops-agent/other.json", "");
  CHECK(line(shared, absent) == "exists | stop.timer stop.service" + removal);
  take_over(m, tried(m, absent).diff);
  CHECK(line(m, absent) == " |");
}

TEST_CASE("idle_shutdown: times and loads that make no sense are mistakes") {
  for (const char* wrong : {R"("idle": "30s")", R"("idle": "60d")", R"("idle": "5m", "warn": "5m")",
                            R"("idle": "10m", "warn": "10m")", R"("load": 0)", R"("load": 20000)",
                            R"("jupyter": [0])", R"("jupyter": 8888)", R"("idle": 45)"})
    CHECK(refused(wrong));
  CHECK_FALSE(refused(R"("idle": "1m", "warn": "10s", "jupyter": [])"));
  const FakeMachine m = settled(R"("idle": "3m")");
  CHECK(parse_idle_settings(*m.f.entries.at("/etc/mlops-agent/idle.json").content) ==
        IdleSettings{180, 60, 20, {}});
}
