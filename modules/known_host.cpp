// known_host: the public keys of a host in the person's ~/.ssh/known_hosts; the rest of the file is kept.
#include <fmt/format.h>

#include <algorithm>

#include "base/contains.hpp"
#include "base/text_diff.hpp"
#include "domains/cloud/public_key.hpp"
#include "domains/network/known_hosts.hpp"
#include "resource/module.hpp"
#include "resource/ssh_file.hpp"

namespace mlops::modules {
namespace {

struct KnownHost {
  static constexpr auto type = "known_host";
  enum class State { present, absent };

  struct Desired {
    PersonOf person;
    std::string name;
    std::int64_t port = 22;
    Texts keys;
    State state = State::present;
    std::optional<Path> file;
  };
  using Current = SshFile;

  static void describe(Schema<Desired>& s) {
    s.summary("The keys by which ssh knows a host, in ~/.ssh/known_hosts; all other lines stay as they are.");
    s.named_by("name");
    s.person(&Desired::person);
    s.required("name", &Desired::name, "The host, as it is written behind `ssh` or in a repository's address.");
    s.optional("port", &Desired::port, "The port of its sshd.");
    s.optional(
         "keys", &Desired::keys,
         "Its public keys, as its owner publishes them: \"ssh-ed25519 AAAA…\". Needed for present. Another "
         "key of the same type that a line has for this host alone is replaced.")
        .for_present();
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: no line that is for this host alone.");
    s.optional("file", &Desired::file, "The file. Default: the person's ~/.ssh/known_hosts.");
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&KnownHost::check);
    s.example("GitHub, as it publishes itself", R"({"type": "known_host", "name": "github.com",
  "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"]})");
    s.example("No longer",
              R"({"type": "known_host", "name": "old.example.org", "port": 2222, "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    const bool bad =
        d.name.empty() || d.name.starts_with('-') || std::any_of(d.name.begin(), d.name.end(), [](char x) {
          return static_cast<unsigned char>(x) <= 32 ||
                 std::string_view("|,*?!#@[]\"\\/\x7f").find(x) != std::string_view::npos;
        });
    if (bad) c.error("name", fmt::format("`{}` is no name or address of one host", d.name));
    if (d.port < 1 || d.port > 65535) c.error("port", fmt::format("{} is no port (1 to 65535)", d.port));
    if (d.state == State::absent) return;
    if (d.keys.list.empty()) c.error("keys", "keys is empty", "give the keys that the host's owner publishes");
    for (const std::string& key : d.keys.list)
      if (type_of_key(key).empty() || key.find_first_of("\r\n") != std::string::npos)
        c.error("keys", "this is no public key", "TYPE BASE64, as in ssh-ed25519 AAAA…");
  }

