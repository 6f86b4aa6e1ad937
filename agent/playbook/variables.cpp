#include "playbook/variables.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "model/bounds.hpp"
#include "playbook/placeholder.hpp"
#include "playbook/playbook.hpp"

namespace mlops {
namespace {

// A value of vars that is currently being filled in.
struct Open {
  const Value* value;
  std::vector<std::string> path;
  std::size_t depth = 0;  // of vars that it has referred to so far
};

struct Filled {
  Value value;
  std::size_t depth = 0;  // 1: it refers to no vars that are filled in; 2: at most to such; …
};

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string_view text = *variable;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

bool written_before(const Value& a, const Value& b) {
  return a.where.line != b.where.line ? a.where.line < b.where.line : a.where.column < b.where.column;
}

// The cycle, starting from its member that is written first, so that it is the same mistake wherever it was
// entered.
InterpolationError circle(std::vector<Open> members) {
  std::rotate(members.begin(),
              std::min_element(members.begin(), members.end(),
                               [](const Open& a, const Open& b) { return written_before(*a.value, *b.value); }),
              members.end());
  std::string message = "vars that refer to each other in a circle: ";
  if (members.size() == 1) message = "a var that refers to itself: ";
  for (const Open& open : members) message += path_text(open.path) + " -> ";
  return {{members[0].value->where, message + path_text(members[0].path), "", {}, {}}};
}

}  // namespace

struct Variables::State {
  const Value& vars;
  const Scope* inner;
  const std::map<std::string, std::string>* environment;
  const std::set<std::string>* withheld = nullptr;
  const Secrets* secrets = nullptr;
  const Include* include = nullptr;
  const Scope* outer = nullptr;  // of the include
  std::unordered_map<const Value*, Filled> filled;
  std::unordered_map<const Value*, Diagnostic> failed;
  std::vector<Open> open;
  std::unordered_map<std::string_view, const Value*> by_name;  // the members of vars; created on first use
  // for the first chain of vars that is too deep, so that it is reported once
  std::optional<Diagnostic> too_deep;

  bool is_passed(const std::string& name) const {
    return include && std::find(include->passed.begin(), include->passed.end(), name) != include->passed.end();
  }

  const Value* var(const std::string& name) {
    if (by_name.empty() && vars.is_object())
      for (const Value::Member& member : vars.as_object()) by_name.emplace(member.key, &member.value);
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  }

  // The filled-in value of vars at the path. The most specific written value is filled in, so that members of
  // one object may refer to each other.
  std::optional<Value> variable(const std::vector<std::string>& path, const Scope& own) {
    const Scope& scope = path.size() > 1 && is_passed(path[1]) ? *outer : own;
    const Value* at = &vars;
    std::span<const std::string> rest(path.begin() + 1, path.end());
    while (!rest.empty()) {
      if (at->is_string() && needs_filling(*at)) {
        const Value whole = fill(*at, path, rest.size(), scope);
        const Value* found = member_at(whole, rest);
        return found ? std::optional(*found) : std::nullopt;
      }
      at = at == &vars ? var(rest.front()) : member_at(*at, rest.first(1));
      if (!at) return {};
      rest = rest.subspan(1);
    }
    return needs_filling(*at) ? fill(*at, path, 0, scope) : *at;
  }

  const Value& fill(const Value& value, const std::vector<std::string>& path, std::size_t rest,
                    const Scope& scope) {
    if (const auto found = filled.find(&value); found != filled.end()) return referred_to(found->second);
    if (const auto found = failed.find(&value); found != failed.end()) throw InterpolationError{found->second};
    const auto again = std::find_if(open.begin(), open.end(), [&](const Open& o) { return o.value == &value; });
    if (again != open.end()) throw circle({again, open.end()});
    if (open.size() == deepest_nesting) throw too_deep_at(value);
    open.push_back({&value, {path.begin(), path.end() - static_cast<std::ptrdiff_t>(rest)}});
    struct Close {
      std::vector<Open>& open;
      ~Close() { open.pop_back(); }
    };
    std::optional<Filled> made;
    try {
      const Close close{open};
      made.emplace(Filled{interpolate(value, scope), 0});
      made->depth = open.back().depth + 1;
      if (made->depth > deepest_nesting) throw too_deep_at(value);
    } catch (const InterpolationError& error) {
      failed.emplace(&value, error.diagnostic);
      throw;
    }
    return referred_to(filled.emplace(&value, *std::move(made)).first->second);
  }

