// Decides which user a resource runs as.
#pragma once

#include <map>
#include <string>

#include "machine/host.hpp"
#include "model/claim.hpp"

namespace mlops {

// Decides by the state of the file system, never by trying: see docs/architecture.md.
class IdentityRules {
 public:
  IdentityRules(Host& host, Person person, Identity caller)
      : host_(host), person_(std::move(person)), caller_(std::move(caller)) {}

  // as: the resource's `as`, "" when it has none. Error when ancestors cannot be inspected for reasons other
  // than permissions.
  Identity decide(const Actor& actor, const std::string& as);
  // For a path that the person may write to, but where another user's file exists: root.
  Identity decide_to_change(const Actor& actor, const std::string& as, const Identity& decided);
  // Error unsafe_path where root would run programs in a folder in which another user could replace the files
  // they work on.
  void require_trusted(const Actor& actor, const Identity& identity);
  // To be called when folders may have changed.
  void forget() { folders_.clear(); }

  const Person& person() const { return person_; }

 private:
  bool person_may_write(const std::string& folder);
  Identity owner_of_folder(const std::string& path);
  Host& host_;
  Person person_;
  Identity caller_;
  std::map<std::string, bool> folders_;
};

}  // namespace mlops
