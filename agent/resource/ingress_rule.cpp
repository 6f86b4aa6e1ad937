#include "resource/ingress_rule.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "resource/cloud.hpp"

namespace mlops {
namespace {

constexpr std::int64_t last_port = 65535;
constexpr std::string_view group_mark = "group:";

bool read_port(std::string_view text, std::int64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size() && into >= 0 && into <= last_port;
}

bool decode_port(const Value& v, IngressRule& rule, Decoder& d) {
  const std::string text = v.is_integer() ? v.to_text() : v.is_string() ? v.as_string() : "";
  if (text == "all") {
    rule.from_port = 0, rule.to_port = last_port;
    return true;
  }
  const auto dash = text.find('-', 1);
  const std::string first = text.substr(0, dash), last = dash == text.npos ? first : text.substr(dash + 1);
  if (read_port(first, rule.from_port) && read_port(last, rule.to_port) && rule.from_port <= rule.to_port)
    return true;
  d.error(v,
          fmt::format("{} is neither a port (0 to 65535) nor a range of ports",
                      v.is_string() ? "`" + text + "`" : v.to_text()),
          "write 22, \"8000-8010\" or \"all\"");
  return false;
}

bool decode_protocol(const Value& v, IngressRule& rule, Decoder& d) {
  const std::string text = v.is_string() ? v.as_string() : "";
  if (text != "tcp" && text != "udp" && text != "icmp" && text != "all") {
    d.error(v, fmt::format("{} is no protocol", v.is_string() ? "`" + text + "`" : v.to_text()),
            "one of tcp, udp, icmp, all");
    return false;
  }
  rule.protocol = text == "all" ? "-1" : text;
  return true;
}

bool decode_source(const Value& v, IngressRule& rule, Decoder& d) {
  const std::string text = v.is_string() ? v.as_string() : "";
  if (text == "here") {
    rule.from = IngressRule::From::here;
    return true;
  }
  if (text.starts_with(group_mark) && text.size() > group_mark.size()) {
    rule.from = IngressRule::From::group;
    rule.source = text.substr(group_mark.size());
    return true;
  }
  if (const auto network = canonical_cidr(text)) {
    rule.source = *network;
    return true;
  }
  d.error(v, fmt::format("{} is no source", v.is_string() ? "`" + text + "`" : v.to_text()),
          cidr_of_host(text) ? fmt::format("write \"{}\"", *cidr_of_host(text))
                             : "write \"here\", a network such as \"203.0.113.0/24\", or \"group:NAME\"");
  return false;
}

bool has_ports(const IngressRule& rule) { return rule.protocol == "tcp" || rule.protocol == "udp"; }

bool check_members(const Value& v, Decoder& d) {
  static constexpr std::string_view known = "port, protocol and from";
  bool good = true;
  for (const Value::Member& m : v.as_object())
    if (m.key != "port" && m.key != "protocol" && m.key != "from") {
      d.error(m.value, fmt::format("a rule has no `{}`", m.key), fmt::format("it has {}", known));
      good = false;
    }
  return good;
}

}  // namespace

bool Codec<IngressRule>::decode(const Value& v, IngressRule& into, Decoder& d) {
  if (!v.is_object()) return d.must_be(v, "a rule such as {\"port\": 22, \"from\": \"here\"}");
  bool good = check_members(v, d);
  const Value *port = v.find("port"), *protocol = v.find("protocol"), *from = v.find("from");
  if (protocol) good &= decode_protocol(*protocol, into, d);
  if (port) good &= decode_port(*port, into, d);
  if (from) good &= decode_source(*from, into, d);
  if (!from) d.error(v, "a rule needs `from`", "\"here\", a network, or \"group:NAME\""), good = false;
  if (good && has_ports(into) && !port)
    d.error(v, "a rule needs `port`", "22, \"8000-8010\" or \"all\""), good = false;
  if (good && !has_ports(into)) {
    if (port && (into.from_port != 0 || into.to_port != last_port))
      d.error(*port, "only tcp and udp have ports", "leave it out"), good = false;
    into.from_port = into.to_port = -1;
  }
  return good;
}
std::string Codec<IngressRule>::type_text() { return "rule"; }
Value Codec<IngressRule>::json_schema() {
  Value number, text, port, protocol, from, members, v;
  number.set("type", "integer");
  number.set("minimum", 0);
  number.set("maximum", last_port);
  text.set("type", "string");
  text.set("pattern", "^([0-9]+(-[0-9]+)?|all)$");
  port.set("anyOf", Value::Array{std::move(number), std::move(text)});
  protocol.set("enum", Value::Array{"tcp", "udp", "icmp", "all"});
  from.set("type", "string");
  members.set("port", std::move(port));
  members.set("protocol", std::move(protocol));
  members.set("from", std::move(from));
  v.set("type", "object");
  v.set("properties", std::move(members));
  v.set("required", Value::Array{"from"});
  v.set("additionalProperties", false);
  return v;
}
Value Codec<IngressRule>::to_value(const IngressRule&) { return {}; }

std::string describe(const CloudRule& rule) {
  std::string text = rule.protocol == "-1" ? "all" : rule.protocol;
  if (rule.protocol == "tcp" || rule.protocol == "udp") {
    if (rule.from_port == rule.to_port)
      text += fmt::format(" {}", rule.from_port);
    else if (rule.from_port <= 0 && rule.to_port == last_port)
      text += " all";
    else
      text += fmt::format(" {}-{}", rule.from_port, rule.to_port);
  }
  return fmt::format("{} from {}", text, rule.cidr.empty() ? rule.group : rule.cidr);
}

bool is_same_service(const CloudRule& rule, const CloudRule& other) {
  const auto family = [](const std::string& protocol) { return protocol == "icmpv6" ? "icmp" : protocol; };
  return family(rule.protocol) == family(other.protocol) && rule.from_port == other.from_port &&
         rule.to_port == other.to_port;
}

CloudRule cloud_rule(const IngressRule& rule, const std::string& cidr, const std::string& group,
                     const std::string& description) {
  const bool v6 = cidr.find(':') != std::string::npos;
  return {.protocol = rule.protocol == "icmp" && v6 ? "icmpv6" : rule.protocol,
          .from_port = rule.from_port,
          .to_port = rule.to_port,
          .cidr = group.empty() ? cidr : "",
          .group = group,
          .description = description};
}

}  // namespace mlops
