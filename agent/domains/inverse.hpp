// How to revert actions.
#pragma once

#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/before.hpp"

namespace mlops {

struct Inverse {
  std::vector<Action> actions;     // in order
  std::vector<std::string> stays;  // what they cannot revert: "the command `make install`"
};

// The inverse of one action, given what it replaced.
//
//   action                       if nothing existed           if something existed
//   write, download, restore …   remove the path              restore it (content that was not kept stays as it
//                                                             is: too large, or it may hold a secret)
//   create directory, link       remove it                    –
//   set attributes               –                            set those that were changed
//   remove path                  –                            restore it with everything below it (hard links
//                                                             from elsewhere stay another file)
//   rename                                                    rename back
//   create group, user           remove it; a group of a      –
//                                user's name that was there
//                                stays
//   change group, user           –                            change back what was changed
//   remove group, user           –                            create it, with memberships and subordinate ids;
//                                                             a user's password stays lost
//   change membership            –                            leave what was joined, join what was left
//   install, remove packages     by the transaction: remove new packages, reinstall removed versions
//   repair packages              –
//   unit: start, stop …          to its earlier state         to its earlier state; restart and reload: –
//   run a command                bounded, and what it creates did not exist: remove that; else –
//   start, stop a tunnel         stop it                      start it as it was
//   fetch the package index      –                            –
//   pull, load, tag an image     take its name away           give the name back to the image that had it
//   remove an image's name       –                            give it back; an image's last name stays lost
Inverse inverse(const Action& action, const Before& before);

// The inverse of a list of actions, given what existed before the first of them. Objects that they created and
// renamed are removed at their current path.
Inverse inverse(const std::vector<Action>& actions, const std::vector<Before>& before);

}  // namespace mlops
