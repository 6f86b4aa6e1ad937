// A throw-away copy of this machine: an overlay of its root on a tmpfs, in which programs run with process ids,
// mounts and a network of their own. Nothing outside is touched.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "snapshot.hpp"
#include "tracer.hpp"

namespace torture {

using Words = std::vector<std::string>;

struct Settings {
  std::string build;                         // the agent's, seen as /opt/mlops-agent
  std::map<std::string, std::string> shown;  // folders of this machine, read-only: place in the world -> folder
  std::string served;                        // folder that http://127.0.0.1:PORT has; "": no server
  unsigned port = 8099;
  bool service_manager = false;  // whether a stand-in for systemd answers
  std::string person;            // who typed it: root under sudo from this account; "": root
  bool as_person = false;        // this account itself
  std::string size = "2g";       // of a world's tmpfs
};

struct Ran {
  Watched how;
  std::string out, err;
};

// The overlays' work folders and mounts: this process's mount namespace must be its own (Machine makes it so).
class Machine {
 public:
  explicit Machine(Settings settings);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const Settings& settings() const { return settings_; }
  const std::string& folder() const { return folder_; }
  std::string base() const { return folder_ + "/base"; }  // how an untouched world looks
  // Lower folders of new worlds, as mount's lowerdir takes them.
  std::string lower() const { return lower_; }
  // Runs words in a world that becomes what new worlds begin with. Throws with the output when it fails.
  void prepare(const Words& words);

 private:
  void remove_groups() const;

  Settings settings_;
  std::string folder_, lower_ = "/";
  int maker_ = 0;
};

class World {
 public:
  World(const Machine& machine, const std::string& name);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::string root() const { return folder_ + "/root"; }
  std::string upper() const { return folder_ + "/disk/upper"; }
  Snapshot snapshot(const Ignored& ignored) const { return take_snapshot(upper(), machine_.base(), ignored); }
  // What is in /run and /tmp goes as it does when a machine starts.
  void forget_volatile();

  // Runs the words and waits. stdin is /dev/null; stdout and stderr are pipes.
  Ran run(const Words& words, const Watch& watch = {});
  // The same with this process's stdin, stdout and stderr, unwatched: its exit status.
  int run_here(const Words& words);
  // Does work in a process of its own that sees the world as its root. Throws where it does.
  void inside(const std::function<void()>& work) const;
  bool read_only = false;                          // the next runs see a file system that cannot be written to
  std::map<std::string, std::string> environment;  // added to that of the next runs

 private:
  void enter() const;
  [[noreturn]] void execute(const Words& words) const;
  pid_t start(const std::function<void()>& inside) const;
  void make_volatile() const;

  const Machine& machine_;
  std::string folder_;
  int runs_ = 0;
};

}  // namespace torture
