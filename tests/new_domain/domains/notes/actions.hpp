// What can be done to notes, as plain values.
#pragma once

#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

struct PutNote {
  static constexpr ActionTraits traits{
      "put_note",      Runs::no_program,   Effect::foreseen, OnFailure::nothing_done,
      Needs::any_user, Repeated::succeeds, Groups::unchanged};
  std::string name, text;
  static constexpr auto fields() {
    return std::tuple(field("name", &PutNote::name), field("text", &PutNote::text));
  }
  friend bool operator==(const PutNote&, const PutNote&) = default;
};

// Absent is success.
struct RemoveNote {
  static constexpr ActionTraits traits{"remove_note",           Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string name;
  static constexpr auto fields() { return std::tuple(field("name", &RemoveNote::name)); }
  friend bool operator==(const RemoveNote&, const RemoveNote&) = default;
};

using NoteActions = TypeList<PutNote, RemoveNote>;

}  // namespace mlops
