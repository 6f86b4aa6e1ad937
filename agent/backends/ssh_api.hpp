// The interface of the ssh backend: one ssh connection over a connected socket, in plain C types. No exception
// crosses this boundary in either direction. The caller decides which hosts to trust and what to try.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

enum mlops_ssh_outcome {
  mlops_ssh_ok,
  mlops_ssh_denied,     // the host refused
  mlops_ssh_unreached,  // the host tried, and the target does not respond
  mlops_ssh_partial,    // accepted, and more is required
  mlops_ssh_locked,     // the host would accept this key, but its passphrase is missing or wrong
  mlops_ssh_unusable,   // a key that cannot be read or used here
  mlops_ssh_lost,       // the connection broke, or the protocol did
  mlops_ssh_timed_out,  // and the connection cannot be used any more
  mlops_ssh_cancelled,  // by cancel_fd; likewise
};

struct mlops_ssh_result {
  mlops_ssh_outcome outcome;
  char message[1024];  // as text; "" for ok
};

// The time limit of a call.
struct mlops_ssh_patience {
  int timeout_ms;  // -1: for ever
  int cancel_fd;   // ends it when it becomes readable; -1: none
};

// Comma-separated lists, best first; names that libssh does not know are left out. Null or "": libssh's
// default.
struct mlops_ssh_algorithms {
  const char *key_exchange, *host_keys, *ciphers, *macs, *public_keys;
  int compression;
  int least_rsa_bits;  // 0: libssh's default
};

enum mlops_ssh_method {
  mlops_ssh_public_key = 1,
  mlops_ssh_password = 2,
  mlops_ssh_interactive = 4,
};

struct mlops_ssh_host_key {
  const char* type;    // "ssh-ed25519"
  const char* base64;  // as in known_hosts; both live as long as the session
};

struct mlops_ssh_key {
  const char* path;         // of the private key; PATH.pub is read if the private one is locked
  const char* certificate;  // a file; null: none
  const char* passphrase;   // null: none
};

// A round of keyboard-interactive's questions. answer is called for each; it returns a text allocated with
// malloc, or null to give up.
struct mlops_ssh_prompter {
  void* context;
  char* (*answer)(void* context, const char* name, const char* instruction, const char* prompt, int echo);
};

// The options of a joined socket.
struct mlops_ssh_forwarding {
  const char* greeting;  // written to the socket before any data from the host
  std::size_t greeting_size;
  void* context;
  // Called as bytes pass (from the host: received). May be null.
  void (*count)(void* context, std::uint64_t sent, std::uint64_t received);
  void (*release)(void* context);  // both sides are closed; called exactly once, unless null
};

typedef struct mlops_ssh_session mlops_ssh_session;
typedef struct mlops_ssh_program mlops_ssh_program;

// ---- until the connection is established; single-threaded ---------------------------------------------------

// Key exchange over the socket, of which it always takes ownership. Null on failure.
typedef mlops_ssh_session* mlops_ssh_open_fn(int fd, const char* user, const mlops_ssh_algorithms* algorithms,
                                             const mlops_ssh_patience* patience, mlops_ssh_result* result);
typedef void mlops_ssh_get_host_key_fn(mlops_ssh_session* session, mlops_ssh_host_key* key);

// The methods that the host still accepts, as mlops_ssh_method; known after the first denied or partial
// attempt.
typedef unsigned mlops_ssh_get_methods_fn(mlops_ssh_session* session);
// The "none" method: the host lists its methods, or accepts the login without any.
typedef void mlops_ssh_try_none_fn(mlops_ssh_session* session, const mlops_ssh_patience* patience,
                                   mlops_ssh_result* result);
// A key without a passphrase, or with a given one, is signed with at once: one round trip. The public half of a
// locked one is offered first: `locked` means that the host would accept it.
typedef void mlops_ssh_try_key_fn(mlops_ssh_session* session, const mlops_ssh_key* key,
                                  const mlops_ssh_patience* patience, mlops_ssh_result* result);
// The socket of an agent (draft-miller-ssh-agent), of which it takes ownership, for the attempts that follow.
typedef void mlops_ssh_use_agent_fn(mlops_ssh_session* session, int agent_fd);
// Offers each key that the agent lists now, and lets it sign if the host accepts: two round trips per key. The
// agent's signing time does not count against patience.
typedef void mlops_ssh_try_agent_fn(mlops_ssh_session* session, const mlops_ssh_patience* patience,
                                    mlops_ssh_result* result);
