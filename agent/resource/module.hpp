// The contract of a resource type, which the files in modules/ implement, and the table of them.
//
//   namespace mlops::modules { namespace {
//   struct Group {
//     static constexpr auto type = "group";
//     struct Desired { … };   struct Current { … };
//     static void    describe(Schema<Desired>& s);                   // each parameter once
//     static Claims  claims(const Desired&);
//     static Actor   actor(const Desired&);                          // who to run as
//     static Current inspect(const Desired&, const MachineReader&);  // reads only
//     static Diff    diff(const Desired&, const Current&);           // pure; or with a third `bool notified`
//
//     // All below are optional.
//     // An object for {{resources.ID.name}}; or Outputs, if some are secret or known only after a real run.
//     static Value   outputs(const Desired&, const Current&);
//     static Environment environment(const Desired&, const Current&);  // for commands of later resources
//     static constexpr bool opaque = true;       // comes after everything before it
//     // Called after acting: fills in what could not be known before (the installed version).
//     static void    amend(std::vector<Change>&, const Desired&, const Current&);
//     static bool    bounded(const Desired&);    // for opaque ones: it changes nothing but its claims
//     static bool    waits_for_notification(const Desired&);  // for opaque ones: acts only when notified
//     // Why it does not apply to this machine, and is skipped there.
//     static std::optional<std::string> not_applicable(const Desired&, const Current&);
//     // Instead of the other inspect. interrupted: an earlier run was, while changing this; its result is not
//     // trusted.
//     static Current inspect(const Desired&, const MachineReader&, bool interrupted);
//     // The actions to do first in that case.
//     static std::vector<Action> recover(const Desired&, const MachineReader&, const Interruption&);
//     // The resource that removes what this one made, as in a playbook; null if there is none; false if there
//     // is nothing to remove: its desired state is absence.
//     static Value   removal(const Desired&);
//     // Whether these changes created all of it, so that nothing of it existed before. Default: one
//     // of them is a creation.
//     static bool    made(const Desired&, const std::vector<Change>&);
//     static constexpr bool settles = true;      // rechecked for up to 10 s after acting
//     // With settles: how much longer it must stay unchanged before it counts as converged; 0: it counts.
//     static std::uint64_t unsettled_ms(const Desired&, const Current&);
//     // The machine's log lines since then about a failure, shown with it.
//     static std::string evidence(const Desired&, const MachineReader&, std::uint64_t since_us);
//     static constexpr bool verification = true; // its failure is `failed`, never a change
//     // ssh knows its main parameter as the name of a host, once it is applied on the controller.
//     static constexpr bool names_host = true;
//   A Desired derived from CloudAccount (resource/cloud.hpp) makes the type one of a cloud account.
//   };
//   } MLOPS_MODULE(Group); }
//
// A new type is one new file: the build makes the table from the folder.
#pragma once

#include <any>
#include <span>
#include <string_view>

#include "domains/diff.hpp"
#include "machine/machine.hpp"
#include "model/claim.hpp"
#include "resource/schema.hpp"

