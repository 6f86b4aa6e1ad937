// One HTTP request, through the curl backend, which is loaded on first use.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

class Cancellation;
class Patience;

// The head of a response, after redirects. Absent headers are "".
struct HttpResponse {
  long status = 0;
  std::string etag, last_modified, content_range;
  std::int64_t content_length = -1;  // -1: not sent
  std::uint64_t retry_after = 0;     // seconds; 0: not sent
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;                      // "Name: value"
  std::function<bool(const HttpResponse&)> on_response;  // false: no body is wanted, and get() returns
  std::function<void(std::string_view bytes)> on_data;   // may throw, which ends the transfer
  const Patience* patience = nullptr;                    // null: no time limit
};

// How it ended. A complete response of any status is `answered`.
struct HttpResult {
  enum class End { answered, stopped, connection, refused } end = End::answered;
  HttpResponse response;  // status 0 if there was no response
  std::string cause;      // why, for connection (worth a retry) and refused (not worth one)
  bool stalled = false;   // of connection: no byte arrived within the stall time
};

class HttpClient {
 public:
  // Certificates of ca_file are trusted instead of the system's; "": the system's. stall: a transfer ends after
  // this long without a byte; whole seconds.
  HttpClient(const Cancellation& cancellation, std::string ca_file, std::chrono::milliseconds stall);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Connects within 10 s. Error cancelled; Error unavailable if the backend cannot be loaded; that of the
  // request's patience; what the callbacks throw.
  HttpResult get(const HttpRequest& request);

 private:
  struct Backend;
  const Cancellation& cancellation_;
  std::string ca_file_;
  std::chrono::milliseconds stall_;
  std::unique_ptr<Backend> backend_;
};

// "404 Not Found": with RFC 9110's reason phrases for the statuses that file servers send.
std::string http_status_text(long status);

}  // namespace mlops
