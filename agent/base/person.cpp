#include "base/person.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mlops {
namespace {

template <class Call>
bool ask_passwd(Person& person, Call call) {
  struct passwd entry;
  std::vector<char> buffer(4096);
  struct passwd* found = nullptr;
  int error = 0;
  while ((error = call(&entry, buffer.data(), buffer.size(), &found)) == ERANGE && buffer.size() < (16u << 20))
    buffer.resize(buffer.size() * 2);
  if (!found) return false;
  const std::string shell = found->pw_shell;
  person = {found->pw_name, found->pw_dir, shell.empty() ? "/bin/sh" : shell, found->pw_uid, found->pw_gid};
  return true;
}

Person by_uid(uid_t uid) {
  Person person;
  if (!ask_passwd(person, [&](auto... rest) { return ::getpwuid_r(uid, rest...); }))
    throw Error("uid " + std::to_string(uid) + " has no account on this machine", ErrorKind::unavailable);
  return person;
}

// The user who called sudo, if its variables agree with passwd.
bool from_sudo(Person& person) {
  const char* name = std::getenv("SUDO_USER");
  const char* uid_text = std::getenv("SUDO_UID");
  if (!name || !uid_text) return false;
  const std::string_view text = uid_text;
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return false;
  return ask_passwd(person, [&](auto... rest) { return ::getpwnam_r(name, rest...); }) && person.uid == uid;
}

}  // namespace

Person current_person() {
  Person person;
  if (::getuid() == 0 && from_sudo(person)) return person;
  return by_uid(::getuid());
}

Person effective_person() { return by_uid(::geteuid()); }

}  // namespace mlops
