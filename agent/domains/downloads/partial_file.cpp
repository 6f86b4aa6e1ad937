#include "domains/downloads/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/cancellation.hpp"
#include "base/error.hpp"
#include "domains/files/extended_attributes.hpp"
#include "domains/files/local.hpp"

namespace mlops {
namespace {

constexpr std::uint64_t largest_block = 256u << 10;

bool is_ours(const struct stat& s) {
  return S_ISREG(s.st_mode) && s.st_uid == geteuid() && s.st_nlink == 1 && (s.st_mode & 07177) == 0;
}

}  // namespace

PartialFile::PartialFile(Walker::Place place, std::string path, const Cancellation& cancellation)
    : place_(std::move(place)),
      path_(std::move(path)),
      name_(temporary_name(place_.name, "part")),
      cancellation_(cancellation),
      file_(open_existing()) {
  if (file_) {
    size_ = static_cast<std::uint64_t>(status().st_size);
    return;
  }
  unlinkat(place_.folder, name_.c_str(), 0);  // not exclusively this user's, or absent
  file_ =
      Handle(openat(place_.folder, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file_) throw system_error(fmt::format("cannot make {} beside {}", name_, path_), errno);
}

Handle PartialFile::open_existing() const {
  Handle file(openat(place_.folder, name_.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat s;
  return file && fstat(file.get(), &s) == 0 && is_ours(s) ? std::move(file) : Handle();
}

struct stat PartialFile::status() const {
  struct stat s {};
  if (fstat(file_.get(), &s) != 0) throw system_error("cannot look at " + path_, errno);
  return s;
}

void PartialFile::catch_up() {
  if (digested_ == size_) return;
  const auto buffer = std::make_unique_for_overwrite<char[]>(largest_block);
  while (digested_ < size_) {
    cancellation_.check();
    const auto wanted = std::min(largest_block, size_ - digested_);
    const ssize_t n = pread(file_.get(), buffer.get(), wanted, static_cast<off_t>(digested_));
    if (n < 0) throw system_error("cannot read what was downloaded for " + path_, errno);
    if (n == 0) throw Error("what was downloaded for " + path_ + " became shorter");
    digest_.update({buffer.get(), static_cast<std::size_t>(n)});
    digested_ += static_cast<std::uint64_t>(n);
  }
}

std::string PartialFile::sha256() {
  catch_up();
  return Sha256(digest_).hex();
}

void PartialFile::append(std::string_view bytes) {
  cancellation_.check();
  catch_up();
  while (!bytes.empty()) {
    const ssize_t n = pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int cause = errno;
      if (cause == ENOSPC || cause == EDQUOT) remove();
      throw system_error(fmt::format("cannot write {} after {} bytes", path_, size_), cause);
    }
    digest_.update(bytes.substr(0, static_cast<std::size_t>(n)));
    digested_ = size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void PartialFile::restart() {
  if (ftruncate(file_.get(), 0) != 0) throw system_error("cannot write " + path_, errno);
  size_ = digested_ = 0;
  digest_ = Sha256();
}

void PartialFile::remove() { unlinkat(place_.folder, name_.c_str(), 0); }

struct stat PartialFile::put_in_place(const Attributes& wanted) {
  const struct stat now = status();
  const auto differs = [](auto id, auto is) { return id != static_cast<decltype(id)>(-1) && id != is; };
  if ((differs(wanted.user, now.st_uid) || differs(wanted.group, now.st_gid)) &&
      fchown(file_.get(), wanted.user, wanted.group) != 0)
    throw system_error("cannot give " + path_ + " to its owner", errno);
  if (const Handle old(
          openat(place_.folder, place_.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      old)
    inherit_attributes(old.get(), file_.get(), wanted.mode, wanted.keep_acl);
  if (fchmod(file_.get(), wanted.mode) != 0) throw system_error("cannot set the mode of " + path_, errno);
  if (fsync(file_.get()) != 0) throw system_error("cannot sync " + path_, errno);
  if (renameat(place_.folder, name_.c_str(), place_.folder, place_.name.c_str()) != 0)
    throw system_error("cannot put " + path_ + " in place", errno);
  const Handle folder(openat(place_.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || fsync(folder.get()) != 0) throw system_error("cannot sync the folder of " + path_, errno);
  return status();
}

}  // namespace mlops
