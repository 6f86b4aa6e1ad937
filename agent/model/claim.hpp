// What a resource owns, edits or reads, to find conflicts and dependencies.
#pragma once

#include <string>
#include <vector>

namespace mlops {

struct Claim {
  enum class Kind { path, user, group, package, service, port, tunnel };
  // owns: the resource determines all of it. edits: a part, named by subkey; other parts may belong to other
  // resources.
  enum class Access { owns, edits, reads };

  Kind kind = Kind::path;
  std::string key;  // "/etc/hosts", "ubuntu", "docker.io", "docker.service", "tcp:8888"
  Access access = Access::owns;
  std::string subkey;  // for edits
  std::string wish;    // equal states of two owners do not conflict; "": its parameters as JSON
  bool tree = false;   // a path and everything below it
};
using Claims = std::vector<Claim>;

// "path", "user", …
const char* to_text(Claim::Kind kind);

// Which user a resource runs as if `as` is not given (design: who acts).
struct Actor {
  enum class Kind {
    root,    // system-wide things
    person,  // commands, verifications
    path,    // the owner of the deepest existing ancestor of path
    // the same, for programs that work by name in a tree at path: root never does so in other users' folders
    tree,
  };
  Kind kind = Kind::root;
  std::string path;   // for Kind::path and Kind::tree
  std::string owner;  // for Kind::path: the desired owner, "" if not given
};

// Environment that a resource provides to later commands of the run.
struct Environment {
  std::string user;               // whose commands: no other identity's
  std::vector<std::string> path;  // folders put before PATH
};

}  // namespace mlops
