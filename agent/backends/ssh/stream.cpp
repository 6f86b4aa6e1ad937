#include "backends/ssh/stream.hpp"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "backends/ssh/service.hpp"

namespace mlops::ssh {
namespace {

// libssh's packets are at most the host's limit less 10 bytes; OpenSSH's limit is 32 KiB.
constexpr std::size_t packet = 32768 - 10;
constexpr std::size_t piece = 4 * packet;
// The receive window for a fast reader, as large as OpenSSH's. libssh's own 1.2 MiB reaches two thirds of the
// speed over a connection with high latency.
constexpr std::size_t window = 2 << 20;
constexpr std::size_t complaints_kept = 64 << 10;

int signal_number(const char* name) {
  // RFC 4254 section 6.10.
  static constexpr std::array<std::pair<const char*, int>, 13> names{{{"ABRT", SIGABRT},
                                                                      {"ALRM", SIGALRM},
                                                                      {"FPE", SIGFPE},
                                                                      {"HUP", SIGHUP},
                                                                      {"ILL", SIGILL},
                                                                      {"INT", SIGINT},
                                                                      {"KILL", SIGKILL},
                                                                      {"PIPE", SIGPIPE},
                                                                      {"QUIT", SIGQUIT},
                                                                      {"SEGV", SIGSEGV},
                                                                      {"TERM", SIGTERM},
                                                                      {"USR1", SIGUSR1},
                                                                      {"USR2", SIGUSR2}}};
  for (const auto& [known, number] : names)
    if (std::string(known) == name) return number;
  return 127;
}

}  // namespace

void Program::finish(mlops_ssh_ending how, int with_number, std::string words) {
  const std::lock_guard lock(mutex);
  if (ended) return;
  ended = true;
  ending = how;
  number = with_number;
  refusal = std::move(words);
  changed.notify_all();
}

void Program::complain(const char* data, std::size_t size) {
  const std::lock_guard lock(mutex);
  complaints.append(data, size);
  if (complaints.size() > complaints_kept) complaints.erase(0, complaints.size() - complaints_kept);
}

// Called by libssh while it reads packets: the stream only records it, or writes to its own socket.
struct Stream::Callbacks {
  ssh_channel_callbacks_struct table{};

