#include "domains/containers/local.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/descriptor_io.hpp"
#include "base/digest.hpp"
#include "base/printable.hpp"
#include "domains/containers/image_reference.hpp"

namespace mlops {
namespace {

// While layers are unpacked the daemon may say nothing for minutes.
constexpr std::chrono::milliseconds daemon_stall{10 * 60'000};
constexpr auto staging_folder = "/var/tmp";

ImageReference reference(const std::string& name) {
  std::string why;
  auto found = parse_image_reference(name, why);
  if (!found) throw Error(fmt::format("`{}` is no name of an image: {}", printable(name), why));
  return *std::move(found);
}

// An archive's own copy, which nobody else can name or change, with its digest.
class Staged {
 public:
  Staged() : file_(open(staging_folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
    if (!file_) throw system_error(fmt::format("cannot make a file in {}", staging_folder), errno);
  }
  void append(std::string_view bytes) {
    write_all(file_.get(), bytes, "cannot keep the archive in", staging_folder);
    digest_.update(bytes);
    size_ += bytes.size();
  }
  std::uint64_t size() const { return size_; }
  // Error if the content does not have that digest; "": any.
  Handle take(const std::string& sha256, const std::string& from) {
    const std::string found = digest_.hex();
    if (!sha256.empty() && found != lower_hex(sha256))
      throw Error(fmt::format("{} has the SHA-256 {}, expected {}", from, found, lower_hex(sha256)));
    return std::move(file_);
  }

 private:
  Handle file_;
  Sha256 digest_;
  std::uint64_t size_ = 0;
};

}  // namespace

LocalContainers::LocalContainers(const ActingUser& who, std::string mirror, Walker& walker,
                                 const Cancellation& cancellation, const ProgressSink& progress)
    : who_(who),
      mirror_(std::move(mirror)),
      walker_(walker),
      cancellation_(cancellation),
      progress_(progress),
      http_(cancellation, "", daemon_stall) {}

std::optional<ContainerImage> LocalContainers::image(const std::string& socket, const std::string& name) const {
  return engine(socket).image(name);
}

void LocalContainers::tell(const std::string& doing, std::uint64_t done, std::uint64_t total) const {
  if (progress_) progress_({doing, done, total});
}

LocalContainers::Archive LocalContainers::file_archive(const std::string& path, const std::string& sha256) {
  const auto place = walker_.target_place(path);
  Handle file(place ? openat(place->folder, place->name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                    : -1);
  if (!file) throw system_error("cannot read " + path, place ? errno : ENOENT);
  struct stat status;
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) throw Error(path + " is not a file");
  if (sha256.empty()) return {std::move(file), static_cast<std::uint64_t>(status.st_size)};
  Staged staged;
  std::array<char, 1u << 16> block;
  for (;;) {
    cancellation_.check();
    const ssize_t n = read(file.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot read " + path, errno);
    if (n == 0) break;
    staged.append({block.data(), static_cast<std::size_t>(n)});
  }
  const std::uint64_t size = staged.size();
  return {staged.take(sha256, path), size};
}

std::optional<LocalContainers::Archive> LocalContainers::transferred(const std::string& place,
                                                                     const std::string& sha256,
                                                                     std::string& causes) {
  std::string cause;
  std::optional<Archive> archive;
  const Patience patience(wait_until_cancelled(cancellation_), "GET " + place, 0);
  const auto failed = retry(patience, [&]() -> std::optional<TryAgain> {
    Staged staged;
    HttpRequest request;
    request.url = place;
    request.patience = &patience;
    request.on_response = [](const HttpResponse& r) { return r.status == 200; };
    request.on_data = [&](std::string_view bytes) {
      staged.append(bytes);
      tell("downloading " + place, staged.size(), 0);
    };
    const HttpResult result = http_.send(request);
    if (result.end == HttpResult::End::connection) return TryAgain{result.cause};
    if (result.end == HttpResult::End::refused) return cause = result.cause, std::nullopt;
    if (is_worth_another_try(result.response.status))
      return TryAgain{http_status_text(result.response.status), result.response.retry_after};
    if (result.response.status != 200) return cause = http_status_text(result.response.status), std::nullopt;
    const std::uint64_t size = staged.size();
    archive = Archive{staged.take(sha256, place), size};
    return std::nullopt;
  });
  if (failed) cause = *failed;
  if (!archive) causes += fmt::format("{}GET {}: {}", causes.empty() ? "" : "; ", place, printable(cause));
  return archive;
}

std::optional<LocalContainers::Archive> LocalContainers::fetched_archive(const std::string& url,
                                                                         const std::string& sha256,
                                                                         bool mirror_only,
                                                                         std::string& causes) {
  if (const auto place = mirror_.place_of(url)) {
    if (mirror_.is_url()) {
      if (auto found = transferred(*place, sha256, causes)) return found;
    } else if (access(place->c_str(), F_OK) == 0) {
      return file_archive(*place, sha256);
    } else {
      causes = fmt::format("there is no {}", *place);
    }
  }
  return mirror_only ? std::nullopt : transferred(url, sha256, causes);
}

void LocalContainers::load(const std::string& socket, const std::string& name, const Archive& archive) {
  const ContainerEngine daemon = engine(socket);
  const ImageReference wanted = reference(name);
  tell("loading " + name, 0, archive.size);
  const std::vector<std::string> brought = daemon.load(archive.file.get(), archive.size);
  std::string names;
  for (const std::string& one : brought) {
    std::string why;
    const auto found = parse_image_reference(one, why);
    if (found && found->name() == wanted.name()) return;
    names += (names.empty() ? "" : ", ") + printable(one);
  }
  if (brought.size() == 1 && is_image_digest(brought.front()))
    return daemon.tag(brought.front(), wanted.shown_repository(), wanted.tag);
  throw Error(fmt::format("the archive has no image {}, but {}", name, names.empty() ? "none" : names));
}

void LocalContainers::perform(const LoadImage& action) {
  if (!action.file.empty()) return load(action.socket, action.name, file_archive(action.file, action.sha256));
  std::string causes;
  const auto archive = fetched_archive(action.url, action.sha256, false, causes);
  if (!archive) throw Error(causes);
  load(action.socket, action.name, *archive);
}

void LocalContainers::perform(const PullImage& action) {
  std::string causes;
  const auto url = action.digest.empty() ? reference(action.name).archive_url() : std::nullopt;
  if (url)
    if (const auto archive = fetched_archive(*url, "", true, causes))
      return load(action.socket, action.name, *archive);
  try {
    pull_from_registry(action);
  } catch (Error& e) {
    if (causes.empty() || e.kind() == ErrorKind::cancelled) throw;
    throw Error(fmt::format("{}; {}", causes, e.what()), e.kind());
  }
}

void LocalContainers::pull_from_registry(const PullImage& action) {
  const ContainerEngine daemon = engine(action.socket);
  const ImageReference wanted = reference(action.name);
  const std::string repository = wanted.shown_repository(), version = !action.digest.empty()  ? action.digest
                                                                      : wanted.digest.empty() ? wanted.tag
                                                                                              : wanted.digest;
  const auto progress = [&](std::uint64_t done, std::uint64_t total) {
    tell("pulling " + action.name, done, total);
  };
  const Patience patience(wait_until_cancelled(cancellation_), "pulling " + action.name, 0);
  const auto failed = retry(patience, [&]() -> std::optional<TryAgain> {
    try {
      daemon.pull(repository, version, action.platform, progress);
      return std::nullopt;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::other) throw;
      if (!is_network_trouble(e.message())) throw pull_error(action.name, action.platform, e.message());
      return TryAgain{e.message()};
    }
  });
  if (failed) throw pull_error(action.name, action.platform, *failed);
  if (!action.digest.empty() && !wanted.tag.empty())
    daemon.tag(repository + "@" + action.digest, repository, wanted.tag);
}

void LocalContainers::perform(const TagImage& action) {
  const ImageReference wanted = reference(action.name);
  if (!is_image_digest(action.id) || wanted.tag.empty())
    throw Error(fmt::format("`{}` cannot be named {}", printable(action.id), action.name));
  engine(action.socket).tag(action.id, wanted.shown_repository(), wanted.tag);
}

void LocalContainers::perform(const RemoveImage& action) {
  engine(action.socket).remove(reference(action.name).name());
}

}  // namespace mlops
