// HTTP through libcurl. The multi interface is used for a single transfer, so that a descriptor can end it at
// once.
#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>

#include "backends/curl_api.hpp"

namespace {

constexpr int max_redirects = 10;

struct Client {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
};

// The state of one transfer, for the callbacks.
struct Transfer {
  const mlops_curl_request* request;
  CURL* easy;
  bool responded = false;  // on_response was called
  bool stopped = false;    // by a callback
  off_t sent = 0;          // bytes of body_fd
};

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

const char* header(CURL* easy, const char* name) {
  curl_header* found = nullptr;
  return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
}

// Whether the response is only a redirect.
bool redirects(CURL* easy) { return is_redirect(status_of(easy)) && header(easy, "Location")[0] != '\0'; }

// The redirect's target; known when the transfer has ended.
const char* redirect_of(CURL* easy) {
  char* url = nullptr;
  if (redirects(easy)) curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &url);
  return url;
}

// Passes the response's head to the caller, once. False if the caller wants no more.
bool respond(Transfer& t) {
  if (t.responded) return true;
  t.responded = true;
  mlops_curl_response response{};
  response.status = status_of(t.easy);
  char* url = nullptr;
  curl_easy_getinfo(t.easy, CURLINFO_EFFECTIVE_URL, &url);
  response.url = url ? url : t.request->url;
  response.etag = header(t.easy, "ETag");
  response.last_modified = header(t.easy, "Last-Modified");
  response.content_range = header(t.easy, "Content-Range");
  curl_off_t length = -1, wait = 0;
  curl_easy_getinfo(t.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  curl_easy_getinfo(t.easy, CURLINFO_RETRY_AFTER, &wait);
  response.content_length = length;
  response.retry_after = wait;
  response.header = [](void* transfer, const char* name) {
    return header(static_cast<Transfer*>(transfer)->easy, name);
  };
  response.transfer = &t;
  t.stopped = t.request->on_response(t.request->context, &response) != 0;
  return !t.stopped;
}

bool follows(const Transfer& t) { return !(t.request->flags & mlops_curl_no_redirects); }

// CURLOPT_WRITEFUNCTION: returning another count than given ends the transfer. A followed redirect's body is
// ignored.
std::size_t write(char* data, std::size_t, std::size_t size, void* context) {
  Transfer& t = *static_cast<Transfer*>(context);
  if (follows(t) && redirects(t.easy)) return size;
  if (!respond(t)) return size + 1;
  t.stopped = t.request->on_data(t.request->context, data, size) != 0;
  return t.stopped ? size + 1 : size;
}

bool is_https(const char* url) { return strncasecmp(url, "https:", 6) == 0; }

// CURLOPT_READFUNCTION, for a body that is a file.
std::size_t read_body(char* into, std::size_t, std::size_t size, void* context) {
  Transfer& t = *static_cast<Transfer*>(context);
  ssize_t got = -1;
  do got = pread(t.request->body_fd, into, size, t.sent);
  while (got < 0 && errno == EINTR);
  if (got < 0) return CURL_READFUNC_ABORT;
  t.sent += got;
  return static_cast<std::size_t>(got);
}

void prepare_file_body(CURL* easy, Transfer& t) {
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(t.request->body_size));
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, &t);
}

void prepare_request(CURL* easy, Transfer& t) {
  const mlops_curl_request& r = *t.request;
  if (r.flags & mlops_curl_file_body) prepare_file_body(easy, t);
  if (r.unix_socket) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r.unix_socket);
  if (r.body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body_size));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r.body);
  }
  if (r.body || std::strcmp(r.method, "GET") != 0) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method);
  if (r.flags & mlops_curl_no_proxy) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (r.flags & mlops_curl_new_connection) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void prepare(CURL* easy, Transfer& t, curl_slist* headers, char* message) {
  const mlops_curl_request& r = *t.request;
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, r.url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, r.user_agent);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, r.connect_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, r.stall_seconds);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (r.ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, r.ca_file);
  prepare_request(easy, t);
}

mlops_curl_failure kind_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return mlops_curl_none;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_AGAIN:
    case CURLE_HTTP2_STREAM:
    case CURLE_PROXY:
      return mlops_curl_connection;
    default:
      return mlops_curl_refused;
  }
}

void fail(mlops_curl_result& result, mlops_curl_failure failure, const char* cause) {
  result.failure = failure;
  std::snprintf(result.message, sizeof result.message, "%s", cause);
}

