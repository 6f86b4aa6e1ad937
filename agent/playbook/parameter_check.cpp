#include <deque>

#include "base/error.hpp"
#include "playbook/checks.hpp"
#include "playbook/condition.hpp"
#include "playbook/scopes.hpp"
#include "playbook/static_scope.hpp"

namespace mlops {
namespace {

enum class Truth { no, yes, unknown };

// Whether it refers to a secret, as far as that is known.
bool refers_to_secret(const Value& value, const Scope& scope) {
  Diagnostics reported;
  for (const Reference& reference : references(value, reported)) {
    try {
      if (const auto found = scope.lookup(reference.path); found && holds_secret(*found)) return true;
    } catch (const Unknown&) {
    } catch (const InterpolationError&) {
    }
  }
  return false;
}

// A copy with those texts filled in whose values are known. The others stay unchanged, and complete becomes
// false.
Value fill_known(const Value& value, const Scope& scope, Diagnostics& diagnostics, bool& complete) {
  if (!needs_filling(value)) return value;
  Value filled;
  if (value.is_string()) {
    try {
      return interpolate(value, scope);
    } catch (const Unknown&) {
    } catch (const InterpolationError& error) {
      diagnostics.add(error.diagnostic);
    }
    complete = false;
    Value open = value;
    open.secret = refers_to_secret(value, scope);
    return open;
  }
  if (value.is_array()) {
    Value::Array list;
    for (const Value& element : value.as_array())
      list.push_back(fill_known(element, scope, diagnostics, complete));
    filled = Value(std::move(list));
  } else {
    Value::Object members;
    for (const Value::Member& m : value.as_object())
      members.emplace_back(m.key, m.key_where, fill_known(m.value, scope, diagnostics, complete));
    filled = Value(std::move(members));
  }
  filled.where = value.where;
  return filled;
}

Truth matches(const Value& when, const Scope& scope, Diagnostics& diagnostics) {
  if (when.is_null()) return Truth::yes;
  try {
    Diagnostics reported;
    for (const Reference& reference : condition_references(when, reported))
      if (const auto found = scope.lookup(reference.path); found && holds_secret(*found)) return Truth::unknown;
    return evaluate(when, scope).matches ? Truth::yes : Truth::no;
  } catch (const Unknown&) {
  } catch (const InterpolationError& error) {
    diagnostics.add(error.diagnostic);
  }
  return Truth::unknown;
}

class ParameterCheck {
 public:
  // files: where sources are looked up.
  ParameterCheck(const Playbook& playbook, const std::string& home, const FileSource* files,
                 Diagnostics& diagnostics)
      : playbook_(playbook), home_(home), files_(files), diagnostics_(diagnostics) {}

  void check(const Play& play) {
    const Scopes scopes(playbook_, &plain_);
    on_ = play.on;
    const bool runs = matches(play.when, scopes.of(play.include), diagnostics_) == Truth::yes;
    for (const Resource& resource : play.resources) {
      const bool has_turn = runs && is_included(resource.include, scopes);
      if (resource.for_each.is_null())
        check(resource, scopes.of(resource.include), has_turn, "");
      else
        check_each(resource, scopes.of(resource.include), has_turn);
    }
  }
  void check_all_claims() {
    for (const auto& [hosts, holders] : holders_) check_claims(holders, diagnostics_);
  }

 private:
  bool is_included(const Include* include, const Scopes& scopes) {
    return !include || (is_included(include->outer, scopes) &&
                        matches(include->when, scopes.of(include->outer), diagnostics_) == Truth::yes);
  }

  void check_each(const Resource& resource, const Scope& scope, bool runs) {
    bool complete = true;
    const Value over = fill_known(resource.for_each, scope, diagnostics_, complete);
    if (!complete) {
      const StaticScope unknown_item(StaticScope::Item::unknown);
      check(resource, Scopes(playbook_, &unknown_item).of(resource.include), false, "");
      return;
    }
    for (const auto& [key, item] : expand_for_each(over, diagnostics_)) {
      const StaticScope with_item(StaticScope::Item::known, &item);
      check(resource, Scopes(playbook_, &with_item).of(resource.include), runs, key);
    }
  }

  // runs: whether the play is known to run. Only then its claims count: of two resources for different systems
  // one may be skipped.
  void check(const Resource& resource, const Scope& scope, bool runs, const std::string& key) {
    const Truth wanted = matches(resource.when, scope, diagnostics_);
    if (!resource.module || !resource.parameters.is_object()) return;
    bool complete = true;
    const Value* parameters = &resource.parameters;
    if (resource.needs_filling) {
      filled_.push_back(fill_known(resource.parameters, scope, diagnostics_, complete));
      parameters = &filled_.back();
    }
    Decoder decoder{diagnostics_, home_, resource.where, false, files_};
    decoder.ssh_config = playbook_.ssh_config;
    const auto skip = complete ? std::function<bool(const Value&)>() : has_references;
    const std::any desired = resource.module->decode(*parameters, decoder, skip);
    if (complete && runs && wanted == Truth::yes && desired.has_value())
      holders_[on_].push_back(
          {label_of(resource, *parameters, key), resource.where, resource.module->claims(desired), parameters});
    else if (resource.needs_filling)
      filled_.pop_back();
  }

  const Playbook& playbook_;
  const std::string& home_;
  const FileSource* files_;
  Diagnostics& diagnostics_;
  StaticScope plain_;
  std::deque<Value> filled_;     // the holders point into it
  std::vector<std::string> on_;  // of the play being checked
  // plays of other hosts are other machines
  std::map<std::vector<std::string>, std::vector<ClaimHolder>> holders_;
};

// Records which files are requested, and reads none.
class AskedFor : public FileSource {
 public:
  FileBeside read(const std::string& path, bool, std::uint64_t) const override {
    paths.insert(path);
    return {};
  }
  FileBeside whole(const std::string& path) const override { return read(path, false, 0); }
  std::string similar(const std::string&) const override { return ""; }

  mutable std::set<std::string> paths;
};

}  // namespace

void check_parameters(const Playbook& playbook, const std::string& home, Diagnostics& diagnostics) {
  ParameterCheck check(playbook, home, playbook.files, diagnostics);
  for (const Play& play : playbook.plays) check.check(play);
  check.check_all_claims();
}

std::set<std::string> files_named(const Playbook& playbook, const std::vector<std::size_t>& plays,
                                  const std::string& home) {
  const AskedFor files;
  Diagnostics reported;  // repeated: the playbook was checked before
  ParameterCheck check(playbook, home, &files, reported);
  for (const std::size_t play : plays) check.check(playbook.plays.at(play));
  return files.paths;
}

}  // namespace mlops
