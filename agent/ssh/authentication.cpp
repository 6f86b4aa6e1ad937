#include "ssh/authentication.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "ssh/key_agent.hpp"
#include "ssh/libssh_connection.hpp"
#include "ssh/offered_keys.hpp"

namespace mlops {
namespace {

constexpr int most_rounds = 8;  // of methods that succeed without being sufficient

// A key's file is small; anything larger is not a key.
std::optional<std::string> read_key_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  std::string text(64 << 10, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

class Attempts {
 public:
  Attempts(const SshBackend& backend, mlops_ssh_session* session, const SshSettings& settings,
           const ConnectOptions& options, Deadline& deadline, const Cancellation& cancellation)
      : backend_(backend),
        session_(session),
        settings_(settings),
        options_(options),
        deadline_(deadline),
        cancellation_(cancellation) {}

  void run() {
    if (settings_.public_key) find_keys();
    // Without a key to start with, the host is asked for its methods: a round trip that is avoided otherwise.
    if (next_key_ == keys_.size()) {
      if (settle(call([&](auto* p, auto* r) { backend_.try_none(session_, p, r); }), "")) return;
      asked_ = true;
    }
    for (int round = 0; round < most_rounds; ++round) {
      partly_ = false;
      for (const std::string& method : order())
        if (attempt(method)) return;
      if (!partly_) break;
    }
    throw Error(refusal(), ErrorKind::privilege);
  }

 private:
  std::vector<std::string> order() const {
    if (!settings_.preferred_authentications.empty()) return settings_.preferred_authentications;
    return {"publickey", "keyboard-interactive", "password"};
  }

  // True once the host has accepted the login. A method that succeeds, with more required, restarts the order.
  bool attempt(const std::string& method) {
    if (partly_) return false;
    if (method == "publickey") return settings_.public_key && takes(mlops_ssh_public_key) && keys();
    if (method == "keyboard-interactive")
      return settings_.keyboard_interactive && takes(mlops_ssh_interactive) && interactive();
    return method == "password" && settings_.password_authentication && takes(mlops_ssh_password) && password();
  }

  template <class Try>
  mlops_ssh_result call(Try attempt) {
    cancellation_.check();
    const mlops_ssh_patience patience{deadline_.milliseconds_left(), cancellation_.fd()};
    mlops_ssh_result result{};
    attempt(&patience, &result);
    return result;
  }

  // True once the host has accepted the login. Other results are added to the list of attempts.
  bool settle(const mlops_ssh_result& result, const std::string& what) {
    switch (result.outcome) {
      case mlops_ssh_ok:
        return true;
      case mlops_ssh_cancelled:
        throw Error("interrupted", ErrorKind::cancelled);
      case mlops_ssh_timed_out:
        throw Error(fmt::format("{} did not answer the authentication in time", settings_.host),
                    ErrorKind::unavailable);
      case mlops_ssh_lost:
        note(what, "not answered");
        throw Error(fmt::format("{} broke off the authentication of {}: {}.{}", settings_.host, settings_.user,
                                result.message, tried_text()),
                    tried_.empty() ? ErrorKind::unavailable : ErrorKind::privilege);
      case mlops_ssh_partial:
        asked_ = partly_ = true;
        note(what, "accepted, but more is asked for");
        return false;
      case mlops_ssh_denied:
        asked_ = true;
        note(what, "refused");
        return false;
      default:
        note(what, result.message);
        return false;
    }
  }

  void note(const std::string& what, const std::string& how) {
    if (!what.empty()) tried_.push_back(fmt::format("{} ({})", what, how));
  }

  // Before the first response every method may be tried.
  bool takes(unsigned method) const { return !asked_ || (backend_.get_methods(session_) & method) != 0; }

  void find_keys() {
    if (settings_.identity_agent != "none") {
      const char* environment = std::getenv("SSH_AUTH_SOCK");
      const std::string given = environment ? environment : "";
      agent_.emplace(settings_.identity_agent.empty() ? given : settings_.identity_agent, cancellation_);
    }
    keys_ = keys_to_offer(settings_, agent_ ? agent_->keys() : std::vector<AgentKey>(), read_key_file);
    if (agent_ && !agent_->keys().empty()) backend_.use_agent(session_, given_away(agent_->take_socket()));
  }

  // The keys that were not offered yet.
  bool keys() {
    while (next_key_ < keys_.size() && !partly_) {
      const OfferedKey& key = keys_[next_key_];
      if (key.unusable.empty() && key.path.empty()) {
        if (agent_keys()) return true;
      } else {
        ++next_key_;
        if (!key.unusable.empty())
          note(key.name, key.unusable);
        else if (key_file(key))
          return true;
      }
      if (!takes(mlops_ssh_public_key)) return false;
    }
    return false;
  }

  // Offers the agent's keys up to the next file in one request. If one is accepted, or the agent refuses to
  // sign, this ends: the rest follows later.
  bool agent_keys() {
    const std::size_t first = next_key_;
    std::vector<AgentOffer> offers;
    for (; next_key_ < keys_.size() && keys_[next_key_].unusable.empty() && keys_[next_key_].path.empty();
         ++next_key_)
      offers.push_back({keys_[next_key_].agent, keys_[next_key_].signer});
    agent_->offer(std::move(offers));
    const mlops_ssh_result result = call([&](auto* p, auto* r) { backend_.try_agent(session_, p, r); });
    if (result.outcome == mlops_ssh_ok) return true;
    std::string last;
    if (const auto signer = agent_->last_signer(); signer && result.outcome != mlops_ssh_denied) {
      next_key_ = first + *signer + 1;
      last = keys_[first + *signer].name;
    }
    const char* how = result.outcome == mlops_ssh_lost ? "offered" : "refused";
    for (std::size_t i = first; i < next_key_; ++i)
      if (keys_[i].name != last) note(keys_[i].name, how);
    return settle(result, last);
  }

  bool key_file(const OfferedKey& offered) {
    struct stat status {};
    if (::stat(offered.path.c_str(), &status) == 0 && status.st_uid == ::getuid() &&
        (status.st_mode & 077) != 0) {
      note(offered.name, fmt::format("not used: others may read it; chmod 600 {}", offered.path));
      return false;
    }
    const std::string& certificate = offered.certificate;
    mlops_ssh_key key{offered.path.c_str(), certificate.empty() ? nullptr : certificate.c_str(), nullptr};
    std::optional<std::string> passphrase = passphrase_of(offered.path);
    if (passphrase) key.passphrase = passphrase->c_str();
    mlops_ssh_result result = call([&](auto* p, auto* r) { backend_.try_key(session_, &key, p, r); });
    for (unsigned i = 0; i < settings_.password_prompts && result.outcome == mlops_ssh_locked; ++i) {
      passphrase = ask(fmt::format("Passphrase of {}: ", offered.path), false);
      if (!passphrase || passphrase->empty()) break;
      key.passphrase = passphrase->c_str();
      result = call([&](auto* p, auto* r) { backend_.try_key(session_, &key, p, r); });
      if (result.outcome != mlops_ssh_locked) unlocked_ = {offered.path, *passphrase};
    }
    return settle(result, offered.name);
  }

  // A key with a certificate is offered twice.
  std::optional<std::string> passphrase_of(const std::string& path) const {
    if (unlocked_.first == path) return unlocked_.second;
    return {};
  }

  bool password() {
    for (unsigned i = 0; i < settings_.password_prompts; ++i) {
      const auto answer = ask(fmt::format("Password of {}@{}: ", settings_.user, settings_.host), false);
      if (!answer) return note("password", "nobody to ask"), false;
      if (settle(call([&](auto* p, auto* r) { backend_.try_password(session_, answer->c_str(), p, r); }),
                 "password"))
        return true;
      if (partly_ || !takes(mlops_ssh_password)) return false;
    }
    return false;
  }

  bool interactive() {
    const mlops_ssh_prompter prompter{
        this, [](void* self, const char* name, const char* instruction, const char* prompt, int echo) -> char* {
          return static_cast<Attempts*>(self)->answer(name, instruction, prompt, echo);
        }};
    if (!may_ask()) return note("keyboard-interactive", "nobody to ask"), false;
    for (unsigned i = 0; i < settings_.password_prompts; ++i) {
      unanswered_ = false;
      questions_ = 0;
      const auto result = call([&](auto* p, auto* r) { backend_.try_interactive(session_, &prompter, p, r); });
      if (unanswered_) return note("keyboard-interactive", "nobody to ask"), false;
      if (settle(result, "keyboard-interactive")) return true;
      if (questions_ == 0 || partly_ || !takes(mlops_ssh_interactive)) return false;
    }
    return false;
  }

  // No exception may pass through C code: an error while asking is stored for the caller as "not answered".
  char* answer(const char* name, const char* instruction, const char* prompt, int echo) {
    ++questions_;
    try {
      // The host's instructions follow its name, one line for each part.
      const std::string host = "(" + settings_.user + "@" + settings_.host + ") ";
      std::string text;
      for (const char* part : {name, instruction})
        if (part && *part) text += host + printable(part) + "\n";
      const auto given = ask(text + host + printable(prompt ? prompt : ""), echo != 0);
      if (given) return ::strdup(given->c_str());
    } catch (...) {
    }
    unanswered_ = true;
    return nullptr;
  }

  bool may_ask() const { return options_.ask && !settings_.batch; }

  std::optional<std::string> ask(const std::string& text, bool echo) {
    if (!may_ask()) return {};
    const auto before = Deadline::Clock::now();
    auto answer = options_.ask({settings_.name, text, echo});
    deadline_.extend(Deadline::Clock::now() - before);
    return answer;
  }

  std::string tried_text() const {
    if (tried_.empty()) return "";
    return fmt::format(" Tried: {}", fmt::join(tried_, ", "));
  }

  std::string refusal() const {
    const unsigned methods = backend_.get_methods(session_);
    std::vector<std::string> takes;
    if (methods & mlops_ssh_public_key) takes.push_back("publickey");
    if (methods & mlops_ssh_password) takes.push_back("password");
    if (methods & mlops_ssh_interactive) takes.push_back("keyboard-interactive");
    std::string text = fmt::format(
        "{} does not let {} in. Tried: {}. It takes: {}", settings_.host, settings_.user,
        tried_.empty() ? "nothing, since there is no key" : fmt::format("{}", fmt::join(tried_, ", ")),
        takes.empty() ? "nothing that is known here" : fmt::format("{}", fmt::join(takes, ", ")));
    if (const std::string banner = backend_.get_banner(session_); !banner.empty())
      text += ". It says: " + shown(banner);
    return text;
  }

  // A banner, as one line without control characters (RFC 4252 section 5.4 recommends filtering them).
  static std::string shown(const std::string& banner) {
    std::string line;
    for (const char c : banner.substr(0, 500))
      line += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
    while (line.ends_with(' ')) line.pop_back();
    return line;
  }

  const SshBackend& backend_;
  mlops_ssh_session* session_;
  const SshSettings& settings_;
  const ConnectOptions& options_;
  Deadline& deadline_;
  const Cancellation& cancellation_;
  std::optional<KeyAgent> agent_;
  std::vector<OfferedKey> keys_;
  std::size_t next_key_ = 0;
  std::vector<std::string> tried_;
  std::pair<std::string, std::string> unlocked_;  // a key's file and its passphrase
  bool asked_ = false;                            // the host has listed its methods
  bool partly_ = false;                           // a method has just succeeded, and more are required
  bool unanswered_ = false;
  int questions_ = 0;
};

}  // namespace

void authenticate(const SshBackend& backend, mlops_ssh_session* session, const SshSettings& settings,
                  const ConnectOptions& options, Deadline& deadline, const Cancellation& cancellation) {
  Attempts(backend, session, settings, options, deadline, cancellation).run();
}

}  // namespace mlops
