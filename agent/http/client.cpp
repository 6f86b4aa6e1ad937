#include "http/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "backends/curl_api.hpp"
#include "base/backend.hpp"
#include "base/cancellation.hpp"
#include "base/command_line.hpp"
#include "base/error.hpp"
#include "http/retry.hpp"

namespace mlops {
namespace {

// The callbacks' state. No exception may pass through C code: it is stored and rethrown afterwards.
struct Call {
  const HttpRequest* request;
  HttpResponse response;
  std::exception_ptr thrown;
};

template <class Step>
int guarded(Call& call, Step step) {
  try {
    return step();
  } catch (...) {
    call.thrown = std::current_exception();
    return 1;
  }
}

int on_response(void* context, const mlops_curl_response* r) {
  Call& call = *static_cast<Call*>(context);
  return guarded(call, [&] {
    call.response = {r->status,
                     r->etag,
                     r->last_modified,
                     r->content_range,
                     r->content_length,
                     static_cast<std::uint64_t>(std::max<std::int64_t>(0, r->retry_after)),
                     {}};
    for (const std::string& name : call.request->response_headers)
      if (const std::string text = r->header(r->transfer, name.c_str()); !text.empty())
        call.response.headers[name] = text;
    return call.request->on_response && !call.request->on_response(call.response) ? 1 : 0;
  });
}

int on_data(void* context, const char* data, std::size_t size) {
  Call& call = *static_cast<Call*>(context);
  return guarded(call, [&] {
    if (call.request->on_data) call.request->on_data({data, size});
    return 0;
  });
}

unsigned flags_of(const HttpRequest& request) {
  unsigned flags = 0;
  if (request.redirects == Redirects::refuse) flags |= mlops_curl_no_redirects;
  if (request.proxy == Proxy::none) flags |= mlops_curl_no_proxy;
  if (request.resend == Resend::never) flags |= mlops_curl_new_connection;
  if (request.body_file >= 0) flags |= mlops_curl_file_body;
  return flags;
}

// The shorter of the two limits, in milliseconds, at least 1; 0: there is none.
long time_limit_of(const HttpRequest& request) {
  auto limit = request.patience ? request.patience->left() : std::nullopt;
  if (request.time_limit.count() > 0) limit = std::min(limit.value_or(request.time_limit), request.time_limit);
  return limit ? std::max<long>(1, static_cast<long>(limit->count())) : 0;
}

HttpResult::End to_end(mlops_curl_failure failure) {
  switch (failure) {
    case mlops_curl_none:
      return HttpResult::End::answered;
    case mlops_curl_stopped:
      return HttpResult::End::stopped;
    case mlops_curl_connection:
      return HttpResult::End::connection;
    default:
      return HttpResult::End::refused;
  }
}

}  // namespace

struct HttpClient::Backend {
  mlops::Backend library{"curl"};
  mlops_curl_send_fn* send = library.function<mlops_curl_send_fn>("mlops_curl_send");
  mlops_curl_close_fn* close = library.function<mlops_curl_close_fn>("mlops_curl_close");
  void* client = library.function<mlops_curl_open_fn>("mlops_curl_open")();
  Backend() {
    if (!client) throw Error("curl cannot be started");
  }
  ~Backend() {
    if (client) close(client);
  }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
};

HttpClient::HttpClient(const Cancellation& cancellation, std::string ca_file, std::chrono::milliseconds stall)
    : cancellation_(cancellation), ca_file_(std::move(ca_file)), stall_(stall) {}
HttpClient::~HttpClient() = default;

HttpResult HttpClient::send(const HttpRequest& request) {
  cancellation_.check();
  if (request.patience) request.patience->check();
  if (!backend_) backend_ = std::make_unique<Backend>();
  std::vector<const char*> headers;
  for (const std::string& h : request.headers) headers.push_back(h.c_str());
  headers.push_back(nullptr);

  Call call{&request, {}, {}};
  mlops_curl_request r{};
  r.url = request.url.c_str();
  r.method = request.method.c_str();
  r.body = request.body ? request.body->data() : nullptr;
  r.body_size = request.body ? request.body->size() : 0;
  if (request.body_file >= 0) r.body_size = static_cast<std::size_t>(request.body_file_size);
  r.body_fd = request.body_file;
  r.unix_socket = request.unix_socket.empty() ? nullptr : request.unix_socket.c_str();
  r.flags = flags_of(request);
  r.user_agent = "mlops-agent/" MLOPS_VERSION;
  r.ca_file = ca_file_.empty() ? nullptr : ca_file_.c_str();
  r.headers = headers.data();
  r.connect_timeout_ms = static_cast<long>(request.connect_limit.count());
  r.stall_seconds = static_cast<long>(std::chrono::ceil<std::chrono::seconds>(stall_).count());
  r.timeout_ms = time_limit_of(request);
  r.cancel_fd = cancellation_.fd();
  r.context = &call;
  r.on_response = on_response;
  r.on_data = on_data;
  mlops_curl_result result{};
  backend_->send(backend_->client, &r, &result);

  if (call.thrown) std::rethrow_exception(call.thrown);
  if (result.failure == mlops_curl_cancelled) throw Error("interrupted", ErrorKind::cancelled);
  if (result.failure == mlops_curl_connection && request.patience) request.patience->check();
  if (result.failure == mlops_curl_stalled)
    return {HttpResult::End::connection, std::move(call.response),
            fmt::format("it moved no byte for {}", duration_text(static_cast<std::uint64_t>(stall_.count()))),
            true, result.sent != 0};
  return {to_end(result.failure), std::move(call.response), result.message, false, result.sent != 0};
}

HttpAnswer HttpClient::ask(const HttpRequest& request, std::size_t most) {
  struct TooLarge {};
  HttpAnswer answer;
  HttpRequest collecting = request;
  collecting.on_response = [&](const HttpResponse& response) {
    answer.result.response = response;
    return true;
  };
  collecting.on_data = [&](std::string_view bytes) {
    if (answer.body.size() + bytes.size() > most) throw TooLarge();
    answer.body += bytes;
  };
  try {
    answer.result = send(collecting);
  } catch (const TooLarge&) {
    answer.result.end = HttpResult::End::refused;
    answer.result.cause = fmt::format("it answered more than {} bytes", most);
    answer.result.sent = true;
  }
  return answer;
}

std::string http_status_text(long status) {
  static constexpr std::array<std::pair<long, const char*>, 16> words{{{200, "OK"},
                                                                       {206, "Partial Content"},
                                                                       {304, "Not Modified"},
                                                                       {400, "Bad Request"},
                                                                       {401, "Unauthorized"},
                                                                       {403, "Forbidden"},
                                                                       {404, "Not Found"},
                                                                       {407, "Proxy Authentication Required"},
                                                                       {408, "Request Timeout"},
                                                                       {410, "Gone"},
                                                                       {416, "Range Not Satisfiable"},
                                                                       {429, "Too Many Requests"},
                                                                       {500, "Internal Server Error"},
                                                                       {502, "Bad Gateway"},
                                                                       {503, "Service Unavailable"},
                                                                       {504, "Gateway Timeout"}}};
  for (const auto& [number, text] : words)
    if (number == status) return fmt::format("{} {}", number, text);
  return std::to_string(status);
}

}  // namespace mlops
