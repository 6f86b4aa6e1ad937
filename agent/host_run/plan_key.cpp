#include "host_run/plan_key.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/person.hpp"
#include "machine/local.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

constexpr std::size_t key_size = 64;  // characters: 32 random bytes in hex

std::string random_text() {
  std::array<unsigned char, key_size / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw system_error("cannot get random bytes", errno);
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// "" if there is none.
std::string read_key(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return "";
  struct ::stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw system_error("cannot open " + path, errno);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
    throw Error(path + " is not readable for its owner alone");
  std::string key(key_size, '\0');
  if (::pread(file.get(), key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    throw Error(path + " is cut short");
  return key;
}

// Another process may have created it first: then its key is used.
void make_key(const std::string& path) {
  const std::string text = random_text(), beside = fmt::format("{}.{}.tmp", path, ::getpid());
  const Handle file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) throw system_error("cannot make " + path, errno);
  const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(file.get()) == 0 &&
                       (::link(beside.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int error = errno;
  ::unlink(beside.c_str());
  if (!written) throw system_error("cannot make " + path, error);
}

}  // namespace

std::string plan_key(const std::string& given, PlanKey how) try {
  const std::string wanted = state_folder(acting_user(effective_person().name), given);
  const std::string folder = how == PlanKey::make ? prepare_state_folder(wanted) : find_state_folder(wanted);
  if (folder.empty()) return "";
  const std::string path = folder + "/plan-key";
  std::string key = read_key(path);
  if (!key.empty() || how == PlanKey::find) return key;
  make_key(path);
  return read_key(path);
} catch (Error& e) {
  throw e.while_doing("the key for secrets in plans");
}

}  // namespace mlops
