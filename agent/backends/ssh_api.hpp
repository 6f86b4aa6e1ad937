// What the ssh backend offers: one ssh connection over a socket that is connected already, in plain C types. No
// exception crosses this boundary in either direction. Who is trusted and what is tried is decided by the
// caller.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

enum mlops_ssh_outcome {
  mlops_ssh_ok,
  mlops_ssh_denied,     // the host says no
  mlops_ssh_unreached,  // the host has tried, and what was wanted does not answer
  mlops_ssh_partial,    // accepted, and more is asked for
  mlops_ssh_locked,     // the host would take this key, but it has a passphrase that was not given or is wrong
  mlops_ssh_unusable,   // a key that cannot be read or used here
  mlops_ssh_lost,       // the connection broke, or the protocol did
  mlops_ssh_timed_out,  // and the connection is of no more use
  mlops_ssh_cancelled,  // by cancel_fd; likewise
};

struct mlops_ssh_result {
  mlops_ssh_outcome outcome;
  char message[1024];  // in words; "" for ok
};

// How long a call may take.
struct mlops_ssh_patience {
  int timeout_ms;  // -1: for ever
  int cancel_fd;   // ends it when it becomes readable; -1: none
};

// Lists with commas, best first; what libssh does not know is left out. Null or "": libssh's own.
struct mlops_ssh_algorithms {
  const char *key_exchange, *host_keys, *ciphers, *macs, *public_keys;
  int compression;
  int least_rsa_bits;  // 0: libssh's own
};

enum mlops_ssh_method {
  mlops_ssh_public_key = 1,
  mlops_ssh_password = 2,
  mlops_ssh_interactive = 4,
};

struct mlops_ssh_host_key {
  const char* type;    // "ssh-ed25519"
  const char* base64;  // as it stands in known_hosts; both live as long as the session
};

struct mlops_ssh_key {
  const char* path;         // of the private key; PATH.pub is read where the private one is locked
  const char* certificate;  // a file; null: none
  const char* passphrase;   // null: none
};

// A round of keyboard-interactive's questions. answer is called for each; it returns a text made by malloc, or
// null to give up.
struct mlops_ssh_prompter {
  void* context;
  char* (*answer)(void* context, const char* name, const char* instruction, const char* prompt, int echo);
};

// What goes along with a joined socket.
struct mlops_ssh_forwarding {
  const char* greeting;  // written to the socket before anything that comes from the host
  std::size_t greeting_size;
  void* context;
  // Called as bytes pass (from the host: received). May be null.
  void (*count)(void* context, std::uint64_t sent, std::uint64_t received);
  void (*release)(void* context);  // both sides are closed; called once in any case, unless null
};

typedef struct mlops_ssh_session mlops_ssh_session;
typedef struct mlops_ssh_program mlops_ssh_program;

// ---- until the connection stands; for one thread
// -----------------------------------------------------------------

// Key exchange over the socket, which is taken in every case. Null when it failed.
typedef mlops_ssh_session* mlops_ssh_open_fn(int fd, const char* user, const mlops_ssh_algorithms* algorithms,
                                             const mlops_ssh_patience* patience, mlops_ssh_result* result);
typedef void mlops_ssh_get_host_key_fn(mlops_ssh_session* session, mlops_ssh_host_key* key);

// The methods that the host still takes, as mlops_ssh_method; known after the first denied or partial attempt.
typedef unsigned mlops_ssh_get_methods_fn(mlops_ssh_session* session);
// Asks for nothing: the host tells its methods, or lets everybody in.
typedef void mlops_ssh_try_none_fn(mlops_ssh_session* session, const mlops_ssh_patience* patience,
                                   mlops_ssh_result* result);
// A key without a passphrase, or whose passphrase is given, is signed with at once: one round trip. The public
// half of a locked one is offered first: `locked` says that the host would take it.
typedef void mlops_ssh_try_key_fn(mlops_ssh_session* session, const mlops_ssh_key* key,
                                  const mlops_ssh_patience* patience, mlops_ssh_result* result);
