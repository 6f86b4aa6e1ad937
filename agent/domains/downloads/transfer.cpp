#include "domains/downloads/transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/error.hpp"
#include "base/proc_file.hpp"

namespace mlops {
namespace {

constexpr std::uint64_t progress_bytes = 1u << 20;  // after which an attempt counts as progress
constexpr std::uint64_t worth_a_record = 1u << 20;  // smaller files are not resumed by a later run

// "bytes 5-9/10": RFC 9110, 14.4. total is absent for "*".
struct ContentRange {
  std::uint64_t from = 0, to = 0;
  std::optional<std::uint64_t> total;
};

bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  ContentRange r;
  if (!take(text, "bytes ") || !take_number(text, r.from) || !take(text, "-") || !take_number(text, r.to) ||
      !take(text, "/"))
    return {};
  if (text != "*" && (!take_number(text, r.total.emplace()) || !text.empty())) return {};
  return r;
}

bool is_strong(const std::string& etag) { return !etag.empty() && !etag.starts_with("W/"); }

class Transfer {
 public:
  Transfer(const TransferSettings& settings, HttpClient& http, DownloadCache& cache, PartialFile& part,
           const Patience& patience)
      : settings_(settings), http_(http), cache_(cache), part_(part), patience_(patience) {
    furthest_ = part.size();
    if (part.size() > 0) recall();
  }

  // Whether an earlier run was killed after everything had arrived.
  bool complete() {
    return part_.size() > 0 && !settings_.sha256.empty() && part_.sha256() == settings_.sha256;
  }

  std::optional<TryAgain> attempt() {
    if (part_.size() > 0 && !may_resume()) part_.restart();
    began_at_ = part_.size();
    started_over_ = false;
    HttpRequest request{settings_.url, {}, {}, {}, &patience_};
    if (began_at_ > 0) ask_for_the_rest(request);
    request.on_response = [this](const HttpResponse& r) { return begin(r); };
    request.on_data = [this](std::string_view bytes) { go_on(bytes); };
    const auto again = judge(http_.send(request));
    furthest_ = std::max(furthest_, part_.size());
    return again;
  }

  const Validators& validators() const { return validators_; }

 private:
  // An earlier run's record of the partial file.
  void recall() {
    const auto record = cache_.find(DownloadRecord::Kind::partial, settings_.record_key);
    const FileStamp now = stamp_of(part_.status());
    const bool same = record && record->stamp.device == now.device && record->stamp.inode == now.inode;
    // A file written in an earlier boot may have lost blocks that were not synced.
    if (same && (record->boot == boot_id() || !settings_.sha256.empty()))
      validators_ = {record->etag, record->last_modified};
  }

  void remember() {
    if (total_.value_or(worth_a_record) < worth_a_record) return;
    if (validators_.etag.empty() && validators_.last_modified.empty()) return;
    cache_.keep({DownloadRecord::Kind::partial, settings_.record_key, "", validators_.etag,
                 validators_.last_modified, boot_id(), stamp_of(part_.status())});
  }

  // The validator for If-Range: it must be strong, and a date is treated as strong.
  std::string range_validator() const {
    return is_strong(validators_.etag) ? validators_.etag : validators_.last_modified;
  }

  bool may_resume() const { return !range_validator().empty() || !settings_.sha256.empty(); }

  void ask_for_the_rest(HttpRequest& request) const {
    request.headers.push_back(fmt::format("Range: bytes={}-", began_at_));
    if (const std::string v = range_validator(); !v.empty()) request.headers.push_back("If-Range: " + v);
  }

  // Handles the response's head. False if its body is not wanted.
  bool begin(const HttpResponse& r) {
    if (r.status == 206) return begin_rest(r);
    if (r.status != 200) return false;
    part_.restart();
    began_at_ = 0;
    validators_ = {r.etag, r.last_modified};
    total_.reset();
    if (r.content_length >= 0) total_ = static_cast<std::uint64_t>(r.content_length);
    check_size(settings_.shown_url, total_.value_or(0), settings_.size_limit);
    remember();
    return true;
  }

  // A 206 that does not continue our partial content is useless: the next attempt starts over.
  bool begin_rest(const HttpResponse& r) {
    const auto range = parse_content_range(r.content_range);
    const bool same_version = validators_.etag.empty() || r.etag.empty() || r.etag == validators_.etag;
    const bool fits = range && began_at_ > 0 && range->from == began_at_ && range->to >= range->from &&
                      (!range->total || range->to < *range->total) &&
                      (r.content_length < 0 || range->to - range->from + 1 == std::uint64_t(r.content_length));
    if (!fits || !same_version) {
      start_over();
      return false;
    }
    total_ = range->total ? *range->total : range->to + 1;
    check_size(settings_.shown_url, *total_, settings_.size_limit);
    return true;
  }

  void start_over() {
    part_.restart();
    validators_ = {};
    started_over_ = true;
  }

  void go_on(std::string_view bytes) {
    check_size(settings_.shown_url, part_.size() + bytes.size(), settings_.size_limit);
    part_.append(bytes);
    if (settings_.progress) settings_.progress(part_.size(), total_.value_or(0));
  }

