#include "ssh/host_keys.hpp"

#include <fmt/format.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/base64.hpp"
#include "ssh/key_text.hpp"

namespace mlops {
namespace {

std::string hash_of(std::string_view name, std::string_view salt) {
  hmac_sha1_ctx context;
  nettle_hmac_sha1_set_key(&context, salt.size(), reinterpret_cast<const std::uint8_t*>(salt.data()));
  nettle_hmac_sha1_update(&context, name.size(), reinterpret_cast<const std::uint8_t*>(name.data()));
  std::string digest(SHA1_DIGEST_SIZE, '\0');
  nettle_hmac_sha1_digest(&context, digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

std::string_view take_word(std::string_view& text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t size = 0;
  while (size < text.size() && !is_blank(text[size])) ++size;
  const auto word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

struct Key {
  std::string type, blob;
};

// "TYPE BASE64 [COMMENT]". Absent if it is invalid.
std::optional<Key> key_of(std::string_view text) {
  const auto type = take_word(text);
  auto blob = from_base64(take_word(text));
  if (!blob || type.empty() || key_type(*blob) != type) return {};
  return Key{std::string(type), std::move(*blob)};
}

// match.c of OpenSSH: * and ?, ignoring case.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || same(pattern[p], name[n]))) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool hash_matches(std::string_view pattern, std::string_view name) {
  pattern.remove_prefix(3);  // |1|
  const auto bar = pattern.find('|');
  if (bar == std::string_view::npos) return false;
  const auto salt = from_base64(pattern.substr(0, bar)), hash = from_base64(pattern.substr(bar + 1));
  return salt && hash && salt->size() == SHA1_DIGEST_SIZE && *hash == hash_of(name, *salt);
}

// A comma-separated list; a matching pattern after ! excludes the host.
bool list_matches(std::string_view patterns, std::string_view name) {
  if (patterns.starts_with("|1|")) return hash_matches(patterns, name);
  bool found = false;
  while (!patterns.empty()) {
    const auto end = std::min(patterns.find(','), patterns.size());
    std::string_view pattern = patterns.substr(0, end);
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (pattern.empty() || !matches(pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

struct Entry {
  enum class Marker { none, revoked, authority } marker = Marker::none;
  Key key;
  std::string where;
};

std::optional<Entry> entry_of(std::string_view line, std::string_view name) {
  Entry entry;
  auto first = take_word(line);
  if (first.empty() || first.starts_with('#')) return {};
  if (first.starts_with('@')) {
    if (first != "@revoked" && first != "@cert-authority") return {};
    entry.marker = first == "@revoked" ? Entry::Marker::revoked : Entry::Marker::authority;
    first = take_word(line);
  }
  if (!list_matches(first, name)) return {};
  auto key = key_of(line);
  if (!key) return {};
  entry.key = std::move(*key);
  return entry;
}

template <class Use>
void each_line(std::string_view text, Use use) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    use(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

HostKey key_text(const Key& key) { return {key.type, to_base64(key.blob)}; }

std::vector<Entry> entries_of(const std::string& name, const std::vector<KnownHosts>& files) {
  std::vector<Entry> all;
  for (const KnownHosts& file : files)
    each_line(file.text, [&](std::string_view line, std::size_t number) {
      if (auto entry = entry_of(line, name)) {
        entry->where = fmt::format("{}:{}", file.path, number);
        all.push_back(std::move(*entry));
      }
    });
  return all;
}

HostKeyJudgement judge(const std::string& blob, const std::string& type, const std::vector<Entry>& entries) {
  using Case = HostKeyJudgement::Case;
  using Marker = Entry::Marker;
  HostKeyJudgement found;
  const auto see = [&](Case what, const Entry& e) {
    found = {what, e.where, e.key.type, false, key_text(e.key)};
  };
  bool authority = false;
  const Entry* other = nullptr;
  for (const Entry& e : entries) {
    const bool same = e.key.blob == blob;
    if (e.marker == Marker::revoked && same)
      return {Case::revoked, e.where, e.key.type, false, key_text(e.key)};
    if (e.marker == Marker::authority) authority = true;
    if (e.marker != Marker::none) continue;
    if (same && found.what != Case::known) see(Case::known, e);
    // Of several other keys, the one of the same type is the one that this replaces.
    if (!same && (!other || (other->key.type != type && e.key.type == type))) other = &e;
  }
  if (found.what != Case::known && other) see(Case::changed, *other);
  if (found.what == Case::fresh) found.authority = authority;
  return found;
}

// "[host]:port" without its port; "" if there is none.
std::string without_port(const std::string& known_as) {
  const auto end = known_as.rfind("]:");
  return known_as.starts_with('[') && end != std::string::npos ? known_as.substr(1, end - 1) : "";
}

}  // namespace

std::string known_hosts_name(const std::string& host, std::uint16_t port, const std::string& alias) {
  std::string name = alias.empty() ? host : alias;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return alias.empty() && port != 22 ? fmt::format("[{}]:{}", name, port) : name;
}

HostKeyJudgement judge_host_key(const HostKey& shown, const std::string& known_as,
                                const std::vector<KnownHosts>& files) {
  const std::string blob = from_base64(shown.base64).value_or("");
  HostKeyJudgement found = judge(blob, shown.type, entries_of(known_as, files));
  const std::string plain = without_port(known_as);
  if (plain.empty() || found.what == HostKeyJudgement::Case::known ||
      found.what == HostKeyJudgement::Case::revoked)
    return found;
  const HostKeyJudgement elsewhere = judge(blob, shown.type, entries_of(plain, files));
  const bool counts =
      elsewhere.what == HostKeyJudgement::Case::revoked ||
      (elsewhere.what == HostKeyJudgement::Case::known && found.what == HostKeyJudgement::Case::fresh);
  return counts ? elsewhere : found;
}

std::optional<KnownHostsEntry> known_hosts_entry(std::string_view line, const std::string& known_as) {
  const auto entry = entry_of(line, known_as);
  if (!entry) return {};
  std::string_view rest = line;
  std::string_view names = take_word(rest);
  if (names.starts_with('@')) names = take_word(rest);
  const bool one = names.starts_with("|1|") || names.find_first_of(",*?!") == std::string_view::npos;
  return KnownHostsEntry{key_text(entry->key), entry->marker == Entry::Marker::revoked,
                         entry->marker == Entry::Marker::authority, one};
}

std::vector<std::string> known_key_types(const std::string& known_as, const std::vector<KnownHosts>& files) {
  std::vector<std::string> types;
  const auto collect = [&](const std::string& name) {
    for (const Entry& e : entries_of(name, files))
      if (e.marker == Entry::Marker::none && std::find(types.begin(), types.end(), e.key.type) == types.end())
        types.push_back(e.key.type);
  };
  collect(known_as);
  if (const std::string plain = without_port(known_as); types.empty() && !plain.empty()) collect(plain);
  return types;
}

std::vector<std::string> prefer_known(const std::vector<std::string>& wanted,
                                      const std::vector<std::string>& types) {
  // RFC 8332: the signature algorithms of an ssh-rsa key.
  const auto key_type = [](const std::string& algorithm) {
    return algorithm == "rsa-sha2-256" || algorithm == "rsa-sha2-512" ? std::string("ssh-rsa") : algorithm;
  };
  std::vector<std::string> order = wanted;
  std::stable_partition(order.begin(), order.end(), [&](const std::string& algorithm) {
    return std::find(types.begin(), types.end(), key_type(algorithm)) != types.end();
  });
  return order;
}

std::string fingerprint(const HostKey& key) {
  const auto blob = from_base64(key.base64);
  if (!blob || blob->empty()) return "";
  sha256_ctx context;
  nettle_sha256_init(&context);
  nettle_sha256_update(&context, blob->size(), reinterpret_cast<const std::uint8_t*>(blob->data()));
  std::string digest(SHA256_DIGEST_SIZE, '\0');
  nettle_sha256_digest(&context, digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
  std::string text = to_base64(digest);
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

std::string short_type(const std::string& type) {
  if (type.starts_with("ecdsa-sha2-")) return "ECDSA";
  if (type.starts_with("sk-ecdsa-")) return "ECDSA-SK";
  if (type.starts_with("sk-ssh-ed25519")) return "ED25519-SK";
  if (type == "ssh-ed25519") return "ED25519";
  if (type == "ssh-rsa") return "RSA";
  return type;
}

std::string known_hosts_line(const HostKey& key, const std::string& known_as, std::string_view salt) {
  const std::string name =
      salt.empty() ? known_as : fmt::format("|1|{}|{}", to_base64(salt), to_base64(hash_of(known_as, salt)));
  return fmt::format("{} {} {}\n", name, key.type, key.base64);
}

bool lists_key(const HostKey& key, std::string_view text) {
  const auto blob = from_base64(key.base64);
  bool found = false;
  each_line(text, [&](std::string_view line, std::size_t) {
    const auto listed = key_of(line);
    found = found || (listed && blob && listed->blob == *blob);
  });
  return found;
}

}  // namespace mlops
