// Calls of AWS services: signed, repeated where that helps, with errors as values of a known kind.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "aws/credentials.hpp"
#include "aws/endpoint.hpp"
#include "aws/errors.hpp"
#include "aws/params.hpp"
#include "aws/region.hpp"
#include "aws/xml.hpp"
#include "http/client.hpp"
#include "http/retry.hpp"
#include "model/value.hpp"

namespace mlops::aws {

// Whether a call may be sent again when it is not known whether it was done. never: AllocateAddress and others
// without a token or a unique name. It is then still repeated where it was surely not done.
enum class Repeat { allowed, never };

struct ClientSettings {
  Wait wait;  // between attempts: wait_until_cancelled()
  Now now = system_now;
  int attempts = 3;
  std::function<double()> jitter;  // of a delay: from 0 to 1; empty: random
};
// AWS_MAX_ATTEMPTS or the profile's max_attempts, from 1 to 20; else 3. Error with its place for anything else.
int attempts_of(const Environment& environment, const ConfigFiles& files, const std::string& profile);

// The certificates to trust, for HttpClient: AWS_CA_BUNDLE or the profile's ca_bundle; "": the system's.
std::string ca_bundle_of(const Environment& environment, const ConfigFiles& files, const std::string& profile);

struct Traffic {
  std::uint64_t calls = 0;  // each attempt is one
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

// For one thread at a time.
class Client {
 public:
  // Signs with the provider's credentials, null: does not sign. What is passed by reference must outlive it.
  Client(CredentialProvider* credentials, Region region, Endpoints endpoints, HttpClient& http,
         ClientSettings settings);

  // The root of the answer. Up to the given number of attempts, with random delays that grow to 20 s, or as
  // long as the service asks. A clock that is wrong is corrected for by the service's, and credentials that
  // have just expired are renewed, each once. AwsError: of the last attempt, with Sent::unknown if the call may
  // have been done; Error of the credentials, cancelled, unavailable.
  XmlNode query(Service service, const std::string& action, const Params& params,
                Repeat repeat = Repeat::allowed);
  // The same with a body that was made before: Params::body(), kept as it was sent.
  XmlNode query_body(Service service, const std::string& action, const std::string& body,
                     Repeat repeat = Repeat::allowed);
  // Of services with JSON 1.1.
  Value json(Service service, const std::string& action, const Value& input);

  const Region& region() const { return region_; }
  const Traffic& traffic() const { return traffic_; }
  Seconds now() const { return settings_.now() + clock_correction_; }
  const Wait& wait() const { return settings_.wait; }

 private:
  struct Call;
  struct Outcome;
  std::string send(const Call& call);
  Outcome attempt(const Call& call);
  HttpRequest request_of(const Call& call);
  bool corrects_clock(const AwsFailure& failure);
  bool renews_credentials(const AwsFailure& failure);
  std::chrono::milliseconds delay(int attempt, const Outcome& outcome) const;

  CredentialProvider* credentials_;
  Region region_;
  Endpoints endpoints_;
  HttpClient& http_;
  ClientSettings settings_;
  Seconds clock_correction_ = 0;
  bool clock_corrected_ = false, renewed_ = false;  // during the current call
  Traffic traffic_;
};

}  // namespace mlops::aws
