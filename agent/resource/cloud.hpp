// What the resource types of a cloud account share: whose account, names, claims and amounts.
#pragma once

#include <optional>
#include <string>

#include "domains/cloud/reader.hpp"
#include "model/claim.hpp"
#include "resource/schema.hpp"

namespace mlops {

// An amount of US dollars: 0.25 or "0.25".
struct Dollars {
  double amount = 0;
};

template <>
struct Codec<Dollars> {
  static bool decode(const Value&, Dollars&, Decoder&);
  static std::string type_text();
  static Value json_schema();
  static Value to_value(const Dollars&);
};

// A base of such a type's Desired.
struct CloudAccount {
  std::string region, profile;  // "": as AWS's own tools choose
};

template <class D>
void describe_account(Schema<D>& s) {
  s.optional("region", static_cast<std::string D::*>(&CloudAccount::region),
             "The region, as eu-central-1. Default: AWS_REGION or AWS_DEFAULT_REGION, else the profile's, else "
             "that of the instance this runs on; none is assumed.");
  s.optional("profile", static_cast<std::string D::*>(&CloudAccount::profile),
             "The profile of ~/.aws/config whose credentials are used. Default: as AWS's own tools choose "
             "(AWS_PROFILE, the environment's keys, the profile `default` and so on).");
}
void check_account(const CloudAccount& account, Checker& c);
CloudScope scope_of(const CloudAccount& account);

// A name that is a tag: 1 to 128 letters, digits, blanks inside and ._:/=+@-. Reports anything else.
void check_tagged_name(const std::string& name, Checker& c);

Claim cloud_claim(const std::string& type, const CloudAccount& account, const std::string& name,
                  Claim::Access access = Claim::Access::owns);
// Whether it was made by this program.
bool is_ours(const CloudTags& tags);
// {"type": …, "name": …, "state": "absent"}, with the account's parameters.
Value cloud_removal(const std::string& type, const CloudAccount& account, const std::string& name);

// The network in the form in which EC2 shows it: "203.0.113.7/24" is "203.0.113.0/24". Absent if it is none.
std::optional<std::string> canonical_cidr(const std::string& text);
// The network of this address alone: /32, or /128. Absent if it is no address.
std::optional<std::string> cidr_of_host(const std::string& address);

}  // namespace mlops
