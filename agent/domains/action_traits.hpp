// What the engine, the journal and undo must know of a kind of action. Each action states all of it: there are
// no defaults, so a new one cannot forget any.
#pragma once

namespace mlops {

// A program that is interrupted leaves a result that is not known; every other action is atomic.
enum class Runs { no_program, a_program };
// Whether an overlay knows the result, and every error that is bound to come, in advance. A step of several
// such actions is performed whole or not begun.
enum class Effect { foreseen, assumed };
// What a failed action leaves.
enum class OnFailure { nothing_done, maybe_done };
// Who can perform it: its record in another user's journal is not believed if only root can.
enum class Needs { any_user, root };
// Whether performing it once more, on its own result, is an Error.
enum class Repeated { succeeds, fails };
// Whether processes that run already may have other groups afterwards than a new login.
enum class Groups { unchanged, changed };

struct ActionTraits {
  const char* name;  // in the journal: never change one
  Runs runs;
  Effect effect;
  OnFailure on_failure;
  Needs needs;
  Repeated repeated;
  Groups groups;
  constexpr ActionTraits(const char* n, Runs r, Effect e, OnFailure o, Needs u, Repeated a, Groups g)
      : name(n), runs(r), effect(e), on_failure(o), needs(u), repeated(a), groups(g) {}
};

}  // namespace mlops
