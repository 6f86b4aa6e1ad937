// What a resource owns, edits or reads, to find conflicts and dependencies.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

struct Claim {
  enum class Kind { path, user, group, package, service, port, tunnel, cloud, image };
  // owns: the resource determines all of it. edits: a part, named by subkey; other parts may belong to other
  // resources.
  enum class Access { owns, edits, reads };

  Kind kind = Kind::path;
  // "/etc/hosts", "ubuntu", "docker.io", "docker.service", "tcp:8888", "ec2_instance box", "hello-world:latest"
  std::string key;
  Access access = Access::owns;
  std::string subkey;   // for edits
  std::string desired;  // equal states of two owners do not conflict; "": its parameters as JSON
  bool tree = false;    // a path and everything below it
};
using Claims = std::vector<Claim>;

// One object of a machine: what a claim is about.
struct ClaimedObject {
  Claim::Kind kind = Claim::Kind::path;
  std::string key;    // as in Claim
  bool tree = false;  // as in Claim

  // The same object, without what is below it.
  ClaimedObject itself() const { return {kind, key, false}; }
  friend auto operator<=>(const ClaimedObject&, const ClaimedObject&) = default;
};

ClaimedObject object_of(const Claim& claim);
// What the claims own or edit, without trees.
std::vector<ClaimedObject> written_objects(const Claims& claims);

// "path", "user", …
const char* to_text(Claim::Kind kind);

// The text of claims where they are stored. parse_… is absent for text of another form.
//
// "path /etc/motd", "tree /srv/course", "user ada", "service docker.service"
std::string to_string(const ClaimedObject& object);
std::optional<ClaimedObject> parse_object(std::string_view text);
// "owns path /etc/motd": the access and the object only
std::string to_string(const Claim& claim);
std::optional<Claim> parse_claim(std::string_view text);

// Which user a resource runs as if `as` is not given (docs/architecture.md).
struct Actor {
  enum class Kind {
    root,    // system-wide objects
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
