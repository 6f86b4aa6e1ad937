// A connection to a host that is this machine: a shell of the test's choice, in a home of its own.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/plain_connection.hpp"
#include "support/temporary_folder.hpp"

namespace mlops::test {

class LocalChannel : public Channel {
 public:
  // argv[0] is a path. The variables are the whole environment.
  LocalChannel(std::vector<std::string> argv, const std::map<std::string, std::string>& environment,
               const std::string& errors)
      : errors_(errors) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no sockets");
    ours_ = Handle(ends[0]);
    const Handle theirs(ends[1]);
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
    std::vector<char*> words, env;
    for (std::string& word : argv) words.push_back(word.data());
    for (std::string& variable : variables) env.push_back(variable.data());
    words.push_back(nullptr);
    env.push_back(nullptr);
    child_ = ::fork();
    if (child_ != 0) return;
    ::setpgid(0, 0);
    ::dup2(theirs.get(), 0);
    ::dup2(theirs.get(), 1);
    ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    ::execve(words[0], words.data(), env.data());
    ::_exit(127);
  }
  ~LocalChannel() override {
    ours_ = Handle();
    if (child_ < 0) return;
    ::kill(-child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  LocalChannel(const LocalChannel&) = delete;
  LocalChannel& operator=(const LocalChannel&) = delete;

  int fd() const override { return ours_.get(); }
  std::string complaints() const override { return content_of(errors_); }
  std::optional<int> wait() override {
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  // All that the program prints until its end.
  std::string rest() const {
    std::string text;
    char block[4096];
    for (ssize_t n; (n = ::read(fd(), block, sizeof block)) > 0;)
      text.append(block, static_cast<std::size_t>(n));
    return text;
  }

 private:
  std::string errors_;
  Handle ours_;
  pid_t child_ = -1;
};

class LocalConnection : public PlainConnection {
 public:
  LocalConnection() { settings_.name = "this-machine"; }

  std::unique_ptr<Channel> run(const std::string& command) override {
    ++channels;
    last_command = command;
    std::vector<std::string> argv = login_shell;
    argv.push_back(command);
    return std::make_unique<LocalChannel>(argv, environment, folder / "errors");
  }

  const TemporaryFolder folder;
  std::vector<std::string> login_shell{"/bin/sh", "-c"};
  std::map<std::string, std::string> environment{{"HOME", folder.folder("home")}, {"PATH", "/usr/bin:/bin"}};
  int channels = 0;
  std::string last_command;
};

}  // namespace mlops::test
