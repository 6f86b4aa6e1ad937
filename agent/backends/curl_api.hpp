// The interface of the curl backend: one HTTP transfer at a time, in plain C types. No exception crosses this
// boundary in either direction.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// The response's head, after redirects. Texts are "" if the header is absent, and live as long as the callback.
struct mlops_curl_response {
  long status;
  const char* url;  // that responded
  const char *etag, *last_modified, *content_range;
  std::int64_t content_length;  // -1: not sent
  std::int64_t retry_after;     // seconds; 0: not sent
  // Of any header, by name: "" if it is absent. transfer is its argument.
  const char* (*header)(void* transfer, const char* name);
  void* transfer;
};

enum mlops_curl_flags {
  mlops_curl_no_redirects = 1,    // a redirect is a response like any other
  mlops_curl_no_proxy = 2,        // the proxy variables are ignored
  mlops_curl_new_connection = 4,  // libcurl repeats a request that a reused connection lost; not on a new one
  mlops_curl_file_body = 8,       // the body is body_fd's
};

struct mlops_curl_request {
  const char* url;     // http or https
  const char* method;  // "GET", …
  const char* body;    // sent as it is, without Expect: 100-continue; null: none
  std::size_t body_size;
  int body_fd;              // with mlops_curl_file_body: a regular file, read from its begin; body_size bytes
  const char* unix_socket;  // that is connected to, whatever the URL's host is; null: none
  unsigned flags;           // of mlops_curl_flags
  const char* user_agent;
  const char* ca_file;         // certificates to trust; null: the system's
  const char* const* headers;  // "Name: value", the last is null
  long connect_timeout_ms;
  long stall_seconds;  // less than one byte per second for this long ends it
  long timeout_ms;     // total, including redirects; 0: none
  int cancel_fd;       // ends it when it becomes readable; -1: none

  void* context;  // for the callbacks; each ends the transfer by returning non-zero
  int (*on_response)(void* context, const mlops_curl_response* response);  // once, before the body
  int (*on_data)(void* context, const char* data, std::size_t size);
};

enum mlops_curl_failure {
  mlops_curl_none,        // a complete response, whatever its status
  mlops_curl_stopped,     // by a callback
  mlops_curl_cancelled,   // by cancel_fd
  mlops_curl_connection,  // not reached, interrupted, or timed out: worth a retry
  mlops_curl_stalled,     // no byte arrived for stall_seconds: likewise
  mlops_curl_refused,     // certificate, redirect or protocol: a retry would fail the same way
};

struct mlops_curl_result {
  mlops_curl_failure failure;
  int sent;           // 0: of a failed transfer: nothing of the request left this machine
  char message[512];  // the cause as text; "" for none
};

// A client keeps connections between transfers; for one thread at a time. Null if out of memory.
typedef void* mlops_curl_open_fn();
typedef void mlops_curl_close_fn(void* client);
// Follows at most 10 redirects, never from https to http; checks certificates; honours the proxy variables.
typedef void mlops_curl_send_fn(void* client, const mlops_curl_request* request, mlops_curl_result* result);

}  // extern "C"