  static Claims claims(const Desired& d) {
    return {{.key = path(d), .access = Claim::Access::edits, .subkey = entry_name(d)}};
  }
  static Actor actor(const Desired& d) { return {Actor::Kind::path, path(d), ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    return read_ssh_file(machine.files(), path(d));
  }

  //  the file \ desired                present                                absent
  //  none                              make it, 0600, and ~/.ssh, 0700        –
  //  no key of that type               add a line                             –
  //  the key                           –                                      remove lines of this host alone
  //  another key, in a line of its own replace it, or remove it               likewise
  //  another key, in a line that       error with the line                    –
  //  names others too
  //  the key is revoked                error with the line                    –
  static Diff diff(const Desired& d, const Current& c) {
    const std::string before = c.text.value_or("");
    Diff diff;
    const std::string after =
        d.state == State::present ? with_keys(d, before, diff.changes) : without_host(d, before);
    if (after == before) return {};
    if (d.state == State::absent) diff.changes.push_back(Change::remove());
    diff.changes.front().text_diff = unified_diff(before, after);
    write_ssh_file(c, after, diff);
    return diff;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("name", d.name);
    if (d.port != 22) v.set("port", d.port);
    if (d.file) v.set("file", d.file->text);
    v.set("state", "absent");
    return v;
  }

  static Value outputs(const Desired& d, const Current&) {
    Value v;
    v.set("name", d.name);
    v.set("file", path(d));
    return v;
  }

 private:
  static std::string path(const Desired& d) {
    return d.file ? d.file->text : d.person.home + "/.ssh/known_hosts";
  }
  static std::string entry_name(const Desired& d) {
    return known_hosts_name_of(d.name, static_cast<std::uint16_t>(d.port));
  }
  // "TYPE BASE64", without a comment.
  static std::string bare(const std::string& key) {
    const std::string kind = type_of_key(key);
    const auto begin = key.find_first_not_of(" \t", key.find(kind) + kind.size());
    return kind + " " + key.substr(begin, key.find_first_of(" \t", begin) - begin);
  }

  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }
  static std::string text_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text;
  }
  // Absent if it is not for the host.
  static std::optional<KnownHostLine> entry_of(const Desired& d, const std::string& line) {
    return known_host_line(line, entry_name(d));
  }

  // A change for each key that is added, takes another's place or goes.
  static std::string with_keys(const Desired& d, const std::string& before, std::vector<Change>& changes) {
    auto lines = lines_of(before);
    std::vector<std::string> missing, types;
    for (const std::string& key : d.keys.list) missing.push_back(bare(key)), types.push_back(type_of_key(key));
    const std::vector<std::string> wanted = missing;
    std::vector<std::size_t> wrong;  // lines
    for (std::size_t at = 0; at < lines.size(); ++at) {
      const auto entry = entry_of(d, lines[at]);
      if (!entry) continue;
      const bool is_wanted = contains(wanted, entry->key);
      if (entry->revoked && is_wanted)
        throw Error(fmt::format("{}:{} revokes this very key of {}", path(d), at + 1, entry_name(d)));
      if (entry->revoked) continue;
      if (is_wanted) std::erase(missing, entry->key);
      if (is_wanted || !contains(types, type_of_key(entry->key))) continue;
      if (!entry->alone) refuse_shared(d, entry->key, at + 1);
      wrong.push_back(at);
    }
    const auto shown = [](const std::string& key) { return Value(fingerprint_of_key(key)); };
    for (const std::string& key : missing) {
      Change change{.property = type_of_key(key), .after = shown(key)};
      const std::string line = entry_name(d) + " " + key;
      const auto other = std::find_if(wrong.begin(), wrong.end(), [&](std::size_t at) {
        return type_of_key(entry_of(d, lines[at])->key) == change.property;
      });
      if (other == wrong.end()) {
        lines.push_back(line);
      } else {
        change.before = shown(entry_of(d, lines[*other])->key);
        lines[*other] = line;
        wrong.erase(other);
      }
      changes.push_back(std::move(change));
    }
    for (auto at = wrong.rbegin(); at != wrong.rend(); ++at) {
      const std::string key = entry_of(d, lines[*at])->key;
      changes.push_back({.property = type_of_key(key), .before = shown(key)});
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(*at));
    }
    return changes.empty() ? before : text_of(lines);
  }

  [[noreturn]] static void refuse_shared(const Desired& d, const std::string& key, std::size_t number) {
    throw Error(
        fmt::format("{0}:{1} has another {2} key for {3}, in a line that names other hosts too; "
                    "`ssh-keygen -R '{3}' -f {0}` takes it away",
                    path(d), number, type_of_key(key), entry_name(d)));
  }

  static std::string without_host(const Desired& d, const std::string& before) {
    auto lines = lines_of(before);
    const bool any = std::erase_if(lines, [&](const std::string& line) {
                       const auto entry = entry_of(d, line);
                       return entry && entry->alone && !entry->revoked;
                     }) > 0;
    return any ? text_of(lines) : before;
  }
};

}  // namespace

MLOPS_MODULE(KnownHost);

}  // namespace mlops::modules
