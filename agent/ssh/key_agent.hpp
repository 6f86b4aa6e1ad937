// The person's ssh agent, with the keys that are to be offered: libssh would offer all that it holds, in its
// order.
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

// A key to offer. signer: the key that signs for it; other than its own for a certificate whose key alone the
// agent holds.
struct AgentOffer {
  AgentKey key;
  std::string signer;
};

// Speaks the agent's protocol (draft-miller-ssh-agent) with the real one, and to libssh as an agent that holds
// just the keys that are on offer. Nothing but a list and signatures is ever asked of the real agent.
class KeyAgent {
 public:
  // Connects and asks for the keys. No agent, or one that does not answer within 5 s, has none. cancellation
  // must outlive this: it ends what waits for the agent.
  KeyAgent(const std::string& socket_path, const Cancellation& cancellation);
  ~KeyAgent();
  KeyAgent(const KeyAgent&) = delete;
  KeyAgent& operator=(const KeyAgent&) = delete;

  const std::vector<AgentKey>& keys() const { return keys_; }
  // For libssh; to be taken once. May be held longer than this lives.
  Handle take_socket() { return std::move(client_); }
  // What libssh is shown from now on.
  void offer(std::vector<AgentOffer> keys);
  // Which of those a signature was last asked for.
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

// The keys in an agent's answer. Empty for anything that is no list of keys. (A part for tests.)
std::vector<AgentKey> agent_keys_in(const std::string& answer);

}  // namespace mlops