// Runs the prepared transfer to its end. CURLE_ABORTED_BY_CALLBACK if cancelled.
CURLcode run(Client& client, int cancel_fd) {
  curl_multi_add_handle(client.multi, client.easy);
  CURLcode code = CURLE_OK;
  for (int running = 1;;) {
    if (curl_multi_perform(client.multi, &running) != CURLM_OK) code = CURLE_OUT_OF_MEMORY;
    if (code != CURLE_OK || running == 0) break;
    curl_waitfd cancel{cancel_fd, CURL_WAIT_POLLIN, 0};
    if (curl_multi_poll(client.multi, &cancel, cancel_fd < 0 ? 0 : 1, 1000, nullptr) != CURLM_OK)
      code = CURLE_OUT_OF_MEMORY;
    if (cancel.revents != 0) code = CURLE_ABORTED_BY_CALLBACK;
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(client.multi, &left))
    if (message->msg == CURLMSG_DONE && code == CURLE_OK) code = message->data.result;
  curl_multi_remove_handle(client.multi, client.easy);
  return code;
}

// libcurl has one code for all timeouts.
bool stalled(CURLcode code, const char* message) {
  return code == CURLE_OPERATION_TIMEDOUT && std::string_view(message).starts_with("Operation too slow");
}

void report(mlops_curl_result& result, const Transfer& t, CURLcode code, const char* message) {
  if (t.stopped) return fail(result, mlops_curl_stopped, "");
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(result, mlops_curl_cancelled, "interrupted");
  if (stalled(code, message)) return fail(result, mlops_curl_stalled, message);
  if (code != CURLE_OK) fail(result, kind_of(code), message[0] ? message : curl_easy_strerror(code));
}

// Whether the transfer got as far as sending its request.
bool was_sent(CURL* easy) {
  curl_off_t ready_us = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  return ready_us > 0;
}

// The redirect's target; null if the response is not a redirect, or must not be followed.
char* next_place(CURL* easy, const char* from, int followed, mlops_curl_result& result) {
  const char* to = redirect_of(easy);
  if (!to) return nullptr;
  if (followed == max_redirects) {
    fail(result, mlops_curl_refused, "more than 10 redirects");
    return nullptr;
  }
  if (is_https(from) && !is_https(to)) {
    fail(result, mlops_curl_refused, "");
    std::snprintf(result.message, sizeof result.message, "it redirects from https to %s", to);
    return nullptr;
  }
  return strdup(to);
}

void send(Client& client, const mlops_curl_request& request, curl_slist* headers, mlops_curl_result& result) {
  Transfer t{&request, client.easy};
  char message[CURL_ERROR_SIZE] = "";
  prepare(client.easy, t, headers, message);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(request.timeout_ms);
  char* place = nullptr;
  for (int followed = 0;; ++followed) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (request.timeout_ms > 0)
      curl_easy_setopt(client.easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<decltype(left)>(1, left)));
    if (place) curl_easy_setopt(client.easy, CURLOPT_URL, place);
    const CURLcode code = run(client, request.cancel_fd);
    report(result, t, code, message);
    result.sent = followed > 0 || code == CURLE_SEND_ERROR || was_sent(client.easy);
    if (result.failure != mlops_curl_none || !follows(t)) break;
    char* next = next_place(client.easy, place ? place : request.url, followed, result);
    if (!next) break;
    std::free(place);
    place = next;
  }
  std::free(place);
  // A response without a body.
  if (result.failure == mlops_curl_none && !respond(t)) fail(result, mlops_curl_stopped, "");
}

std::once_flag initialised;

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT mlops_curl_open_fn mlops_curl_open;
EXPORT mlops_curl_close_fn mlops_curl_close;
EXPORT mlops_curl_send_fn mlops_curl_send;

void* mlops_curl_open() {
  std::call_once(initialised, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  Client client{curl_multi_init(), curl_easy_init()};
  if (!client.multi || !client.easy) {
    curl_easy_cleanup(client.easy);
    curl_multi_cleanup(client.multi);
    return nullptr;
  }
  return new Client(client);
}

void mlops_curl_close(void* client) {
  auto* const c = static_cast<Client*>(client);
  curl_easy_cleanup(c->easy);
  curl_multi_cleanup(c->multi);
  delete c;
}

void mlops_curl_send(void* client, const mlops_curl_request* request, mlops_curl_result* result) {
  *result = {};
  curl_slist* headers = nullptr;
  for (const char* const* h = request->headers; *h; ++h) headers = curl_slist_append(headers, *h);
  if (request->body || request->flags & mlops_curl_file_body) headers = curl_slist_append(headers, "Expect:");
  send(*static_cast<Client*>(client), *request, headers, *result);
  curl_slist_free_all(headers);
}