namespace mlops {

// The outputs of a resource, for later ones.
struct Outputs {
  Value values;                      // an object; secrets in it are marked (Value::secret)
  std::vector<std::string> unknown;  // names that have no value before the real run: in a plan
};

// Whether one of the changes is a creation.
inline bool is_made_by(const std::vector<Change>& changes) {
  for (const Change& change : changes)
    if (change.kind == Change::Kind::create) return true;
  return false;
}

// How earlier runs that changed a resource were interrupted.
struct Interruption {
  std::int64_t began = 0;  // microseconds since the epoch: the earliest of them
  bool restarted = false;  // the machine has rebooted since: unsynced data may be lost
};

// A type-erased module: the std::any are its Desired and its Current.
struct Module {
  std::string_view type;
  const SchemaBase* schema;  // lives as long as the program
  bool opaque, settles, notifiable, verification;
  bool names_host;  // applied on the controller, it makes its main parameter a host's name for ssh
  // Whose cloud account it acts on, with the credentials of the person; null for a type that acts on a host.
  CloudScope (*account)(const std::any& desired);
  // Whether it changes only what it claims: by default true, unless it is opaque.
  bool (*bounded)(const std::any& desired);
  // Whether it acts only when another resource notifies it, and so depends on no other.
  bool (*waits_for_notification)(const std::any& desired);
  void (*amend)(std::vector<Change>& changes, const std::any& desired, const std::any& current);
  // Decodes parameters; empty after reporting mistakes to the decoder. See SchemaBase::decode for skip.
  std::any (*decode)(const Value& params, Decoder&, const std::function<bool(const Value&)>& skip);
  Claims (*claims)(const std::any& desired);
  Actor (*actor)(const std::any& desired);
  std::any (*inspect)(const std::any& desired, const MachineReader&);
  // The same after an earlier run was interrupted while changing this: its result is not trusted.
  std::any (*inspect_interrupted)(const std::any& desired, const MachineReader&);
  // The actions to do first in that case; empty if the module has none.
  std::vector<Action> (*recover)(const std::any& desired, const MachineReader&, const Interruption&);
  // The resource that removes what this one made; null if there is none, false if its desired state is absence.
  Value (*removal)(const std::any& desired);
  // Whether the changes created all of it: nothing of it existed before.
  bool (*made)(const std::any& desired, const std::vector<Change>& changes);
  Diff (*diff)(const std::any& desired, const std::any& current, bool notified);
  // Milliseconds that a converged state must remain unchanged.
  std::uint64_t (*unsettled_ms)(const std::any& desired, const std::any& current);
  // Log lines about a failure, since microseconds after the epoch; "" if there are none.
  std::string (*evidence)(const std::any& desired, const MachineReader&, std::uint64_t since_us);
  Outputs (*outputs)(const std::any& desired, const std::any& current);  // null if the module has none
  // Why it is to be skipped on this machine; absent if it is not.
  std::optional<std::string> (*not_applicable)(const std::any& desired, const std::any& current);
  Environment (*environment)(const std::any& desired, const std::any& current);
};

using ModuleTable = std::span<const Module* const>;

// All modules of this program, by name.
ModuleTable all_modules();
// null if there is no such type.
const Module* find_module(std::string_view type);

template <class M>
const Module& erase_module() {
  using D = typename M::Desired;
  using C = typename M::Current;
  static const Schema<D> schema = [] {
    Schema<D> s;
    M::describe(s);
    return s;
  }();
  constexpr bool notifiable = requires(const D& d, const C& c) { M::diff(d, c, true); };
  static const Module module{.type = M::type, .schema = &schema, .opaque = requires {M::opaque;
}
, .settles = requires { M::settles; }
, .notifiable = notifiable, .verification = requires { M::verification; }
, .names_host = requires { M::names_host; }
,
    .account =
        [] {
          CloudScope (*scope)(const std::any&) = nullptr;
          if constexpr (requires(const D& x) { scope_of(x); })
            scope = [](const std::any& d) { return scope_of(*std::any_cast<D>(&d)); };
          return scope;
        }(),
    .bounded = [](const std::any& d) -> bool {
      if constexpr (requires(const D& x) { M::bounded(x); })
        return M::bounded(*std::any_cast<D>(&d));
      else
        return !requires { M::opaque; };
    },
    .waits_for_notification = [](const std::any& d) -> bool {
      if constexpr (requires(const D& x) { M::waits_for_notification(x); })
        return M::waits_for_notification(*std::any_cast<D>(&d));
      else
        return static_cast<void>(d), false;
    },
    .amend =
        [](std::vector<Change>& changes, const std::any& d, const std::any& c) {
          if constexpr (requires(const D& x, const C& y) { M::amend(changes, x, y); })
            M::amend(changes, *std::any_cast<D>(&d), *std::any_cast<C>(&c));
          else
            static_cast<void>(changes), static_cast<void>(d), static_cast<void>(c);
        },
    .decode = [](const Value& params, Decoder& decoder,
                 const std::function<bool(const Value&)>& skip) -> std::any {
      D desired;
      if (!schema.decode(params, &desired, decoder, skip)) return {};
      return desired;
    },
    .claims = [](const std::any& d) { return M::claims(*std::any_cast<D>(&d)); },
    .actor = [](const std::any& d) { return M::actor(*std::any_cast<D>(&d)); },
    .inspect = [](const std::any& d, const MachineReader& m) -> std::any {
      if constexpr (requires(const D& x) { M::inspect(x, m, false); })
        return M::inspect(*std::any_cast<D>(&d), m, false);
      else
        return M::inspect(*std::any_cast<D>(&d), m);
    },
    .inspect_interrupted = [](const std::any& d, const MachineReader& m) -> std::any {
      if constexpr (requires(const D& x) { M::inspect(x, m, true); })
        return M::inspect(*std::any_cast<D>(&d), m, true);
      else
        return M::inspect(*std::any_cast<D>(&d), m);
    },
    .recover = [](const std::any& d, const MachineReader& m, const Interruption& how) -> std::vector<Action> {
      if constexpr (requires(const D& x) { M::recover(x, m, how); })
        return M::recover(*std::any_cast<D>(&d), m, how);
      else
        return static_cast<void>(d), static_cast<void>(m), static_cast<void>(how), std::vector<Action>();
    },
    .removal = [](const std::any& d) -> Value {
      if constexpr (requires(const D& x) { M::removal(x); })
        return M::removal(*std::any_cast<D>(&d));
      else
        return static_cast<void>(d), Value();
    },
    .made = [](const std::any& d, const std::vector<Change>& changes) -> bool {
      if constexpr (requires(const D& x) { M::made(x, changes); })
        return M::made(*std::any_cast<D>(&d), changes);
      else
        return static_cast<void>(d), is_made_by(changes);
    },
    .diff = [](const std::any& d, const std::any& c, [[maybe_unused]] bool notified) -> Diff {
      if constexpr (requires(const D& x, const C& y) { M::diff(x, y, true); })
        return M::diff(*std::any_cast<D>(&d), *std::any_cast<C>(&c), notified);
      else
        return M::diff(*std::any_cast<D>(&d), *std::any_cast<C>(&c));
    },
    .unsettled_ms = [](const std::any& d, const std::any& c) -> std::uint64_t {
      if constexpr (requires(const D& x, const C& y) { M::unsettled_ms(x, y); })
        return M::unsettled_ms(*std::any_cast<D>(&d), *std::any_cast<C>(&c));
      else
        return static_cast<void>(d), static_cast<void>(c), 0;
    },
    .evidence = [](const std::any& d, const MachineReader& m, std::uint64_t since_us) -> std::string {
      if constexpr (requires(const D& x) { M::evidence(x, m, since_us); })
        return M::evidence(*std::any_cast<D>(&d), m, since_us);
      else
        return static_cast<void>(d), static_cast<void>(m), static_cast<void>(since_us), "";
    },
    .outputs = [](const std::any& d, const std::any& c) -> Outputs {
      if constexpr (requires(const D& x, const C& y) { M::outputs(x, y).unknown; })
        return M::outputs(*std::any_cast<D>(&d), *std::any_cast<C>(&c));
      else if constexpr (requires(const D& x, const C& y) { M::outputs(x, y); })
        return {M::outputs(*std::any_cast<D>(&d), *std::any_cast<C>(&c)), {}};
      else
        return {};
    },
    .not_applicable = [](const std::any& d, const std::any& c) -> std::optional<std::string> {
      if constexpr (requires(const D& x, const C& y) { M::not_applicable(x, y); })
        return M::not_applicable(*std::any_cast<D>(&d), *std::any_cast<C>(&c));
      else
        return std::nullopt;
    },
    .environment = [](const std::any& d, const std::any& c) -> Environment {
      if constexpr (requires(const D& x, const C& y) { M::environment(x, y); })
        return M::environment(*std::any_cast<D>(&d), *std::any_cast<C>(&c));
      else
        return static_cast<void>(d), static_cast<void>(c), Environment();
    },
};  // namespace mlops
return module;
}

#define MLOPS_CONCAT_EXPANDED(a, b) a##b
#define MLOPS_CONCAT(a, b) MLOPS_CONCAT_EXPANDED(a, b)
// Ends a module's file. MLOPS_MODULE_NAME is the file's name, set by the build.
#define MLOPS_MODULE(M)                                                                  \
  const Module& MLOPS_CONCAT(module_, MLOPS_MODULE_NAME)();                              \
  const Module& MLOPS_CONCAT(module_, MLOPS_MODULE_NAME)() { return erase_module<M>(); } \
  static_assert(true)

}  // namespace mlops
