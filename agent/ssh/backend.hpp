// The functions of the ssh backend, looked up once, and its session as a handle.
#pragma once

#include <memory>

#include "backends/ssh_api.hpp"
#include "base/backend.hpp"

namespace mlops {

struct SshBackend {
  Backend library{"ssh"};
  mlops_ssh_open_fn* open = library.function<mlops_ssh_open_fn>("mlops_ssh_open");
  mlops_ssh_get_host_key_fn* get_host_key =
      library.function<mlops_ssh_get_host_key_fn>("mlops_ssh_get_host_key");
  mlops_ssh_get_methods_fn* get_methods = library.function<mlops_ssh_get_methods_fn>("mlops_ssh_get_methods");
  mlops_ssh_try_none_fn* try_none = library.function<mlops_ssh_try_none_fn>("mlops_ssh_try_none");
  mlops_ssh_try_key_fn* try_key = library.function<mlops_ssh_try_key_fn>("mlops_ssh_try_key");
  mlops_ssh_use_agent_fn* use_agent = library.function<mlops_ssh_use_agent_fn>("mlops_ssh_use_agent");
  mlops_ssh_try_agent_fn* try_agent = library.function<mlops_ssh_try_agent_fn>("mlops_ssh_try_agent");
  mlops_ssh_try_password_fn* try_password =
      library.function<mlops_ssh_try_password_fn>("mlops_ssh_try_password");
  mlops_ssh_try_interactive_fn* try_interactive =
      library.function<mlops_ssh_try_interactive_fn>("mlops_ssh_try_interactive");
  mlops_ssh_get_banner_fn* get_banner = library.function<mlops_ssh_get_banner_fn>("mlops_ssh_get_banner");
  mlops_ssh_serve_fn* serve = library.function<mlops_ssh_serve_fn>("mlops_ssh_serve");
  mlops_ssh_run_fn* run = library.function<mlops_ssh_run_fn>("mlops_ssh_run");
  mlops_ssh_forward_fn* forward = library.function<mlops_ssh_forward_fn>("mlops_ssh_forward");
  mlops_ssh_listen_fn* listen = library.function<mlops_ssh_listen_fn>("mlops_ssh_listen");
  mlops_ssh_unlisten_fn* unlisten = library.function<mlops_ssh_unlisten_fn>("mlops_ssh_unlisten");
  mlops_ssh_join_fn* join = library.function<mlops_ssh_join_fn>("mlops_ssh_join");
  mlops_ssh_answers_fn* answers = library.function<mlops_ssh_answers_fn>("mlops_ssh_answers");
  mlops_ssh_lost_descriptor_fn* lost_descriptor =
      library.function<mlops_ssh_lost_descriptor_fn>("mlops_ssh_lost_descriptor");
  mlops_ssh_end_fn* end = library.function<mlops_ssh_end_fn>("mlops_ssh_end");
  mlops_ssh_lost_fn* lost = library.function<mlops_ssh_lost_fn>("mlops_ssh_lost_reason");
  mlops_ssh_close_fn* close = library.function<mlops_ssh_close_fn>("mlops_ssh_close");
  mlops_ssh_wait_fn* wait = library.function<mlops_ssh_wait_fn>("mlops_ssh_wait");
  mlops_ssh_complaints_fn* complaints = library.function<mlops_ssh_complaints_fn>("mlops_ssh_complaints");
  mlops_ssh_release_fn* release = library.function<mlops_ssh_release_fn>("mlops_ssh_release");
  mlops_ssh_make_key_fn* make_key = library.function<mlops_ssh_make_key_fn>("mlops_ssh_make_key");
  mlops_ssh_public_half_fn* public_half = library.function<mlops_ssh_public_half_fn>("mlops_ssh_public_half");
  mlops_ssh_free_key_pair_fn* free_key_pair =
      library.function<mlops_ssh_free_key_pair_fn>("mlops_ssh_free_key_pair");
};

// A session, or a program, released at the end of its scope.
template <class T>
using SshOwned = std::unique_ptr<T, void (*)(T*)>;

}  // namespace mlops
