// Reads secrets: on the controller, or from what the controller sent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "base/questions.hpp"
#include "hosts/controller_files.hpp"
#include "playbook/secrets.hpp"

namespace mlops {

// Reads them on this machine, with the privileges and the environment of this process.
//   env      unchanged
//   file     without trailing newlines, at most 1 MiB; trusted as files trusts a playbook; one that others may
//            write to is always refused, one that others may read causes a warning
//   command  its output, without trailing newlines; it has 5 minutes, and must exit with status 0
//   prompt   asked on the terminal, without echo. Without a terminal: in a plan (dry) Unknown, else an Error
// All arguments must outlive it.
std::unique_ptr<SecretReader> controller_secrets(Questions& questions, const TrackedFiles& files, bool dry,
                                                 const Cancellation& cancellation,
                                                 std::function<void(const std::string&)> warn);

// The secrets that were sent. Any other is Unknown: it cannot be requested.
std::unique_ptr<SecretReader> sent_secrets(std::map<std::string, std::string> texts);

}  // namespace mlops
