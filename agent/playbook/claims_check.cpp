#include <fmt/format.h>

#include <unordered_map>

#include "playbook/playbook.hpp"

namespace mlops {
namespace {

struct Key {
  Claim::Kind kind = Claim::Kind::path;
  std::string_view key, subkey;
  bool edits = false;
  friend bool operator==(const Key&, const Key&) = default;
};

struct KeyHash {
  std::size_t operator()(const Key& k) const {
    const std::hash<std::string_view> hash;
    return hash(k.key) * 31 + hash(k.subkey) * 7 + static_cast<std::size_t>(k.kind) * 2 + k.edits;
  }
};

struct Held {
  const ClaimHolder* holder = nullptr;
  const Claim* claim = nullptr;
};

std::string_view type_of(const ClaimHolder& holder) {
  return std::string_view(holder.label).substr(0, holder.label.find('['));
}

bool same_wish(const Held& a, const Held& b) {
  if (!a.claim->desired.empty() || !b.claim->desired.empty()) return a.claim->desired == b.claim->desired;
  return a.holder->parameters && b.holder->parameters && type_of(*a.holder) == type_of(*b.holder) &&
         *a.holder->parameters == *b.holder->parameters;
}

class ClaimsCheck {
 public:
  explicit ClaimsCheck(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void run(const std::vector<ClaimHolder>& holders) {
    held_.reserve(holders.size());
    for (const ClaimHolder& holder : holders)
      for (const Claim& claim : holder.claims) take({&holder, &claim});
    if (removed_.empty()) return;
    for (const ClaimHolder& holder : holders)
      for (const Claim& claim : holder.claims) look_above({&holder, &claim});
  }

 private:
  void take(const Held& held) {
    const Claim& claim = *held.claim;
    if (claim.access == Claim::Access::reads) return;
    const bool edits = claim.access == Claim::Access::edits;
    const Key key{claim.kind, claim.key, edits ? std::string_view(claim.subkey) : "", edits};
    const auto [first, added] = held_.emplace(key, held);
    if (!added && first->second.holder != held.holder && !same_wish(first->second, held))
      report(first->second, held);
    if (!edits && claim.kind == Claim::Kind::path && claim.desired == "absent")
      removed_.emplace(claim.key, held);
  }

  // Whether the claim is inside what another resource removes.
  void look_above(const Held& held) {
    const Claim& claim = *held.claim;
    if (claim.kind != Claim::Kind::path || claim.access == Claim::Access::reads || claim.desired == "absent")
      return;
    std::string_view path = claim.key;
    while (path.size() > 1) {
      const std::size_t slash = path.rfind('/');
      if (slash == std::string_view::npos) return;
      path = path.substr(0, std::max<std::size_t>(slash, 1));
      const auto tree = removed_.find(path);
      if (tree == removed_.end() || tree->second.holder == held.holder) continue;
      add(tree->second, held,
          fmt::format("the path {} lies in {}, which {} removes", claim.key, path, tree->second.holder->label));
      return;
    }
  }

  void report(const Held& first, const Held& second) {
    const Claim& claim = *second.claim;
    const bool edits = claim.access == Claim::Access::edits;
    const std::string what =
        edits ? fmt::format("`{}` in the {} {}", claim.subkey, to_text(claim.kind), claim.key)
              : fmt::format("the {} {}", to_text(claim.kind), claim.key);
    add(first, second,
        fmt::format("{} and {} want different things of {}", first.holder->label, second.holder->label, what));
  }

  void add(const Held& first, const Held& second, std::string message) {
    diagnostics_.add({second.holder->where, std::move(message), "", first.holder->where,
                      fmt::format("{} stands here", first.holder->label)});
  }

  Diagnostics& diagnostics_;
  std::unordered_map<Key, Held, KeyHash> held_;
  std::unordered_map<std::string_view, Held> removed_;
};

}  // namespace

void check_claims(const std::vector<ClaimHolder>& holders, Diagnostics& diagnostics) {
  ClaimsCheck(diagnostics).run(holders);
}

}  // namespace mlops
