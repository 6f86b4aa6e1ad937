// The beginning of work on a host over ssh: the connection, the keys of a new machine, its first boot.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "hosts/remote_host.hpp"
#include "ssh/connection.hpp"

namespace mlops {

// NotArrived, with the stage that the attempt came to; cancelled.
std::unique_ptr<Connection> connect_to(const std::string& host, const RemoteSettings& settings,
                                       const Cancellation& cancellation);

struct FirstContact {
  bool may_change = false;  // not in a plan
  bool no_sudo = false;
  bool is_awaited = false;  // it has just been brought into being
  std::string keys_folder;  // of sshd, on the host
};

// What a person is told of a host, at the moment when it is so.
using Tell = std::function<void(const std::string&)>;

// Over a proven connection, before anything else is done there: replaces a host key that travelled in user data
// (hosts/host_key_change.hpp), and sees whether an awaited host has finished its first boot. A host that is
// known by another key, and is not awaited, is asked nothing. NotArrived while it has not finished; NotUsable
// if the key is not replaced: nothing else is done there.
void make_contact(Connection& connection, const FirstContact& contact, const Tell& tell,
                  const Cancellation& cancellation);

}  // namespace mlops