  explicit Callbacks(Stream& stream) {
    table.userdata = &stream;
    table.channel_data_function = [](ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr,
                                     void* s) {
      return static_cast<int>(
          static_cast<Stream*>(s)->take(static_cast<const char*>(data), size, is_stderr != 0));
    };
    table.channel_eof_function = [](ssh_session, ssh_channel, void* s) {
      static_cast<Stream*>(s)->down_ended_ = true;
    };
    table.channel_close_function = [](ssh_session, ssh_channel, void* s) {
      Stream& self = *static_cast<Stream*>(s);
      self.down_ended_ = self.closed_there_ = true;
    };
    table.channel_exit_status_function = [](ssh_session, ssh_channel, int status, void* s) {
      if (const auto& program = static_cast<Stream*>(s)->program_) program->finish(mlops_ssh_exited, status);
    };
    table.channel_exit_signal_function = [](ssh_session, ssh_channel, const char* signal, int, const char*,
                                            const char*, void* s) {
      if (const auto& program = static_cast<Stream*>(s)->program_)
        program->finish(mlops_ssh_killed, signal_number(signal));
    };
    ssh_callbacks_init(&table);
  }
};

Stream::Stream(Service& service, ssh_channel channel, Open open, Wish* wish)
    : service_(service),
      channel_(channel),
      open_(std::move(open)),
      wish_(wish),
      callbacks_(std::make_unique<Callbacks>(*this)) {
  ssh_set_channel_callbacks(channel_, &callbacks_->table);
}

Stream::Stream(Service& service, ssh_channel channel, std::uint64_t connection)
    : service_(service),
      channel_(channel),
      connection_(connection),
      callbacks_(std::make_unique<Callbacks>(*this)),
      state_(State::open) {
  ssh_set_channel_callbacks(channel_, &callbacks_->table);
}

Stream::~Stream() {
  if (program_) program_->finish(mlops_ssh_unknown, 0);
  if (!channel_) return;
  ssh_remove_channel_callbacks(channel_, &callbacks_->table);
  ssh_channel_free(channel_);
}

void Stream::join(Handle socket, Forwarding forwarding) {
  socket_ = std::move(socket);
  forwarding_ = std::move(forwarding);
  down_.assign(forwarding_.greeting.begin(), forwarding_.greeting.end());
}

void Stream::run_command(std::string command, std::shared_ptr<Program> program) {
  command_ = std::move(command);
  program_ = std::move(program);
}

void Stream::advance() {
  if (state_ == State::opening) {
    const int answer = open_(channel_);
    if (answer == SSH_AGAIN) return;
    if (answer != SSH_OK) return refuse();
    state_ = program_ ? State::asking : State::open;
    if (!program_) service_.settle(*std::exchange(wish_, nullptr), mlops_ssh_ok);
  }
  if (state_ == State::asking) {
    // Does not wait for the response: input may follow the request at once. A refusal shows as the program's
    // end.
    const int answer = ssh_channel_request_exec(channel_, command_.c_str());
    if (wish_) service_.settle(*std::exchange(wish_, nullptr), mlops_ssh_ok);
    if (answer == SSH_OK) state_ = State::open;
    if (answer == SSH_ERROR) {
      program_->finish(mlops_ssh_refused, 0, service_.error());
      down_broken_ = up_ended_ = true;
      up_.clear();
    }
  }
  if (pumps()) widen_window();
  end_when_done();
}

void Stream::refuse() {
  if (wish_) service_.settle_opening(*std::exchange(wish_, nullptr));
  close();
}

pollfd Stream::interest() const {
  if (!pumps()) return {-1, 0, 0};
  short events = 0;
  if (!up_ended_ && up_.empty() && ssh_channel_window_size(channel_) > 0) events |= POLLIN;
  if (!down_.empty() || waiting_ > 0) events |= POLLOUT;
  // Even without requested events, poll still reports that the other end is gone; while there is data left to
  // read that would repeat endlessly, so it is polled only afterwards. With both directions shut it reports
  // nothing.
  const bool watch = events != 0 || (up_ended_ && !down_broken_ && !down_end_given_);
  return {watch ? socket_.get() : -1, events, 0};
}

void Stream::serve(short events, std::size_t& budget) {
  if (!pumps()) return;
  if (events & POLLOUT) send_down();
  if (up_ended_ && (events & (POLLHUP | POLLERR | POLLNVAL))) down_broken_ = true;
  if (events & (POLLIN | POLLHUP | POLLERR)) send_up(budget);
  end_when_done();
}

void Stream::send_up(std::size_t& budget) {
  while (!up_ended_ && up_.empty() && budget > 0) {
    const std::size_t room = std::min<std::size_t>(ssh_channel_window_size(channel_), piece);
    if (room == 0) return;
    up_.resize(room);
    const ssize_t n = ::recv(socket_.get(), up_.data(), room, MSG_DONTWAIT);
    up_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) down_broken_ = true;
    if (n <= 0) {
      up_ended_ = true;
      return;
    }
    budget -= std::min(budget, up_.size());
    const int written = ssh_channel_write(channel_, up_.data(), static_cast<uint32_t>(up_.size()));
    if (written < 0) {
      up_.clear();
      up_ended_ = up_end_sent_ = true;  // the host has closed the channel
      return;
    }
    forwarding_.count(static_cast<std::uint64_t>(written), 0);
    up_.erase(up_.begin(), up_.begin() + written);
  }
}

