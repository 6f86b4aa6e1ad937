// How to take back what was done.
#pragma once

#include <string>
#include <vector>

#include "state/before.hpp"

namespace mlops {

struct Inverse {
  std::vector<Action> actions;     // in order
  std::vector<std::string> stays;  // what they cannot take back: "the command `make install`"
};

// Of one action, with what it replaced.
//
//   action                       where nothing was            where something was
//   write, download, restore …   remove the path              restore it (what was not kept stays as it is: what was
//                                                             too large, or may hold a secret)
//   create directory, link       remove it                    –
//   set attributes               –                            set those that were changed
//   remove path                  –                            restore it with all below it (hard links from elsewhere
//                                                             stay another file)
//   rename                                                    rename back
//   create group, user           remove it; a group of a      –
//                                user's name that was there
//                                stays
//   change group, user           –                            change back what was changed
//   remove group, user           –                            create it, with memberships and subordinate ids; a
//                                                             user's password stays lost
//   change membership            –                            leave what was joined, join what was left
//   install, remove packages     by what the transaction did: remove what came, install what went, in its version
//   repair packages              –
//   unit: start, stop …          by what it was               by what it was; restart and reload: –
//   run a command                bounded, and what it creates was not there: remove that; else it stays
//   start, stop a tunnel         stop it                      start it as it was
Inverse inverse(const Action& action, const Before& before);

// Of actions that were performed one after the other, with what was there before the first of them. What they made and
// renamed is removed where it is now.
Inverse inverse(const std::vector<Action>& actions, const std::vector<Before>& before);

}  // namespace mlops
