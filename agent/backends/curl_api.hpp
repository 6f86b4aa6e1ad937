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
};

struct mlops_curl_request {
  const char* url;  // http or https
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
  char message[512];  // the cause as text; "" for none
};

// A client keeps connections between transfers; for one thread at a time. Null if out of memory.
typedef void* mlops_curl_open_fn();
typedef void mlops_curl_close_fn(void* client);
// Follows at most 10 redirects, never from https to http; checks certificates; honours the proxy variables.
typedef void mlops_curl_get_fn(void* client, const mlops_curl_request* request, mlops_curl_result* result);

}  // extern "C"
