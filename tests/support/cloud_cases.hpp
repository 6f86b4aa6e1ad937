// The resource types of a cloud account in tests: what they make of an account, in a line.
#pragma once

#include <fmt/format.h>

#include <string>

#include "base/overloaded.hpp"
#include "support/fake_machine.hpp"

namespace mlops::test {

inline std::string described(const std::vector<CloudRule>& rules) {
  std::string text;
  for (const CloudRule& r : rules)
    text += fmt::format("{}{} {}-{} {}{}{}", text.empty() ? "" : ", ", r.protocol, r.from_port, r.to_port,
                        r.cidr, r.group, r.description.empty() ? "" : " (" + r.description + ")");
  return text;
}

inline std::string described(const ModifyInstance& m) {
  std::string text = "modify " + m.id;
  if (!m.type.empty()) text += " type " + m.type;
  if (m.disk_gib) text += fmt::format(" disk {}", m.disk_gib);
  if (!m.disk_type.empty()) text += " disk_type " + m.disk_type;
  if (!m.groups.empty()) text += fmt::format(" groups {}", fmt::join(m.groups, ","));
  for (const auto& [key, value] : m.tags) text += fmt::format(" {}={}", key, value);
  if (m.require_tokens) text += " tokens";
  if (!m.host_key.empty()) text += " host_key " + m.host_key.substr(0, 12);
  return text;
}

inline std::string described(const Action& action) {
  static constexpr const char* verbs[] = {"start", "stop", "terminate"};
  return std::visit(
      overloaded{
          [](const ImportKeyPair& a) { return fmt::format("import {} {}", a.name, a.file); },
          [](const DeleteKeyPair& a) { return fmt::format("delete key {}", a.name); },
          [](const CreateCloudGroup& a) {
            return fmt::format("make group {}:{} \"{}\"", a.vpc, a.name, a.description);
          },
          [](const DeleteCloudGroup& a) { return fmt::format("delete group {}:{}", a.vpc, a.name); },
          [](const ChangeCloudRules& a) {
            return fmt::format("rules +[{}] -[{}]", described(a.add), described(a.remove));
          },
          [](const LaunchInstance& a) { return fmt::format("launch {}", a.name); },
          [](const PowerInstance& a) { return fmt::format("{} {}", verbs[static_cast<int>(a.verb)], a.id); },
          [](const ModifyInstance& a) { return described(a); },
          [](const ChangeCloudAddress& a) {
            return a.present ? fmt::format("address {} for \"{}\"", a.name, a.instance) : "release " + a.name;
          },
          [](const CreateSshKey& a) {
            return fmt::format("make key {} {} {} {:o} \"{}\"", a.path,
                               a.type == CreateSshKey::Type::rsa ? "rsa" : "ed25519", a.bits, a.mode,
                               a.comment);
          },
          [](const CreateDirectory& a) { return fmt::format("folder {} {:o}", a.path, a.mode.value_or(0)); },
          [](const WriteFile& a) {
            return fmt::format("write {} {:o} {}", a.path, a.mode.value_or(0), a.content);
          },
          [](const SetAttributes& a) { return fmt::format("mode {} {:o}", a.path, a.mode.value_or(0)); },
          [](const auto&) -> std::string { return "another action"; }},
      action);
}

// "power stopped -> running | start i-1"; events as "(price null -> …)". An error as "error: …".
inline std::string described(const Diff& diff) {
  std::string text, actions;
  for (const Change& c : diff.changes) {
    const std::string one = c.property + " " + c.before.to_text() + " -> " + c.after.to_text();
    text += (text.empty() ? "" : ", ") + (c.is_event() ? "(" + one + ")" : one);
  }
  for (const Action& a : diff.actions) actions += (actions.empty() ? "" : "; ") + described(a);
  const std::string loss = diff.loss.empty() ? "" : " | loses: " + diff.loss;
  return text.empty() && actions.empty() ? "" : text + " | " + actions + loss;
}

inline std::string done(const std::string& type, const std::string& parameters, const FakeMachine& machine) {
  try {
    return described(try_module(type, parameters, machine).diff);
  } catch (const Error& e) {
    return "error: " + e.message();
  }
}

// "test.json:1:10 message", the first one.
inline std::string mistake(const std::string& type, const std::string& parameters) {
  try {
    try_module(type, parameters, FakeMachine());
  } catch (const std::exception& e) {
    const std::string all = e.what();
    const auto begin = all.find("error: ") + 7;
    return all.substr(0, all.find(": error")) + " " + all.substr(begin, all.find('\n', begin) - begin);
  }
  return "";
}

inline std::string outputs(const std::string& type, const std::string& parameters, const FakeMachine& machine) {
  const Tried t = try_module(type, parameters, machine);
  return to_json(find_module(type)->outputs(t.desired, t.current).values);
}

inline std::string claims(const std::string& type, const std::string& parameters,
                          const FakeMachine& machine = {}) {
  const Tried t = try_module(type, parameters, machine);
  std::string text;
  for (const Claim& c : find_module(type)->claims(t.desired))
    text += (text.empty() ? "" : ", ") + to_string(c) + (c.subkey.empty() ? "" : "#" + c.subkey);
  return text;
}

inline CloudTags our_tag(const std::string& value) { return {{cloud_tag, value}}; }

}  // namespace mlops::test
