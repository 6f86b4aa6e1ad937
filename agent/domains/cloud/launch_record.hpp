// What makes a launch exactly-once: the request as it was sent, durable before it is sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "aws/environment.hpp"

namespace mlops {

// The last launch under one name.
struct LaunchRecord {
  std::uint64_t generation = 0;  // counts the requests that differ; part of the token
  std::string body, token;       // as sent; the body is kept until the instance is known
  std::string zone, type;        // of the request, for messages
  std::string host_key;          // the public host key that the machine starts with: "ssh-ed25519 AAAA…"
  std::string instance;          // its id; "": the end of the launch is not known
  std::string ended;             // the id of the instance that was terminated from here last; "": none was
  std::int64_t begun = 0;        // seconds since the epoch
  // It was sent, or was about to be, and what came of it is not known.
  bool is_open() const { return !body.empty() && instance.empty(); }
};

// FOLDER/ACCOUNT-REGION-NAME.json, mode 0600 in a folder of mode 0700: the body holds the machine's first host
// key and its user data.
class LaunchRecords {
 public:
  // folder: of the person's state.
  LaunchRecords(std::string folder, std::string account, std::string region, aws::Environment environment)
      : folder_(std::move(folder)),
        account_(std::move(account)),
        region_(std::move(region)),
        environment_(std::move(environment)) {}

  // Absent if nothing was launched under the name. Error if the file is no record, or others could have written
  // it.
  std::optional<LaunchRecord> read(const std::string& name) const;
  // Durably. Error if that fails.
  void write(const std::string& name, const LaunchRecord& record) const;

 private:
  std::string path(const std::string& name) const;

  std::string folder_, account_, region_;
  aws::Environment environment_;
};

}  // namespace mlops
