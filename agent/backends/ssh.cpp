// ssh through libssh: key exchange and authentication on the calling thread, then a thread that serves the
// connection.
#include <libssh/libssh.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>

#include "backends/ssh/session.hpp"
#include "backends/ssh/stream.hpp"

using namespace mlops;
using namespace mlops::ssh;

struct mlops_ssh_program {
  std::shared_ptr<Program> program;
};

namespace {

std::once_flag initialised;

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT mlops_ssh_open_fn mlops_ssh_open;
EXPORT mlops_ssh_get_host_key_fn mlops_ssh_get_host_key;
EXPORT mlops_ssh_serve_fn mlops_ssh_serve;
EXPORT mlops_ssh_run_fn mlops_ssh_run;
EXPORT mlops_ssh_forward_fn mlops_ssh_forward;
EXPORT mlops_ssh_listen_fn mlops_ssh_listen;
EXPORT mlops_ssh_unlisten_fn mlops_ssh_unlisten;
EXPORT mlops_ssh_join_fn mlops_ssh_join;
EXPORT mlops_ssh_answers_fn mlops_ssh_answers;
EXPORT mlops_ssh_lost_fn mlops_ssh_lost_reason;
EXPORT mlops_ssh_lost_descriptor_fn mlops_ssh_lost_descriptor;
EXPORT mlops_ssh_end_fn mlops_ssh_end;
EXPORT mlops_ssh_close_fn mlops_ssh_close;
EXPORT mlops_ssh_wait_fn mlops_ssh_wait;
EXPORT mlops_ssh_complaints_fn mlops_ssh_complaints;
EXPORT mlops_ssh_release_fn mlops_ssh_release;

mlops_ssh_session* mlops_ssh_open(int fd, const char* user, const mlops_ssh_algorithms* algorithms,
                                  const mlops_ssh_patience* patience, mlops_ssh_result* result) {
  std::call_once(initialised, [] { ssh_init(); });
  auto s = std::make_unique<mlops_ssh_session>();
  s->socket = Handle(fd);
  s->session = ssh_new();
  shake_hands(*s, user, *algorithms, *patience, *result);
  return result->outcome == mlops_ssh_ok ? s.release() : nullptr;
}

void mlops_ssh_get_host_key(mlops_ssh_session* session, mlops_ssh_host_key* key) {
  *key = {session->host_key_type.c_str(), session->host_key.c_str()};
}

int mlops_ssh_serve(mlops_ssh_session* session, int lost_after_ms) {
  session->service = std::make_unique<Service>(session->session, session->socket.get(),
                                               std::chrono::milliseconds(lost_after_ms));
  return session->service->start();
}

mlops_ssh_program* mlops_ssh_run(mlops_ssh_session* session, const char* command, int fd,
                                 mlops_ssh_result* result) {
  auto program = std::make_shared<Program>();
  Service& service = *session->service;
  Handle socket(fd);
  Wish wish;
  wish.begin = [&](Wish& w) {
    const ssh_channel channel = ssh_channel_new(session->session);
    if (!channel) return service.settle(w, mlops_ssh_unreached, service.error());
    auto stream = std::make_unique<Stream>(service, channel, ssh_channel_open_session, &w);
    stream->join(std::move(socket));
    stream->run_command(command, program);
    service.add(std::move(stream));
  };
  service.grant(wish);
  say(*result, wish.outcome, wish.message);
  return wish.outcome == mlops_ssh_ok ? new mlops_ssh_program{program} : nullptr;
}

void mlops_ssh_forward(mlops_ssh_session* session, int fd, const char* target, int port,
                       const mlops_ssh_forwarding* with, mlops_ssh_result* result) {
  Service& service = *session->service;
  Handle socket(fd);
  Forwarding forwarding(*with);
  Wish wish;
  wish.begin = [&](Wish& w) {
    const ssh_channel channel = ssh_channel_new(session->session);
    if (!channel) return service.settle(w, mlops_ssh_unreached, service.error());
    Stream::Open open = [host = std::string(target), port](ssh_channel c) {
      return port ? ssh_channel_open_forward(c, host.c_str(), port, "127.0.0.1", 0)
                  : ssh_channel_open_forward_unix(c, host.c_str(), "127.0.0.1", 0);
    };
    auto stream = std::make_unique<Stream>(service, channel, std::move(open), &w);
    stream->join(std::move(socket), std::move(forwarding));
    service.add(std::move(stream));
  };
  service.grant(wish);
  say(*result, wish.outcome, wish.message);
}

int mlops_ssh_listen(mlops_ssh_session* session, const char* address, int port, void* context,
                     int (*on_connection)(void* context, std::uint64_t connection), mlops_ssh_result* result) {
  Service& service = *session->service;
  Wish wish;
  wish.begin = [&](Wish& w) {
    service.listen(
        {address, port, [=](std::uint64_t connection) { return on_connection(context, connection) == 0; }}, w);
  };
  service.grant(wish);
  say(*result, wish.outcome, wish.message);
  return wish.port;
}

void mlops_ssh_unlisten(mlops_ssh_session* session, const char* address, int port) {
  Service& service = *session->service;
  Wish wish;
  wish.begin = [&](Wish& w) {
    service.unlisten(address, port);
    service.settle(w, mlops_ssh_ok);
  };
  service.grant(wish);
}

void mlops_ssh_join(mlops_ssh_session* session, std::uint64_t connection, int fd,
                    const mlops_ssh_forwarding* with) {
  Service& service = *session->service;
  Handle socket(fd);
  Forwarding forwarding(*with);
  Wish wish;
  wish.begin = [&](Wish& w) {
    if (Stream* const stream = service.taken(connection)) {
      if (socket)
        stream->join(std::move(socket), std::move(forwarding));
      else
        stream->close();
    }
    service.settle(w, mlops_ssh_ok);
  };
  service.grant(wish);
}

int mlops_ssh_answers(mlops_ssh_session* session, int milliseconds) {
  Service& service = *session->service;
  Wish wish;
  wish.begin = [&](Wish& w) { service.ask_for_life(w, std::chrono::milliseconds(milliseconds)); };
  service.grant(wish);
  return wish.outcome == mlops_ssh_ok;
}

int mlops_ssh_lost_reason(mlops_ssh_session* session, char* message, std::size_t size) {
  const auto reason = session->service->lost();
  if (reason) copy_words(message, size, *reason);
  return reason ? 1 : 0;
}

int mlops_ssh_lost_descriptor(mlops_ssh_session* session) { return session->service->lost_fd(); }

void mlops_ssh_end(mlops_ssh_session* session) { session->service->stop(); }

void mlops_ssh_close(mlops_ssh_session* session) { delete session; }

mlops_ssh_ending mlops_ssh_wait(mlops_ssh_program* handle, int* number, char* message, std::size_t size) {
  Program& program = *handle->program;
  std::unique_lock lock(program.mutex);
  program.changed.wait(lock, [&] { return program.ended; });
  *number = program.number;
  copy_words(message, size, program.refusal);
  return program.ending;
}

std::size_t mlops_ssh_complaints(mlops_ssh_program* handle, char* text, std::size_t size) {
  Program& program = *handle->program;
  const std::lock_guard lock(program.mutex);
  const std::size_t n = std::min(size, program.complaints.size());
  std::memcpy(text, program.complaints.data() + (program.complaints.size() - n), n);
  return n;
}

void mlops_ssh_release(mlops_ssh_program* program) { delete program; }