// The socket of an agent (draft-miller-ssh-agent), which is taken, for the attempts that follow.
typedef void mlops_ssh_use_agent_fn(mlops_ssh_session* session, int agent_fd);
// Offers each key that the agent lists now, and has it sign what the host takes: two round trips a key. What
// the agent takes to sign does not count as patience.
typedef void mlops_ssh_try_agent_fn(mlops_ssh_session* session, const mlops_ssh_patience* patience,
                                    mlops_ssh_result* result);
typedef void mlops_ssh_try_password_fn(mlops_ssh_session* session, const char* password,
                                       const mlops_ssh_patience* patience, mlops_ssh_result* result);
// patience holds for each wait for the host, not for the answers.
typedef void mlops_ssh_try_interactive_fn(mlops_ssh_session* session, const mlops_ssh_prompter* prompter,
                                          const mlops_ssh_patience* patience, mlops_ssh_result* result);
// What the host shows before it lets in; "" for nothing. As long as the session.
typedef const char* mlops_ssh_get_banner_fn(mlops_ssh_session* session);

// ---- the standing connection; from any thread
// ------------------------------------------------------------------------

// Starts the thread that serves the connection; it counts as lost after so long without a sign of life, which
// is asked for when a third of that was quiet. True when it could.
typedef int mlops_ssh_serve_fn(mlops_ssh_session* session, int lost_after_ms);
// Runs a command; fd is joined to its input and output, and taken. Null when the host refuses a channel.
typedef mlops_ssh_program* mlops_ssh_run_fn(mlops_ssh_session* session, const char* command, int fd,
                                            mlops_ssh_result* result);
// Joins the socket, which is taken, to a TCP port, or with port 0 to a Unix socket. Waits for the host's
// answer.
typedef void mlops_ssh_forward_fn(mlops_ssh_session* session, int fd, const char* target, int port,
                                  const mlops_ssh_forwarding* forwarding, mlops_ssh_result* result);
// Has the host take connections at the port, 0 for any: returns the port. on_connection is told of each, on the
// serving thread, with a number for join; other than 0 from it refuses the connection. 0 when the host refuses.
typedef int mlops_ssh_listen_fn(mlops_ssh_session* session, const char* address, int port, void* context,
                                int (*on_connection)(void* context, std::uint64_t connection),
                                mlops_ssh_result* result);
// Once it has returned, on_connection is not called any more.
typedef void mlops_ssh_unlisten_fn(mlops_ssh_session* session, const char* address, int port);
// Joins a connection that the host took to the socket, which is taken; -1: closes it.
typedef void mlops_ssh_join_fn(mlops_ssh_session* session, std::uint64_t connection, int fd,
                               const mlops_ssh_forwarding* forwarding);
// Whether a sign of life that was asked for now comes within the time.
typedef int mlops_ssh_answers_fn(mlops_ssh_session* session, int milliseconds);
// Why the connection is lost: 0 while it stands.
typedef int mlops_ssh_lost_fn(mlops_ssh_session* session, char* message, std::size_t size);
// Becomes readable when it is lost. Owned by the session.
typedef int mlops_ssh_lost_descriptor_fn(mlops_ssh_session* session);
// Ends the connection and its thread: lost from then on. Not on the serving thread.
typedef void mlops_ssh_end_fn(mlops_ssh_session* session);
// Ends it and gives the session back. Programs may outlive it.
typedef void mlops_ssh_close_fn(mlops_ssh_session* session);

// ---- programs; from any thread
// ---------------------------------------------------------------------------------------

enum mlops_ssh_ending {
  mlops_ssh_exited,   // number: the status
  mlops_ssh_killed,   // number: the signal
  mlops_ssh_refused,  // the host would not run it
  mlops_ssh_unknown,  // the connection was lost, or the channel was closed first
};
// Waits for the program's end. The text is filled for refused.
typedef mlops_ssh_ending mlops_ssh_wait_fn(mlops_ssh_program* program, int* number, char* message,
                                           std::size_t size);
// Copies the last bytes that came on stderr, at most size; returns how many.
typedef std::size_t mlops_ssh_complaints_fn(mlops_ssh_program* program, char* text, std::size_t size);
typedef void mlops_ssh_release_fn(mlops_ssh_program* program);

}  // extern "C"
