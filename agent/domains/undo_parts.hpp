// What each action provides so that it can be reverted, as overloads beside it (domain.hpp of its folder):
//
//   capture        reads what it is about to replace
//   invert         the actions that revert it, given what it replaced
//   satisfied      whether its effect is already present; false if that cannot be inspected
//   touch          adds the objects that it leaves behind: "path /etc/motd", "user ada"
//   add_leftovers  adds what an interruption may leave that belongs to no resource
//   target_path    the path that it writes to, removes or restores; null if it is of no one path
//
// An action without one of them does not compile.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace mlops {

class CaptureBefore;
class LeftoverSearch;
class MachineReader;
struct Before;
struct Inverse;

// Objects with their kind, links resolved: "path /etc/motd"; "tree /srv/course" with everything below it.
using Things = std::set<std::string>;

}  // namespace mlops
