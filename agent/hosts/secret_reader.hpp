// Reading secrets: where the command was typed, or what came from there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "hosts/controller_files.hpp"
#include "hosts/questions.hpp"
#include "playbook/secrets.hpp"

namespace mlops {

// Reads them here, with the rights and the environment of this process.
//   env      as it is
//   file     without the newlines at its end, at most 1 MiB; trusted as files trusts a playbook; one that
//   others may write
//            to is refused always, one that others may read is warned of
//   command  what it prints, without the newlines at its end; it has 5 minutes, and must end with status 0
//   prompt   asked on the terminal, without echo. Without one: in a plan (dry) Unknown, else an Error
// All that is given must outlive it.
std::unique_ptr<SecretReader> controller_secrets(Questions& questions, const TrackedFiles& files, bool dry,
                                           const Cancellation& cancellation,
                                           std::function<void(const std::string&)> warn);

// Those that were sent. One that was not is Unknown: nobody could be asked for it.
std::unique_ptr<SecretReader> sent_secrets(std::map<std::string, std::string> texts);

}  // namespace mlops
