#include "engine/made_resources.hpp"

#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/attempt_result.hpp"

namespace mlops {
namespace {

// Hashes texts.
class Mixer {
 public:
  void add(std::string_view text) {
    mix(text.size());
    std::uint64_t bits = 0;
    for (; text.size() >= sizeof bits; text.remove_prefix(sizeof bits)) {
      std::memcpy(&bits, text.data(), sizeof bits);
      mix(bits);
    }
    bits = 0;
    for (const char c : text) bits = bits << 8 | static_cast<unsigned char>(c);
    mix(bits);
  }
  std::uint64_t value() const { return state_; }

 private:
  // The finisher of MurmurHash3, over the state so far.
  void mix(std::uint64_t bits) {
    state_ = (std::rotl(state_, 23) ^ bits) * 0xff51afd7ed558ccd;
    state_ ^= state_ >> 33;
    state_ *= 0xc4ceb9fe1a85ec53;
    state_ ^= state_ >> 29;
  }
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

LedgerEntry::Came how_it_came(const ResourceRecord& record) {
  if (record.outcome == Outcome::ok) return LedgerEntry::Came::found;
  return record.made ? LedgerEntry::Came::made : LedgerEntry::Came::changed;
}

}  // namespace

std::uint64_t digest_of(const Instance& i) {
  Mixer mixer;
  mixer.add(i.label);
  mixer.add(i.identity.user);
  for (const Claim& claim : i.claims)
    if (claim.access != Claim::Access::reads) mixer.add(claim.key);
  return mixer.value();
}

std::vector<MadeResource> made_resources(std::span<const ResourceRecord> records, RunValues& values,
                                         Outcome acted) {
  std::vector<MadeResource> made;
  for (const ResourceRecord& record : records) {
    if (!record.is_converged(acted)) continue;
    static_cast<void>(result_of({}, [&]() -> AttemptResult {
      const Resource& resource = *record.resource;
      Instance i = values.fill(record);
      made.push_back({i.label, label_of(resource, resource.parameters, record.key), resource.module->type,
                      record.identity, how_it_came(record), std::move(i.claims),
                      resource.module->removal(i.desired)});
      return attempted::Ok{};
    }));
  }
  return made;
}

}  // namespace mlops
