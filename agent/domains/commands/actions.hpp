// Running a program that changes something, as a plain value.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "base/process.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

// Runs a program that changes something. The effects that a plan may assume are listed in creates and changes.
struct RunCommand {
  static constexpr ActionTraits traits{"run_command",         Runs::a_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user, Repeated::succeeds,
                                       Groups::unchanged};
  Command command;
  std::vector<int> ok_status = {0};
  std::vector<std::string> creates;  // paths that exist as folders or files afterwards, content unknown
  bool bounded = false;              // true: it changes only creates, and nothing else that a playbook manages
  std::string remove_on_failure;     // a path removed, recursively, if it fails or is stopped; "": none
  std::string doing;                 // shown in the live line: "cloning https://…"; "": the argv
  // it is not run again if creates exist: a failed run must not leave them behind
  bool until_created = false;
  static constexpr auto fields() {
    return std::tuple(field("command", &RunCommand::command), unrecorded("ok_status", &RunCommand::ok_status),
                      field("creates", &RunCommand::creates), field("bounded", &RunCommand::bounded),
                      field("remove_on_failure", &RunCommand::remove_on_failure),
                      without_passwords("doing", &RunCommand::doing),
                      unrecorded("until_created", &RunCommand::until_created));
  }
  friend bool operator==(const RunCommand&, const RunCommand&) = default;
};

using CommandActions = TypeList<RunCommand>;

}  // namespace mlops
