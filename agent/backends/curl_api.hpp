// What the curl backend offers: one HTTP transfer at a time, in plain C types. No exception crosses this
// boundary in either direction.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// The answer's head, after redirects. Texts are "" when the header is absent, and live as long as the callback.
struct mlops_curl_response {
  long status;
  const char* url;  // that answered
  const char *etag, *last_modified, *content_range;
  std::int64_t content_length;  // -1: not said
  std::int64_t retry_after;     // seconds; 0: not said
};

struct mlops_curl_request {
  const char* url;  // http or https
  const char* user_agent;
  const char* ca_file;         // certificates to trust; null: the system's
  const char* const* headers;  // "Name: value", the last is null
  long connect_timeout_ms;
  long stall_seconds;  // under one byte a second for so long ends it
  long timeout_ms;     // for all of it, with what it is redirected to; 0: none
  int cancel_fd;       // ends it when it becomes readable; -1: none

  void* context;  // for the callbacks; each ends the transfer by returning non-zero
  int (*on_response)(void* context, const mlops_curl_response* response);  // once, before the body
  int (*on_data)(void* context, const char* data, std::size_t size);
};

enum mlops_curl_failure {
  mlops_curl_none,        // an answer came whole, whatever its status
  mlops_curl_stopped,     // by a callback
  mlops_curl_cancelled,   // by cancel_fd
  mlops_curl_connection,  // not reached, cut, or timed out: worth another try
  mlops_curl_stalled,     // no byte came for stall_seconds: so is this
  mlops_curl_refused,     // certificate, redirect or protocol: another try would end the same way
};

struct mlops_curl_result {
  mlops_curl_failure failure;
  char message[512];  // the cause in words; "" for none
};

// A client keeps connections between transfers; for one thread at a time. Null when there is no memory.
typedef void* mlops_curl_open_fn();
typedef void mlops_curl_close_fn(void* client);
// Follows at most 10 redirects, never from https to http; checks certificates; honours the proxy variables.
typedef void mlops_curl_get_fn(void* client, const mlops_curl_request* request, mlops_curl_result* result);

}  // extern "C"