  // The depth is the same wherever a chain of vars was entered.
  const Value& referred_to(const Filled& var) {
    if (!open.empty()) open.back().depth = std::max(open.back().depth, var.depth);
    return var.value;
  }

  InterpolationError too_deep_at(const Value& value) {
    const Value& entered = open.empty() ? value : *open.front().value;
    if (!too_deep)
      too_deep = {entered.where,
                  fmt::format("a chain of more than {} vars that refer to each other", deepest_nesting),
                  "",
                  {},
                  {}};
    return {*too_deep};
  }
};

Variables::Variables(const Value& vars, const Scope* inner,
                     const std::map<std::string, std::string>* environment)
    : state_(new State{vars, inner, environment, nullptr, nullptr, nullptr, nullptr, {}, {}, {}, {}, {}}) {}
Variables::Variables(const Playbook& playbook, const Scope* inner)
    : Variables(playbook.vars, inner, playbook.environment ? &*playbook.environment : nullptr) {
  state_->withheld = &playbook.withheld;
  state_->secrets = playbook.secrets.get();
}
Variables::Variables(const Playbook& playbook, const Scope* inner, const Include& include, const Scope& outer)
    : Variables(include.vars, inner, playbook.environment ? &*playbook.environment : nullptr) {
  state_->withheld = &playbook.withheld;
  state_->secrets = playbook.secrets.get();
  state_->include = &include;
  state_->outer = &outer;
}
Variables::~Variables() = default;

std::optional<Value> Variables::lookup(const std::vector<std::string>& path) const {
  if (path.empty()) return {};
  if (path[0] == "vars") return state_->variable(path, *this);
  if (path[0] == "secrets" && state_->secrets)
    return path.size() == 2 ? state_->secrets->value(path[1]) : std::nullopt;
  if (path[0] != "env") return state_->inner ? state_->inner->lookup(path) : std::nullopt;
  if (path.size() != 2) return {};
  if (state_->withheld && state_->withheld->contains(path[1]))
    throw Unknown{{}, "the variable " + path[1] + " was not sent here: no play of this machine refers to it"};
  if (state_->environment) {
    const auto found = state_->environment->find(path[1]);
    return found == state_->environment->end() ? std::nullopt : std::optional<Value>(found->second);
  }
  const char* text = std::getenv(path[1].c_str());
  return text ? std::optional<Value>(Value(text)) : std::nullopt;
}

bool Variables::has(const std::vector<std::string>& path) const {
  const bool is_own = path.empty() || path[0] == "vars" || path[0] == "secrets" || path[0] == "env";
  return is_own || !state_->inner ? lookup(path).has_value() : state_->inner->has(path);
}

std::vector<std::string> Variables::names(const std::vector<std::string>& path) const {
  if (path.empty()) {
    std::vector<std::string> roots{"vars", "env"};
    if (state_->secrets && !state_->secrets->empty()) roots.emplace_back("secrets");
    if (state_->inner)
      for (std::string& root : state_->inner->names(path)) roots.push_back(std::move(root));
    return roots;
  }
  if (path[0] == "env") return path.size() == 1 ? environment_names() : std::vector<std::string>{};
  if (path[0] == "secrets" && state_->secrets) {
    std::vector<std::string> names;
    if (path.size() == 1)
      for (const Secrets::Declared& d : state_->secrets->declared()) names.push_back(d.name);
    return names;
  }
  if (path[0] != "vars") return state_->inner ? state_->inner->names(path) : std::vector<std::string>{};
  if (path.size() == 1) return member_names(state_->vars);
  const auto value = state_->variable(path, *this);
  return value ? member_names(*value) : std::vector<std::string>{};
}

void Variables::hide(const std::string& derived) const {
  if (state_->secrets)
    state_->secrets->hide(derived);
  else if (state_->inner)
    state_->inner->hide(derived);
}

}  // namespace mlops
