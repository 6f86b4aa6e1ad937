#include "hosts/remote_script.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/error.hpp"
#include "ssh/deadline.hpp"

namespace mlops {
namespace {

constexpr std::size_t most_output = 64 << 10, most_shown = 600;  // bytes

// The login shell may be any: it only starts another, by words without quotes but these.
std::string command_of(const ScriptStart& start) {
  std::string words;
  for (const std::string& argument : start.arguments) {
    if (argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./+:@") !=
        std::string::npos)
      throw Error(fmt::format("`{}` is no argument for a script on another machine", argument));
    words += ' ' + argument;
  }
  const std::string shell = "env SSH_CONNECTION=\"$SSH_CONNECTION\" sh -s" + words;
  const std::string sudo =
      "if test \"$(id -u)\" = 0; then exec " + shell + "; else exec sudo -n " + shell + "; fi";
  return "exec sh -c '" + (start.as_root ? sudo : "exec " + shell) + "'";
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // it has ended: its status says more
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  ::shutdown(fd, SHUT_WR);
}

std::string read_all(int fd, const ScriptStart& start, const Cancellation& cancellation) {
  const Deadline deadline(start.limit);
  std::string text;
  char block[4096];
  for (;;) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {cancellation.fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, deadline.milliseconds_left());
    cancellation.check();
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) throw Error(fmt::format("no end within {} s", start.limit.count()), ErrorKind::unavailable);
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(block, static_cast<std::size_t>(n));
    if (text.size() > most_output) throw Error("the host prints too much");
  }
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  while (text.ends_with(' ')) text.pop_back();
  return text.size() <= most_shown ? text : "…" + text.substr(text.size() - most_shown);
}

}  // namespace

ScriptAnswer run_script(Connection& connection, const ScriptStart& start, const Cancellation& cancellation) {
  const std::unique_ptr<Channel> channel = connection.run(command_of(start));
  send_all(channel->fd(), start.script);
  ScriptAnswer answer;
  answer.output = read_all(channel->fd(), start, cancellation);
  const auto status = channel->wait();
  if (!status) throw Error("the connection is lost", ErrorKind::unavailable);
  answer.status = *status;
  answer.complaints = one_line(channel->complaints());
  return answer;
}

}  // namespace mlops
