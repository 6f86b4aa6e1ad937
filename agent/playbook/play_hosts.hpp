// The hosts of each play, as far as the playbook tells them.
#pragma once

#include "playbook/playbook.hpp"

namespace mlops {

// Fills in `on` of each play, which may be given by vars and env, and finds the hosts that earlier plays on
// local bring into being. on_target: see LoadOptions::withheld. Mistakes are reported; those in references to
// resources by check_references.
void settle_hosts(Playbook& playbook, bool on_target, Diagnostics& diagnostics);

// Whether an entry of `on` is known only from outputs of resources.
bool refers_to_resources(const Value& entry);

// Why a resource of a cloud account cannot be in a play on that host, which is not local.
std::string on_account_elsewhere(const Resource& resource, const std::string& host);
inline constexpr const char* account_hint = R"(put it into a play with "on": "local")";

// Why it is no name of a host, for messages; "" if it is one.
std::string mistake_in_host(const std::string& name);

}  // namespace mlops
