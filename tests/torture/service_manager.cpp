#include "service_manager.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "support/http_server.hpp"

namespace torture {
namespace {

namespace fs = std::filesystem;

const fs::path unit_files = "/etc/systemd/system", links = "/etc/systemd/system/multi-user.target.wants",
               running = "/run/standin-units", groups = "/run/standin-groups";
constexpr const char* unit_objects = "/org/freedesktop/systemd1/unit";
constexpr const char* job_object = "/org/freedesktop/systemd1/job/1";

std::string content_of(const fs::path& path) {
  std::error_code none;
  if (!fs::is_regular_file(path, none)) return {};
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Whole or not at all: this process may be killed anywhere.
void write_whole(const fs::path& path, const std::string& text) {
  const fs::path fresh = path.string() + ".new";
  std::ofstream(fresh) << text;
  fs::rename(fresh, path);
}

// What follows the word in the unit's file, up to the end of the line, a space or a quote; "" when it has none.
std::string setting(const std::string& unit, const std::string& word) {
  const auto at = unit.find(word);
  if (at == std::string::npos) return "";
  const auto begin = at + word.size();
  return unit.substr(begin, unit.find_first_of("\n \"", begin) - begin);
}

// ---- what runs
// --------------------------------------------------------------------------------------------------

bool runs(const std::string& name) { return fs::exists(running / name); }

void be_in_group(const std::string& name) {
  const fs::path group = groups / "torture" / name;
  fs::create_directories(group);
  std::ofstream(group / "cgroup.procs") << 0 << std::flush;
}

// As Jupyter does: what asks with the token it read when it started gets the status.
void serve(const std::string& unit) {
  std::string token = content_of(setting(unit, "JUPYTER_TOKEN_FILE="));
  while (token.ends_with('\n')) token.pop_back();
  const auto port = static_cast<unsigned>(std::stoul(setting(unit, "--port=")));
  mlops::test::HttpServer server(
      [token](const mlops::test::HttpRequestSeen& request) {
        const bool right = request.header("authorization") == "token " + token;
        return mlops::test::http_answer(right ? "200 OK" : "403 Forbidden", "{}");
      },
      port);
  for (;;) ::pause();
}

// The process of a unit that is to run; its number goes to where the unit is known to run.
std::string start_process(const std::string& name, const std::string& unit) {
  const passwd* user = ::getpwnam(setting(unit, "User=").c_str());
  if (!user) throw std::runtime_error(name + ": no such user");
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    be_in_group(name);
    if (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0) ::_exit(1);
    try {
      serve(unit);
    } catch (const std::exception&) {
    }
    ::_exit(1);
  }
  // Until it listens: as ExecStartPost has it.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(setting(unit, "--port="))));
  for (int i = 0; i < 1000 && ::kill(child, 0) == 0; ++i) {
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) break;
    ::usleep(2'000);
  }
  ::close(fd);
  return std::to_string(child);
}

void end_process(const std::string& name) {
  const std::string process = content_of(running / name);
  if (process.empty()) return;
  const pid_t pid = std::stoi(process);
  ::kill(pid, SIGKILL);
  for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i) ::usleep(1'000);
}

void start(const std::string& name) {
  const std::string unit = content_of(unit_files / name);
  if (const std::string read = setting(unit, "X-Reads="); !read.empty())
    write_whole(read + ".read", content_of(read));
  write_whole(running / name, setting(unit, "User=").empty() ? "" : start_process(name, unit));
}

void stop(const std::string& name) {
  end_process(name);
  fs::remove(running / name);
}

// At boot what is enabled; later what ran with a process, which is gone.
void start_again(bool boot) {
  std::error_code none;
  if (boot)
    for (const auto& link : fs::directory_iterator(links, none)) start(link.path().filename());
  else
    for (const auto& unit : fs::directory_iterator(running))
      if (fs::file_size(unit) != 0) start(unit.path().filename());
}

// ---- the bus
// ----------------------------------------------------------------------------------------------------

std::string unit_of(sd_bus_message* m) {
  char* name = nullptr;
  sd_bus_path_decode(sd_bus_message_get_path(m), unit_objects, &name);
  const std::string text = name ? name : "";
  std::free(name);
  return text;
}

std::string word_of(sd_bus_message* m) {
  const char* text = "";
  sd_bus_message_read(m, "s", &text);
  return text;
}

std::string file_state(const std::string& name) {
  if (!fs::exists(unit_files / name)) return "";
  return fs::is_symlink(links / name) ? "enabled" : "disabled";
}

std::uint64_t since(const std::string& name) {
  struct stat status {};
  if (::stat((running / name).c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(status.st_mtim.tv_nsec) / 1000;
}

std::uint64_t now_us() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_nsec) / 1000;
}

int reply_properties(sd_bus_message* m, const std::string& name) {
  sd_bus_message* reply = nullptr;
  sd_bus_message_new_method_return(m, &reply);
  const bool there = fs::exists(unit_files / name);
  sd_bus_message_append(reply, "a{sv}", 6, "LoadState", "s", there ? "loaded" : "not-found", "ActiveState", "s",
                        runs(name) ? "active" : "inactive", "SubState", "s", runs(name) ? "running" : "dead",
                        "UnitFileState", "s", file_state(name).c_str(), "CanReload", "b", 1,
                        "StateChangeTimestamp", "t", since(name));
  const int r = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return r;
}

int reply_property(sd_bus_message* m) {
  word_of(m);
  const std::string property = word_of(m);
  if (property == "NeedDaemonReload") return sd_bus_reply_method_return(m, "v", "b", 0);
  if (property == "UnitPath") return sd_bus_reply_method_return(m, "v", "as", 1, unit_files.c_str());
  if (property == "Names") return sd_bus_reply_method_return(m, "v", "as", 1, unit_of(m).c_str());
  // Files are read again each time.
  if (property == "UnitsLoadTimestamp") return sd_bus_reply_method_return(m, "v", "t", now_us());
  if (property == "ExecMainStatus") return sd_bus_reply_method_return(m, "v", "i", 0);
  return sd_bus_reply_method_return(m, "v", "s", "success");
}

int do_job(sd_bus_message* m, const std::string& verb) {
  const std::string name = word_of(m);
  if (verb != "StartUnit") stop(name);
  if (verb != "StopUnit") start(name);
  const int r = sd_bus_reply_method_return(m, "o", job_object);
  sd_bus_emit_signal(sd_bus_message_get_bus(m), "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                     "JobRemoved", "uoss", 1u, job_object, name.c_str(), "done");
  return r;
}

int change_link(sd_bus_message* m, bool enable) {
  sd_bus_message_enter_container(m, 'a', "s");
  const std::string name = word_of(m);
  if (enable && !fs::is_symlink(links / name)) {
    fs::create_directories(links);
    fs::create_symlink(unit_files / name, links / name);
  }
  if (!enable) fs::remove(links / name);
  return enable ? sd_bus_reply_method_return(m, "ba(sss)", 1, 0) : sd_bus_reply_method_return(m, "a(sss)", 0);
}

int answer(sd_bus_message* m) {
  const std::string member = sd_bus_message_get_member(m);
  if (member == "LoadUnit") {
    char* path = nullptr;
    sd_bus_path_encode(unit_objects, word_of(m).c_str(), &path);
    const int r = sd_bus_reply_method_return(m, "o", path);
    std::free(path);
    return r;
  }
  if (member == "GetAll") return reply_properties(m, unit_of(m));
  if (member == "Get") return reply_property(m);
  if (member == "GetUnitFileState") {
    const std::string state = file_state(word_of(m));
    if (!state.empty()) return sd_bus_reply_method_return(m, "s", state.c_str());
    return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.FileNotFound", "no such unit");
  }
  if (member.ends_with("Unit") && member != "ResetFailedUnit") return do_job(m, member);
  if (member.ends_with("UnitFiles")) return change_link(m, member == "EnableUnitFiles");
  return sd_bus_reply_method_return(m, "");  // Subscribe, Reload, ResetFailedUnit
}

int on_message(sd_bus_message* m, void*, sd_bus_error*) {
  if (!sd_bus_message_is_method_call(m, nullptr, nullptr)) return 0;
  try {
    answer(m);
  } catch (const std::exception& e) {
    sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "%s", e.what());
  }
  return 1;
}

void talk(int connection) {
  sd_bus* bus = nullptr;
  sd_id128_t id{};
  id.bytes[0] = 1;
  if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, connection, connection) < 0 ||
      sd_bus_set_server(bus, 1, id) < 0 || sd_bus_add_filter(bus, nullptr, on_message, nullptr) < 0 ||
      sd_bus_start(bus) < 0)
    return;
  for (int r = 0; r >= 0;) {
    r = sd_bus_process(bus, nullptr);
    if (r == 0) r = sd_bus_wait(bus, UINT64_MAX);
  }
  sd_bus_unref(bus);
}

}  // namespace

void start_service_manager() {
  fs::create_directories("/run/systemd/system");
  const bool boot = !fs::exists(running);
  for (const fs::path& folder : {running, groups}) fs::create_directories(folder);
  if (::mount("cgroup2", groups.c_str(), "cgroup2", 0, nullptr) != 0)
    throw std::runtime_error("no control groups (version 2)");
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/systemd/private");
  ::unlink(address.sun_path);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 16) != 0)
    throw std::runtime_error("the stand-in for systemd cannot be started");
  start_again(boot);
  if (::fork() != 0) {
    ::close(listener);
    return;
  }
  ::signal(SIGCHLD, SIG_IGN);
  for (;;) {
    const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    if (::fork() == 0) {
      talk(connection);
      ::_exit(0);
    }
    ::close(connection);
  }
}

}  // namespace torture
