#include "domains/tunnels/login_unit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.hpp"
#include "base/own_executable.hpp"
#include "domains/tunnels/keeper_process.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest_unit = 16 << 10;  // bytes

std::string config_folder(const ActingUser& who) {
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  const bool own = who.uid == ::getuid() && !(who.uid == 0 && std::getenv("SUDO_UID"));
  return xdg && xdg[0] == '/' && own ? xdg : who.home + "/.config";
}

std::string read_text(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string text(largest_unit, '\0');
  const ssize_t n = file ? ::read(file.get(), text.data(), text.size()) : -1;
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

void make_parents(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST)
      throw system_error("cannot make the folder " + path.substr(0, at), errno);
}

void write_text(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const Handle out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!out || ::write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(out.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    throw system_error("cannot write " + path, error);
  }
}

void unlink_if_there(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
    throw system_error("cannot remove " + path, errno);
}

std::vector<std::string> command_or_none() {
  try {
    return own_command();
  } catch (const Error&) {  // this program's file is gone
    return {};
  }
}

}  // namespace

std::string unit_word(const std::string& word) {
  std::string text = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    if (c == '%' || c == '$') text += c;
    text += c;
  }
  return text + '"';
}

LoginUnit::LoginUnit(const ActingUser& who, const TunnelFolder& folder, const std::string& name)
    : command_(command_or_none()), name_(name), folder_(folder.path()) {
  const std::string units = config_folder(who) + "/systemd/user/",
                    unit = "mlops-agent-tunnel-" + name + ".service";
  path_ = units + unit;
  link_ = units + "default.target.wants/" + unit;
}

std::string LoginUnit::text() const {
  std::string words;
  for (const std::string& word : command_) words += unit_word(word) + " ";
  return fmt::format(
      "# Made by mlops-agent: what is changed here is put back by its next run.\n"
      "[Unit]\nDescription=mlops-agent tunnel {}\n\n"
      "[Service]\nExecStart={}{} {} {}\nRestart=on-failure\nRestartSec=5\n\n"
      "[Install]\nWantedBy=default.target\n",
      name_, words, keeper_command, unit_word(folder_), name_);
}

bool LoginUnit::is_right() const {
  if (command_.size() != 1 || read_text(path_) != text()) return false;
  struct stat unit {
  }, linked{};
  return ::stat(path_.c_str(), &unit) == 0 && ::stat(link_.c_str(), &linked) == 0 &&
         unit.st_ino == linked.st_ino && unit.st_dev == linked.st_dev;
}

void LoginUnit::write() const {
  if (command_.size() != 1)
    throw Error("a tunnel can be started at log-in only by a program that is installed there; this one is not");
  make_parents(link_);
  write_text(path_, text());
  unlink_if_there(link_);
  if (::symlink(("../" + path_.substr(path_.rfind('/') + 1)).c_str(), link_.c_str()) != 0)
    throw system_error("cannot make the link " + link_, errno);
}

void LoginUnit::remove() const {
  unlink_if_there(link_);
  unlink_if_there(path_);
}

}  // namespace mlops