  std::optional<TryAgain> judge(const HttpResult& result) {
    using End = HttpResult::End;
    const long status = result.response.status;
    const std::string get = "GET " + settings_.url + ": ";
    if (status == 416 && began_at_ > 0) start_over();
    if (started_over_) return TryAgain{get + "it does not give the rest of what was begun"};
    if (result.end == End::refused) throw NotHad{get + result.cause};
    if (status != 0 && status != 200 && status != 206) return refused(result.response, get);
    if (result.end == End::connection) return TryAgain{get + cut_text(result), 0, progressed()};
    if (total_ && part_.size() != *total_) return TryAgain{get + cut_text(result), 0, progressed()};
    return {};
  }

  std::optional<TryAgain> refused(const HttpResponse& r, const std::string& get) const {
    if (is_worth_another_try(r.status)) return TryAgain{get + http_status_text(r.status), r.retry_after};
    throw NotHad{get + http_status_text(r.status)};
  }

  std::string cut_text(const HttpResult& result) const {
    if (result.response.status == 0) return result.cause;
    const std::string of = total_ ? fmt::format(" of {}", *total_) : "";
    return fmt::format("{} after {}{} bytes", result.stalled ? result.cause : "it ended", part_.size(), of);
  }

  bool progressed() const { return part_.size() >= furthest_ + progress_bytes; }

  const TransferSettings& settings_;
  HttpClient& http_;
  DownloadCache& cache_;
  PartialFile& part_;
  const Patience& patience_;
  Validators validators_;               // of the partial file's content
  std::optional<std::uint64_t> total_;  // bytes, if the server says
  std::uint64_t began_at_ = 0;          // bytes that existed before this attempt
  std::uint64_t furthest_ = 0;          // bytes that any attempt reached
  bool started_over_ = false;
};

}  // namespace

void check_size(const std::string& url, std::uint64_t bytes, std::uint64_t limit) {
  if (limit > 0 && bytes > limit)
    throw Error(fmt::format("{} is larger than the limit of {} bytes", url, limit));
}

Validators transfer(const TransferSettings& settings, HttpClient& http, DownloadCache& cache, PartialFile& part,
                    const Patience& patience) {
  Transfer t(settings, http, cache, part, patience);
  if (t.complete()) return t.validators();
  if (const auto cause = retry(patience, [&] { return t.attempt(); })) throw NotHad{*cause};
  return t.validators();
}

namespace {

struct OtherSize {};  // ends a transfer whose content is longer than the file that it is compared with

// Retries until a response has one of the statuses; returns the last one's.
long ask(const HttpRequest& request, std::initializer_list<long> wanted, HttpClient& http,
         const Patience& patience) {
  const std::string get = "GET " + request.url + ": ";
  long status = 0;
  const auto cause = retry(patience, [&]() -> std::optional<TryAgain> {
    const HttpResult result = http.send(request);
    status = result.response.status;
    if (result.end == HttpResult::End::refused) throw NotHad{get + result.cause};
    if (result.end == HttpResult::End::connection) return TryAgain{get + result.cause};
    if (std::find(wanted.begin(), wanted.end(), status) != wanted.end()) return {};
    if (!is_worth_another_try(status)) throw NotHad{get + http_status_text(status)};
    return TryAgain{get + http_status_text(status), result.response.retry_after};
  });
  if (cause) throw NotHad{*cause};
  return status;
}

}  // namespace

std::string transfer_text(const std::string& url, std::uint64_t limit, HttpClient& http,
                          const Patience& patience) {
  std::string text;
  HttpRequest request{url, {}, {}, {}, &patience};
  request.on_response = [&](const HttpResponse& r) {
    text.clear();
    return r.status == 200;
  };
  request.on_data = [&](std::string_view bytes) {
    check_size(url, text.size() + bytes.size(), limit);
    text += bytes;
  };
  ask(request, {200}, http, patience);
  return text;
}

ContentDigest content_digest(const std::string& url, const Validators& known, std::uint64_t size,
                             HttpClient& http, const Patience& patience) {
  ContentDigest found;
  std::uint64_t read = 0;
  Sha256 digest;
  HttpRequest request{url, {}, {}, {}, &patience};
  if (!known.etag.empty()) request.headers.push_back("If-None-Match: " + known.etag);
  if (!known.last_modified.empty()) request.headers.push_back("If-Modified-Since: " + known.last_modified);
  request.on_response = [&](const HttpResponse& r) {
    found.end = r.status == 304 ? ContentDigest::End::unchanged : ContentDigest::End::whole;
    read = 0;
    digest = Sha256();
    const bool other = r.content_length >= 0 && static_cast<std::uint64_t>(r.content_length) != size;
    if (r.status == 200 && other) found.end = ContentDigest::End::other_size;
    return r.status == 200 && !other;
  };
  request.on_data = [&](std::string_view bytes) {
    read += bytes.size();
    if (read > size) throw OtherSize{};
    digest.update(bytes);
  };
  try {
    ask(request, {200, 304}, http, patience);
  } catch (const OtherSize&) {
    return {ContentDigest::End::other_size, ""};
  }
  if (found.end == ContentDigest::End::whole && read != size) found.end = ContentDigest::End::other_size;
  if (found.end == ContentDigest::End::whole) found.sha256 = digest.hex();
  return found;
}

bool has_git_repository(const std::string& url, HttpClient& http) {
  const HttpRequest request{
      url + "/info/refs?service=git-upload-pack", {}, [](const HttpResponse&) { return false; }, {}, nullptr};
  return http.send(request).response.status == 200;
}

}  // namespace mlops
