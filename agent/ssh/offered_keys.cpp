#include "ssh/offered_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.hpp"
#include "ssh/host_keys.hpp"
#include "ssh/key_text.hpp"

namespace mlops {
namespace {

struct KeyFile {
  std::string path;
  std::string blob;         // of its public half; "" if it is not known
  bool is_private = true;   // false: only the public half exists
  std::string certificate;  // blob of KEY-cert.pub; "": none
};

std::string agent_name(const AgentKey& key) {
  const std::string type = key_type(key.blob);
  return fmt::format("the agent's key {} {}{}", short_type(type), fingerprint({type, to_base64(key.blob)}),
                     key.comment.empty() ? "" : fmt::format(" {:?}", key.comment));
}

class Offer {
 public:
  Offer(const SshSettings& settings, const std::vector<AgentKey>& agent, const ReadKeyFile& read)
      : settings_(settings), agent_(agent), read_(read) {}

  std::vector<OfferedKey> run() {
    for (const std::string& path : settings_.identity_files) look_at(path);
    for (const std::string& path : settings_.certificate_files) named_certificate(path);
    for (const AgentKey& key : agent_)
      if (const KeyFile* file = file_of(key.blob)) from_agent(key, *file);
    if (!settings_.identities_only)
      for (const AgentKey& key : agent_)
        if (!file_of(key.blob)) offer({agent_name(key), "", "", key, key.blob, ""});
    for (const KeyFile& file : files_)
      if (!agent_key(file.blob)) from_file(file);
    return std::move(offers_);
  }

 private:
  std::string blob_in(const std::string& path) const {
    const auto text = read_(path);
    return text ? public_key_in(*text).value_or("") : "";
  }

  void look_at(const std::string& path) {
    const auto text = read_(path);
    KeyFile file{path, text ? public_key_in(*text).value_or("") : "", true, ""};
    if (text && !file.blob.empty() && !text->starts_with("-----BEGIN")) file.is_private = false;
    if (file.blob.empty()) file.blob = blob_in(path + ".pub");
    if (!text) {
      if (file.blob.empty()) return;  // the names that ssh tries anyway
      file.is_private = false;
    }
    if (settings_.certificate_files.empty()) file.certificate = blob_in(path + "-cert.pub");
    files_.push_back(std::move(file));
  }

  const AgentKey* agent_key(const std::string& blob) const {
    const auto found = std::find_if(agent_.begin(), agent_.end(),
                                    [&](const AgentKey& k) { return !blob.empty() && k.blob == blob; });
    return found == agent_.end() ? nullptr : &*found;
  }

  const KeyFile* file_of(const std::string& blob) const {
    const auto found =
        std::find_if(files_.begin(), files_.end(), [&](const KeyFile& f) { return f.blob == blob; });
    return found == files_.end() ? nullptr : &*found;
  }

  void named_certificate(const std::string& path) {
    const std::string blob = blob_in(path);
    const std::string plain = certified_key(blob).value_or("");
    if (plain.empty()) return offer({path, "", "", {}, "", "no certificate"});
    if (const AgentKey* key = agent_key(plain)) return offer({path, "", "", {blob, key->comment}, plain, ""});
    const KeyFile* file = file_of(plain);
    if (file && file->is_private) return offer({path, file->path, path, {}, "", ""});
    offer({path, "", "", {}, "", "its private key is neither with the agent nor in an IdentityFile"});
  }

  void from_agent(const AgentKey& key, const KeyFile& file) {
    const std::string name = fmt::format("{} (by the agent)", file.path);
    if (!file.certificate.empty())
      offer({name + " with its certificate", "", "", {file.certificate, key.comment}, key.blob, ""});
    offer({name, "", "", key, key.blob, ""});
  }

  void from_file(const KeyFile& file) {
    if (!file.is_private)
      return offer(
          {file.path, "", "", {}, "", "only its public half is there, and the agent does not hold it"});
    if (!file.certificate.empty())
      offer({file.path + " with its certificate", file.path, file.path + "-cert.pub", {}, "", ""});
    offer({file.path, file.path, "", {}, "", ""});
  }

  void offer(OfferedKey key) { offers_.push_back(std::move(key)); }

  const SshSettings& settings_;
  const std::vector<AgentKey>& agent_;
  const ReadKeyFile& read_;
  std::vector<KeyFile> files_;
  std::vector<OfferedKey> offers_;
};

}  // namespace

std::vector<OfferedKey> keys_to_offer(const SshSettings& settings, const std::vector<AgentKey>& agent,
                                      const ReadKeyFile& read) {
  return Offer(settings, agent, read).run();
}

}  // namespace mlops
