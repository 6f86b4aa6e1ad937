// Where one user's tunnels are recorded, and which process keeps each.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/handle.hpp"
#include "base/process.hpp"
#include "domains/tunnels/actions.hpp"

namespace mlops {

// NAME.json (the settings), NAME.lock (held by the keeping process, fcntl(2)), NAME.control (that process's
// socket), NAME.log and NAME.log.1: all 0600, in a folder that is 0700.
class TunnelFolder {
 public:
  // A folder that should belong to the user; nothing is created or checked yet.
  TunnelFolder(std::string path, uid_t owner) : path_(std::move(path)), owner_(owner) {}
  // The user's: $XDG_STATE_HOME/mlops-agent/tunnels for the caller's own, else
  // ~/.local/state/mlops-agent/tunnels. Under sudo the variable is ignored.
  static TunnelFolder of(const ActingUser& who);

  const std::string& path() const { return path_; }
  uid_t owner() const { return owner_; }
  std::string file(const std::string& name, const char* suffix) const { return path_ + "/" + name + suffix; }

  // Creates it and missing parents; closes it to others. Error if it belongs to another user. Call as the
  // owner.
  void prepare() const;
  // The recorded names, sorted; empty without a folder. Error if it belongs to another user.
  std::vector<std::string> names() const;
  // Absent if none of that name is recorded. Invalid settings are returned as those of a tunnel with a name and
  // nothing else, so that it is replaced, or can be stopped.
  std::optional<Tunnel> settings(const std::string& name) const;
  void write(const Tunnel& tunnel) const;                      // atomically
  void remove(const std::string& name) const;                  // all its files; absent is success
  std::optional<pid_t> keeper(const std::string& name) const;  // the process that holds the lock
  // Takes the lock; empty if another process holds it. Held as long as this process or the handle lives.
  Handle take_lock(const std::string& name) const;

 private:
  std::string path_;
  uid_t owner_;
};

// 1 to 64 of letters, digits, '.', '_' and '-', beginning with a letter or digit: it is part of file names.
bool is_tunnel_name(std::string_view name);

// The settings as text (JSON), and back: absent if the text is invalid. Unknown members are ignored.
std::string tunnel_text(const Tunnel& tunnel);
std::optional<Tunnel> parse_tunnel(std::string_view text);

}  // namespace mlops
