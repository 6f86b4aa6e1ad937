#include "state/images.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/descriptor_io.hpp"
#include "base/digest.hpp"
#include "base/handle.hpp"

namespace mlops {
namespace {

// SQLite reads and writes small blobs faster than a file system does small files:
// https://sqlite.org/intern-v-extern-blob.html
constexpr std::size_t largest_row = 64u << 10;
constexpr std::size_t least_worth_packing = 128;
constexpr const char* unfinished = ".new";

std::string read_all(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw system_error("cannot read " + path, errno);
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot read " + path, errno);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

Images::Images(Database& database, std::string folder)
    : database_(database), folder_(std::move(folder) + "/images") {}

std::string Images::path_of(const std::string& digest) const { return folder_ + "/" + digest; }

std::string Images::keep(std::string_view content, std::int64_t run) {
  const std::string digest = sha256_hex(content);
  Statement& known = database_.statement("SELECT 1 FROM images WHERE digest = ?").with(digest);
  const bool there = known.step();
  known.with();
  if (!there) {
    const auto packed = content.size() < least_worth_packing ? std::nullopt : database_.compressed(content);
    const std::string_view bytes = packed ? std::string_view(*packed) : content;
    const auto size = static_cast<std::int64_t>(content.size());
    if (bytes.size() <= largest_row) {
      database_.statement("INSERT INTO images (digest, size, packed, content) VALUES (?, ?, ?, ?)")
          .with(digest, size, std::int64_t{packed.has_value()}, Blob{bytes})
          .run();
    } else {
      write(digest, bytes);
      database_.statement("INSERT INTO images (digest, size, packed) VALUES (?, ?, ?)")
          .with(digest, size, std::int64_t{packed.has_value()})
          .run();
    }
  }
  database_.statement("INSERT OR IGNORE INTO image_uses (digest, run) VALUES (?, ?)").with(digest, run).run();
  return digest;
}

void Images::write(const std::string& digest, std::string_view bytes) {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
    throw system_error("cannot make " + folder_, errno);
  const std::string path = path_of(digest) + unfinished;
  const Handle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) throw system_error("cannot keep " + path, errno);
  write_all(file.get(), bytes, "cannot keep", path);
  if (::fsync(file.get()) != 0) throw system_error("cannot sync " + path, errno);
  written_.push_back(digest);
}

void Images::sync() {
  if (written_.empty()) return;
  for (const std::string& digest : written_)
    if (::rename((path_of(digest) + unfinished).c_str(), path_of(digest).c_str()) != 0)
      throw system_error("cannot keep " + path_of(digest), errno);
  written_.clear();
  const Handle folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) throw system_error("cannot sync " + folder_, errno);
}

std::string Images::load(const std::string& digest) {
  Statement& found =
      database_.statement("SELECT size, packed, content IS NULL, content FROM images WHERE digest = ?")
          .with(digest);
  if (!found.step()) throw Error("what is to be put back is no longer kept");
  const auto size = static_cast<std::size_t>(found.integer(0));
  const bool packed = found.integer(1) != 0, in_file = found.integer(2) != 0;
  std::string bytes = in_file ? "" : found.text(3);
  found.with();
  if (in_file) bytes = read_all(path_of(digest));
  std::string content = packed ? database_.expanded(bytes, size) : std::move(bytes);
  if (sha256_hex(content) != digest) throw Error("what is to be put back is damaged in " + folder_);
  return content;
}

void Images::sweep() {
  database_.run("DELETE FROM images WHERE digest NOT IN (SELECT digest FROM image_uses)");
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder_.c_str()), ::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    Statement& known =
        database_.statement("SELECT 1 FROM images WHERE digest = ? AND content IS NULL").with(name);
    const bool used = known.step();
    known.with();
    if (!used) ::unlinkat(::dirfd(entries.get()), name.c_str(), 0);
  }
}

}  // namespace mlops
