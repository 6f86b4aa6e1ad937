// A rule of a security group, as a playbook has it: {"port": 22, "from": "here"}.
#pragma once

#include <string>

#include "domains/cloud/reader.hpp"
#include "resource/schema.hpp"

namespace mlops {

struct IngressRule {
  enum class From { here, network, group };
  std::string protocol = "tcp";  // as CloudRule's, but icmp for both versions of it
  std::int64_t from_port = -1, to_port = -1;
  From from = From::network;
  std::string source;  // a canonical network; the name of a group; "" for here
};

template <>
struct Codec<IngressRule> {
  static bool decode(const Value&, IngressRule&, Decoder&);
  static std::string type_text();
  static Value json_schema();
  static Value to_value(const IngressRule&);
};

// "tcp 22 from 203.0.113.7/32", "all from sg-1"
std::string describe(const CloudRule& rule);
// Whether they differ at most in their source: the two versions of icmp count as one.
bool is_same_service(const CloudRule& rule, const CloudRule& other);
// The rule for a network; for a group if that is given.
CloudRule cloud_rule(const IngressRule& rule, const std::string& cidr, const std::string& group,
                     const std::string& description);

}  // namespace mlops