// Data that libssh has read goes straight to the socket if nothing is queued before it. Returns how much was
// taken; libssh keeps the rest, and the host's window shrinks by as much.
std::size_t Stream::take(const char* data, std::size_t size, bool complaint) {
  if (complaint) {
    if (program_) program_->complain(data, size);
    return size;
  }
  if (down_broken_) return size;
  const std::size_t taken = pumps() && down_.empty() ? write_here(data, size) : 0;
  waiting_ = down_broken_ ? 0 : size - taken;
  passed_ += taken;
  return down_broken_ ? size : taken;
}

std::size_t Stream::write_here(const char* data, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::send(socket_.get(), data + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) down_broken_ = true;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  forwarding_.count(0, done);
  return done;
}

void Stream::send_down() {
  for (;;) {
    const std::size_t n = write_here(down_.data(), down_.size());
    down_.erase(down_.begin(), down_.begin() + static_cast<std::ptrdiff_t>(n));
    if (down_broken_) down_.clear();
    if (!down_.empty() || waiting_ == 0) return;
    down_.resize(std::min(waiting_, piece));
    const int got =
        ssh_channel_read_nonblocking(channel_, down_.data(), static_cast<uint32_t>(down_.size()), 0);
    down_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    waiting_ -= std::min(waiting_, down_.size());
    if (got <= 0) waiting_ = 0;
  }
}

// libssh widens the window to the size that a read requests. Only once all data was taken, so that nothing
// piles up here.
void Stream::widen_window() {
  if (passed_ < window / 16 || !down_.empty() || waiting_ > 0 || down_broken_ || down_ended_) return;
  passed_ = 0;
  std::vector<char>& scratch = service_.scratch();
  scratch.resize(window);
  const int got = ssh_channel_read_timeout(channel_, scratch.data(), window, 0, 0);
  if (got <= 0) return;
  down_.assign(scratch.begin(), scratch.begin() + got);
  waiting_ -= std::min(waiting_, down_.size());
}

// Passes on ended directions, and closes the channel when both have ended.
void Stream::end_when_done() {
  if (!pumps()) return;
  if (!up_.empty() && closed_there_) up_.clear();
  if (!up_.empty()) {  // left over from a key exchange
    const int written = ssh_channel_write(channel_, up_.data(), static_cast<uint32_t>(up_.size()));
    forwarding_.count(static_cast<std::uint64_t>(std::max(written, 0)), 0);
    up_.erase(up_.begin(), written < 0 ? up_.end() : up_.begin() + written);
  }
  if (up_ended_ && up_.empty() && !up_end_sent_) {
    ssh_channel_send_eof(channel_);
    up_end_sent_ = true;
  }
  const bool drained = down_.empty() && waiting_ == 0;
  if (down_ended_ && drained && !down_end_given_) {
    ::shutdown(socket_.get(), SHUT_WR);
    down_end_given_ = true;
  }
  if (down_broken_) down_.clear(), waiting_ = 0;
  const bool both = up_end_sent_ && (down_broken_ || (down_end_given_ && !program_));
  if ((closed_there_ && (drained || down_broken_)) || both) close();
}

void Stream::close() {
  state_ = State::finished;
  socket_ = Handle();
  forwarding_ = Forwarding();
  if (program_) program_->finish(mlops_ssh_unknown, 0);
  if (!ssh_channel_is_open(channel_) && !closed_there_)
    return;  // libssh would close number 0, which is another channel's
  // The first call sends the end of file and, with bytes queued for the socket, returns before the close; the
  // second one sends that. Freeing alone would leave the channel open on the host.
  if (ssh_channel_close(channel_) == SSH_AGAIN) ssh_channel_close(channel_);
}

void Stream::abandon() {
  if (wish_) service_.settle(*std::exchange(wish_, nullptr), mlops_ssh_lost, service_.error());
  if (program_) program_->finish(mlops_ssh_unknown, 0);
  const linger cut{1, 0};
  if (socket_) ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &cut, sizeof cut);
  socket_ = Handle();
  forwarding_ = Forwarding();
  state_ = State::finished;
}

}  // namespace mlops::ssh
