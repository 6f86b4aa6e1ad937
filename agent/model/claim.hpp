// What a resource owns, edits or reads, so that conflicts and dependencies can be seen.
#pragma once

#include <string>
#include <vector>

namespace mlops {

struct Claim {
  enum class Kind { path, user, group, package, service, port, tunnel };
  // owns: all of it is as the resource wishes. edits: a part, named by subkey, shared in peace with other parts.
  enum class Access { owns, edits, reads };

  Kind kind = Kind::path;
  std::string key;  // "/etc/hosts", "ubuntu", "docker.io", "docker.service", "tcp:8888"
  Access access = Access::owns;
  std::string subkey;  // for edits
  std::string wish;    // equal wishes of two owners are no conflict; "": its parameters as JSON
  bool tree = false;   // a path and everything below it
};
using Claims = std::vector<Claim>;

// "path", "user", …
const char* to_text(Claim::Kind kind);

// Who has to act for a resource, before `as` is looked at (design: who acts).
struct Actor {
  enum class Kind {
    root,    // system-wide things
    person,  // commands, verifications
    path,    // whoever the deepest existing ancestor of path belongs to
    tree,    // the same, where programs work by name in a tree at path: root never does in a folder of others
  };
  Kind kind = Kind::root;
  std::string path;   // for Kind::path and Kind::tree
  std::string owner;  // for Kind::path: the wanted owner, "" when not said
};

// What later commands of the run get because of a resource.
struct Environment {
  std::string user;               // whose commands: those of no other identity
  std::vector<std::string> path;  // folders put before PATH
};

}  // namespace mlops
