// Where the tunnels of one user are recorded, and which process keeps each.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/handle.hpp"
#include "base/process.hpp"
#include "domains/action.hpp"

namespace mlops {

// NAME.json (the settings), NAME.lock (held by who keeps it, fcntl(2)), NAME.control (the socket on which that process
// answers), NAME.log and NAME.log.1: all 0600, in a folder that is 0700.
class TunnelFolder {
 public:
  // A folder that is to belong to the user; nothing is made or looked at yet.
  TunnelFolder(std::string path, uid_t owner) : path_(std::move(path)), owner_(owner) {}
  // The user's: $XDG_STATE_HOME/mlops-agent/tunnels for the caller's own, else ~/.local/state/mlops-agent/tunnels. Under
  // sudo the variable is not believed.
  static TunnelFolder of(const ActingUser& who);

  const std::string& path() const { return path_; }
  uid_t owner() const { return owner_; }
  std::string file(const std::string& name, const char* suffix) const { return path_ + "/" + name + suffix; }

  // Makes it, and what is missing above it; closes it to others. Error when it is somebody else's. For the owner.
  void prepare() const;
  // The names that are recorded, sorted; empty without a folder. Error when it is somebody else's.
  std::vector<std::string> names() const;
  // Absent when none of that name is recorded. Settings that cannot be understood are those of a tunnel that has a
  // name and nothing else, so that it is replaced, or can be stopped.
  std::optional<Tunnel> settings(const std::string& name) const;
  void write(const Tunnel& tunnel) const;            // atomically
  void remove(const std::string& name) const;        // all its files; absent is success
  std::optional<pid_t> keeper(const std::string& name) const;  // who holds the lock
  // The lock, taken; empty where another process holds it. Held for as long as this process lives or the handle does.
  Handle take_lock(const std::string& name) const;

 private:
  std::string path_;
  uid_t owner_;
};

// 1 to 64 of letters, digits, '.', '_' and '-', beginning with a letter or digit: it is part of file names.
bool is_tunnel_name(std::string_view name);

// The settings as a text (JSON), and back: absent where the text is no such thing. What is not known is passed over.
std::string tunnel_text(const Tunnel& tunnel);
std::optional<Tunnel> parse_tunnel(std::string_view text);

}  // namespace mlops
