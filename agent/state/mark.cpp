#include "state/mark.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"

namespace mlops {
namespace {

constexpr std::size_t size_limit = 1u << 20;

std::string mark_path(const std::string& folder) { return folder + "/settled"; }

// The first line. 3 is the version of the format: marks of version 2 could miss what a playbook no longer has.
std::string head_of(const struct stat& database) { return fmt::format("mlops-agent 3 {}\n", database.st_ino); }

std::string read_text(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || status.st_uid != ::geteuid() ||
      static_cast<std::size_t>(status.st_size) > size_limit)
    return "";
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

// "00000000000000ab", followed by a `+` if there is more.
std::string text_of(const ListedResources& listed) {
  return fmt::format("{:016x}{}", listed.digest, listed.more ? "+" : "");
}

std::optional<ListedResources> parse_listed(std::string_view text) {
  ListedResources listed;
  listed.more = text.ends_with('+');
  if (listed.more) text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), listed.digest, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return listed;
}

}  // namespace

MarkState read_mark(const std::string& folder, CleanMarker& into) {
  struct stat database {};
  if (::stat((folder + "/state.db").c_str(), &database) != 0)
    return errno == ENOENT || errno == ENOTDIR ? MarkState::none : MarkState::unknown;
  const std::string text = read_text(mark_path(folder)), head = head_of(database);
  if (!text.starts_with(head) || !text.ends_with('\n')) return MarkState::unknown;
  // "DIGEST KEY"
  for (std::size_t at = head.size(); at < text.size();) {
    const std::size_t end = text.find('\n', at), blank = text.find(' ', at);
    if (blank >= end) return MarkState::unknown;
    const auto listed = parse_listed(std::string_view(text).substr(at, blank - at));
    if (!listed) return MarkState::unknown;
    into.playbooks[text.substr(blank + 1, end - blank - 1)] = *listed;
    at = end + 1;
  }
  return MarkState::settled;
}

void remove_mark(const std::string& folder) {
  if (::unlink(mark_path(folder).c_str()) != 0) {
    if (errno == ENOENT) return;
    throw system_error("cannot remove " + mark_path(folder), errno);
  }
  const Handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle || ::fsync(handle.get()) != 0) throw system_error("cannot sync " + folder, errno);
}

void write_mark(const std::string& folder, const CleanMarker& mark) noexcept try {
  struct stat database {};
  if (::stat((folder + "/state.db").c_str(), &database) != 0) return;
  std::string text = head_of(database);
  for (const auto& [key, listed] : mark.playbooks)
    if (key.find('\n') == key.npos && text.size() < size_limit / 2) text += text_of(listed) + " " + key + "\n";
  const std::string fresh = mark_path(folder) + ".new";
  const Handle file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    ::unlink(fresh.c_str());
    return;
  }
  // Not synced: after a power cut it is complete, or its first line does not match, or it is missing.
  if (::rename(fresh.c_str(), mark_path(folder).c_str()) != 0) ::unlink(fresh.c_str());
} catch (...) {
}

}  // namespace mlops
