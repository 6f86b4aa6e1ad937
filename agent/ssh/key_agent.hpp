// The person's ssh agent, limited to the keys that are to be offered: libssh would offer all that it has, in
// its order.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/cancellation.hpp"
#include "base/handle.hpp"

namespace mlops {

struct AgentKey {
  std::string blob, comment;  // RFC 4253 section 6.6
};

// A key to offer. signer: the key that signs for it; differs from it for a certificate of which the agent has
// only the key.
struct AgentOffer {
  AgentKey key;
  std::string signer;
};

// Speaks the agent's protocol (draft-miller-ssh-agent) with the real one, and acts towards libssh as an agent
// that has only the keys on offer. Requests only a list and signatures from the real agent.
class KeyAgent {
 public:
  // Connects and asks for the keys. If there is no agent, or it does not respond within 5 s, there are none.
  // cancellation must outlive this: it ends waiting for the agent.
  KeyAgent(const std::string& socket_path, const Cancellation& cancellation);
  ~KeyAgent();
  KeyAgent(const KeyAgent&) = delete;
  KeyAgent& operator=(const KeyAgent&) = delete;

  const std::vector<AgentKey>& keys() const { return keys_; }
  // For libssh; may be taken once. May be kept longer than this lives.
  Handle take_socket() { return std::move(client_); }
  // The keys that libssh sees from now on.
  void offer(std::vector<AgentOffer> keys);
  // The key for which a signature was last requested.
  std::optional<std::size_t> last_signer();

 private:
  void serve();
  std::string answer(const std::string& request);
  std::string passed_on(const std::string& request);
  std::string ask(const std::string& request, int milliseconds);

  const Cancellation& cancellation_;
  Handle agent_, client_, server_, stop_;
  std::vector<AgentKey> keys_;
  std::mutex mutex_;
  std::vector<AgentOffer> offered_;
  std::optional<std::size_t> last_signer_;
  std::thread thread_;
};

// The keys in an agent's response. Empty for anything that is not a list of keys. (Exposed for tests.)
std::vector<AgentKey> agent_keys_in(const std::string& answer);

}  // namespace mlops
