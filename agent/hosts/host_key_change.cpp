#include "hosts/host_key_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/error.hpp"
#include "hosts/remote_script.hpp"
#include "ssh/host_keys.hpp"
#include "ssh/key_text.hpp"
#include "ssh/pinned_keys.hpp"

namespace mlops {
namespace {

// $1: the folder; $2 $3: the old key. `shown`: what stands in a key's file.
constexpr const char* keys_script = R"sh(set -eu
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
cd -- "$1"
old="$2 $3"
key=ssh_host_ed25519_key
new=$key.mlops-agent
shown() { ssh-keygen -y -P "" -f "$1" </dev/null 2>/dev/null | cut -d " " -f 1,2; }
have=$(shown $key)
)sh";

// Makes the new key, unless that was done before; prints it.
constexpr const char* making_script = R"sh(
if test -n "$have" && test "$have" != "$old"; then
  echo "mlops-agent-key $have"
  exit 0
fi
next=$(shown $new)
if test -z "$next"; then
  rm -f $new $new.pub
  ssh-keygen -q -t ed25519 -N "" -C "" -f $new </dev/null >&2
  sync $new .
  next=$(shown $new)
fi
echo "mlops-agent-key $next"
)sh";

// $4 $5: the new key. sshd reads its keys again when its listener is told to, and ends if its configuration is
// wrong by then; where each connection has an sshd of its own there is no listener. Prints what sshd then shows
// to the machine itself, at the address of this connection.
constexpr const char* changing_script = R"sh(
wanted="$4 $5"
listener=
at=$$
while test "$at" -gt 1; do
  case "$(tr "\0" " " </proc/$at/cmdline)" in
    *sshd*"[listener]"*) listener=$at; break ;;
  esac
  at=$(sed -n "s/^PPid:[[:space:]]*//p" /proc/$at/status)
done
if test -n "$listener"; then
  started=$(tr "\0" " " </proc/$listener/cmdline)
  started="${started#*: } "
  options=${started#* }
  "${started%% *}" -t ${options%%"[listener]"*}
fi
if test "$have" != "$wanted"; then
  test "$(shown $new)" = "$wanted"
  mv -f $new $key
fi
printf "%s\n" "$wanted" >$key.pub.mlops-agent
chmod 644 $key.pub.mlops-agent
mv -f $key.pub.mlops-agent $key.pub
rm -f $new $new.pub
sync .
test -z "$listener" || kill -HUP "$listener"
set -- $SSH_CONNECTION
for try in 1 2 3 4 5 6; do
  seen=$(ssh-keyscan -T 3 -t ed25519 -p "$4" "$3" 2>/dev/null | cut -d " " -f 2,3)
  test "$seen" != "$wanted" || break
  sleep 0.5
done
echo "mlops-agent-key $seen"
)sh";

// "ssh-ed25519 AAAA…" as two arguments, if it is such a key.
std::optional<std::pair<std::string, std::string>> words_of(const std::string& key) {
  std::istringstream words(key);
  std::string type, base64, more;
  if (!(words >> type >> base64) || words >> more || type != "ssh-ed25519") return {};
  const auto blob = public_key_in(key);
  if (!blob || key_type(*blob) != type) return {};
  return std::pair{type, base64};
}

std::string fingerprint_of(const std::string& key) {
  const auto words = words_of(key);
  return words ? fingerprint({words->first, words->second}) : "no key";
}

// The key that the script prints. What precedes it is the login shell's.
std::string printed_key(const std::string& output) {
  std::istringstream lines(output);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("mlops-agent-key ")) found = line.substr(16);
  return words_of(found) ? found : "";
}

class Replacement {
 public:
  Replacement(Connection& connection, const HandedKey& handed, const Cancellation& cancellation,
              const std::string& folder)
      : connection_(connection), handed_(handed), cancellation_(cancellation), folder_(folder) {}

  std::string run() const {
    const std::string made = ask(making_script, "");
    if (made.empty() || made == handed_.key) fail("it shows no new key");
    write_pinned_keys(handed_.file, handed_.alias, {{handed_.key, true}, {made, false}});
    const std::string shown = ask(changing_script, made);
    if (shown != made)
      fail(fmt::format("sshd there shows {} and not {}, which is in {}", fingerprint_of(shown),
                       fingerprint_of(made), folder_));
    write_pinned_keys(handed_.file, handed_.alias, {{made, false}});
    return fingerprint_of(made);
  }

 private:
  std::string ask(const char* step, const std::string& made) const {
    ScriptStart start{std::string(keys_script) + step, {folder_}, true, std::chrono::seconds(120)};
    for (const std::string& key : {handed_.key, made})
      if (const auto words = words_of(key)) {
        start.arguments.push_back(words->first);
        start.arguments.push_back(words->second);
      }
    const ScriptAnswer answer = run_script(connection_, start, cancellation_);
    if (answer.status == 0) return printed_key(answer.output);
    fail(answer.complaints.empty() ? fmt::format("exit status {}", answer.status) : answer.complaints);
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(
        fmt::format("the host key {} of {} travelled in user data, where others can read it, and was not "
                    "replaced: {}. The same "
                    "command tries it again. By hand: make another {}/ssh_host_ed25519_key there and restart "
                    "sshd; then have "
                    "its public half in {}, in place of the old one",
                    fingerprint_of(handed_.key), handed_.alias, why, folder_, handed_.file));
  }

  Connection& connection_;
  const HandedKey& handed_;
  const Cancellation& cancellation_;
  const std::string& folder_;
};

// None of a file that others could have written, such as /dev/null: ssh takes it, and it can mark nothing.
std::vector<PinnedKey> marked_keys(const std::string& path, const std::string& alias) try {
  return read_pinned_keys(path, alias);
} catch (const Error& e) {
  if (e.kind() != ErrorKind::unsafe_path) throw;
  return {};
}

}  // namespace

std::optional<HandedKey> handed_key(const SshSettings& settings) {
  if (settings.host_key_alias.empty()) return {};
  for (const std::string& path : settings.user_known_hosts)
    for (const PinnedKey& pinned : marked_keys(path, settings.host_key_alias))
      if (pinned.handed && words_of(pinned.key)) return HandedKey{path, settings.host_key_alias, pinned.key};
  return {};
}

std::string replace_handed_key(Connection& connection, const HandedKey& handed,
                               const Cancellation& cancellation, const std::string& folder) {
  return Replacement(connection, handed, cancellation, folder).run();
}

}  // namespace mlops