typedef void mlops_ssh_try_password_fn(mlops_ssh_session* session, const char* password,
                                       const mlops_ssh_patience* patience, mlops_ssh_result* result);
// patience applies to each wait for the host, not to the answers.
typedef void mlops_ssh_try_interactive_fn(mlops_ssh_session* session, const mlops_ssh_prompter* prompter,
                                          const mlops_ssh_patience* patience, mlops_ssh_result* result);
// The host's banner before the login; "" for none. Lives as long as the session.
typedef const char* mlops_ssh_get_banner_fn(mlops_ssh_session* session);

// ---- the established connection; thread-safe ---------------------------------------------------------------

// Starts the thread that serves the connection; it counts as lost after this long without a sign of life, which
// is requested after a third of that in silence. True on success.
typedef int mlops_ssh_serve_fn(mlops_ssh_session* session, int lost_after_ms);
// Runs a command; takes ownership of fd, and joins it to the command's input and output. Null if the host
// refuses a channel.
typedef mlops_ssh_program* mlops_ssh_run_fn(mlops_ssh_session* session, const char* command, int fd,
                                            mlops_ssh_result* result);
// Takes ownership of the socket, and joins it to a TCP port, or with port 0 to a Unix socket. Waits for the
// host's response.
typedef void mlops_ssh_forward_fn(mlops_ssh_session* session, int fd, const char* target, int port,
                                  const mlops_ssh_forwarding* forwarding, mlops_ssh_result* result);
// Lets the host listen at the port, 0 for any: returns the port. on_connection is called for each connection,
// on the serving thread, with a number for join; a result other than 0 refuses the connection. 0 if the host
// refuses.
typedef int mlops_ssh_listen_fn(mlops_ssh_session* session, const char* address, int port, void* context,
                                int (*on_connection)(void* context, std::uint64_t connection),
                                mlops_ssh_result* result);
// Once it has returned, on_connection is not called any more.
typedef void mlops_ssh_unlisten_fn(mlops_ssh_session* session, const char* address, int port);
// Joins a connection that the host accepted to the socket, of which it takes ownership; -1: closes it.
typedef void mlops_ssh_join_fn(mlops_ssh_session* session, std::uint64_t connection, int fd,
                               const mlops_ssh_forwarding* forwarding);
// Requests a sign of life: whether one comes within the time.
typedef int mlops_ssh_answers_fn(mlops_ssh_session* session, int milliseconds);
// Why the connection is lost: 0 while it is up.
typedef int mlops_ssh_lost_fn(mlops_ssh_session* session, char* message, std::size_t size);
// Becomes readable when it is lost. Owned by the session.
typedef int mlops_ssh_lost_descriptor_fn(mlops_ssh_session* session);
// Ends the connection and its thread: lost from then on. Not on the serving thread.
typedef void mlops_ssh_end_fn(mlops_ssh_session* session);
// Ends it and frees the session. Programs may outlive it.
typedef void mlops_ssh_close_fn(mlops_ssh_session* session);

// ---- programs; thread-safe ------------------------------------------------------------------------------

enum mlops_ssh_ending {
  mlops_ssh_exited,   // number: the status
  mlops_ssh_killed,   // number: the signal
  mlops_ssh_refused,  // the host refused to run it
  mlops_ssh_unknown,  // the connection was lost, or the channel was closed first
};
// Waits for the program's end. The text is filled for refused.
typedef mlops_ssh_ending mlops_ssh_wait_fn(mlops_ssh_program* program, int* number, char* message,
                                           std::size_t size);
// Copies the last bytes received on stderr, at most size; returns how many.
typedef std::size_t mlops_ssh_complaints_fn(mlops_ssh_program* program, char* text, std::size_t size);
typedef void mlops_ssh_release_fn(mlops_ssh_program* program);

// ---- keys; without a session ----------------------------------------------------------------------------

struct mlops_ssh_key_pair {
  char* private_key;  // as in a file, without a passphrase; null: none
  char* public_key;   // "TYPE BASE64"; null: none
};
// type: "ssh-ed25519", "ssh-rsa" (of these bits). What it fills in is for free_key_pair, on failure too.
typedef void mlops_ssh_make_key_fn(const char* type, int bits, mlops_ssh_key_pair* into,
                                   mlops_ssh_result* result);
// Fills in public_key, from the text of a private key file.
typedef void mlops_ssh_public_half_fn(const char* private_key, mlops_ssh_key_pair* into,
                                      mlops_ssh_result* result);
// Overwrites the private key before it is freed.
typedef void mlops_ssh_free_key_pair_fn(mlops_ssh_key_pair* pair);

}  // extern "C"
