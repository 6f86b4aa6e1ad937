// One HTTP request, through the curl backend, which is loaded on first use.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
  std::int64_t content_length = -1;            // -1: not sent
  std::uint64_t retry_after = 0;               // seconds; 0: not sent
  std::map<std::string, std::string> headers;  // those of HttpRequest::response_headers that were sent
};

enum class Redirects { follow, refuse };  // refuse: a redirect is a response like any other
enum class Proxy { environment, none };   // none: the proxy variables are ignored
// never: the request is sent at most once, on a connection of its own (libcurl sends it again when a reused
// connection turns out to be closed).
enum class Resend { allowed, never };

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;                      // "Name: value"
  std::function<bool(const HttpResponse&)> on_response;  // false: no body is wanted, and get() returns
  std::function<void(std::string_view bytes)> on_data;   // may throw, which ends the transfer
  const Patience* patience = nullptr;                    // null: no time limit
  std::string method = "GET";
  std::optional<std::string> body;
  int body_file = -1;  // instead: a regular file's descriptor, sent from its begin; body_file_size bytes
  std::uint64_t body_file_size = 0;
  std::string unix_socket;  // connected to instead of the URL's host; "": none
  Redirects redirects = Redirects::follow;
  Proxy proxy = Proxy::environment;
  Resend resend = Resend::allowed;
  std::chrono::milliseconds connect_limit{10'000};
  std::chrono::milliseconds time_limit{0};    // total, ends as `connection`; 0: none
  std::vector<std::string> response_headers;  // names of those to return
};

// How it ended. A complete response of any status is `answered`.
struct HttpResult {
  enum class End { answered, stopped, connection, refused } end = End::answered;
  HttpResponse response;  // status 0 if there was no response
  std::string cause;      // why, for connection (worth a retry) and refused (not worth one)
  bool stalled = false;   // of connection: no byte arrived within the stall time
  bool sent = false;      // of a failure: the request may have reached the server
};

// A whole response in memory.
struct HttpAnswer {
  HttpResult result;
  std::string body;
};

class HttpClient {
 public:
  // Certificates of ca_file are trusted instead of the system's; "": the system's. stall: a transfer ends after
  // this long without a byte; whole seconds.
  HttpClient(const Cancellation& cancellation, std::string ca_file, std::chrono::milliseconds stall);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Error cancelled; Error unavailable if the backend cannot be loaded; that of the request's patience; what
  // the callbacks throw.
  HttpResult send(const HttpRequest& request);
  // The same with the body collected; the request's callbacks are not called. A body of more than `most` bytes
  // ends as `refused`.
  HttpAnswer ask(const HttpRequest& request, std::size_t most);

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
