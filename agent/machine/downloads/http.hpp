// One HTTP request, through the curl backend, which is loaded by the first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

class Cancellation;

// The head of an answer, after redirects. Absent headers are "".
struct HttpResponse {
  long status = 0;
  std::string etag, last_modified, content_range;
  std::int64_t content_length = -1;  // -1: not said
  std::uint64_t retry_after = 0;     // seconds; 0: not said
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;                      // "Name: value"
  std::function<bool(const HttpResponse&)> on_response;  // false: no body is wanted, and get() returns
  std::function<void(std::string_view bytes)> on_data;   // may throw, which ends the transfer
};

// How it ended. An answer of any status that came whole is `answered`.
struct HttpResult {
  enum class End { answered, stopped, connection, refused } end = End::answered;
  HttpResponse response;  // status 0 when there was no answer
  std::string cause;      // why, for connection (worth another try) and refused (not worth it)
};

class HttpClient {
 public:
  // Certificates of ca_file are trusted instead of the system's; "": the system's.
  HttpClient(const Cancellation& cancellation, std::string ca_file);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Connects within 10 s; under one byte a second for 30 s ends it. Error cancelled; Error unavailable when the
  // backend cannot be loaded; what the callbacks throw.
  HttpResult get(const HttpRequest& request);

 private:
  struct Backend;
  const Cancellation& cancellation_;
  std::string ca_file_;
  std::unique_ptr<Backend> backend_;
};

// "404 Not Found": with RFC 9110's words for the statuses that servers of files give.
std::string http_status_text(long status);

}  // namespace mlops
