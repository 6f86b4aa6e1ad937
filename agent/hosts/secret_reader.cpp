#include "hosts/secret_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/person.hpp"
#include "base/process.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest = 1u << 20;  // bytes of a file
constexpr std::uint64_t command_ms = 5 * 60'000;

std::string without_newlines(std::string text) {
  while (text.ends_with('\n')) {
    text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  }
  return text;
}

std::string last_line(const std::string& text) {
  const std::string lines = without_newlines(text);
  return lines.substr(lines.rfind('\n') + 1);
}

Unknown asked_for(const std::string& name) {
  return {{}, fmt::format("needs the secret `{}`, which is asked for on a terminal", name)};
}

class ControllerSecrets : public SecretReader {
 public:
  ControllerSecrets(Questions& questions, const TrackedFiles& files, bool dry, const Cancellation& cancellation,
                    std::function<void(const std::string&)> warn)
      : questions_(questions), files_(files), dry_(dry), cancellation_(cancellation), warn_(std::move(warn)) {}

  std::string read(const std::string& name, const SecretOrigin& origin) override {
    switch (origin.kind) {
      case SecretOrigin::Kind::env:
        return variable(origin.text);
      case SecretOrigin::Kind::file:
        return without_newlines(file(name, origin));
      case SecretOrigin::Kind::command:
        return without_newlines(command(origin.argv));
      case SecretOrigin::Kind::prompt:
        return answer(name, origin.text);
    }
    return "";
  }

 private:
  static std::string variable(const std::string& name) {
    const char* text = std::getenv(name.c_str());
    if (!text) throw Error(fmt::format("the environment has no variable `{}`", name));
    return text;
  }

  std::string file(const std::string& name, const SecretOrigin& origin) {
    const std::string& path = origin.text;
    const JudgedFile found = files_.open(path);
    if (!found.wrong.empty()) throw Error(found.wrong + "; " + refused_hint);
    if (!found.entry) throw system_error("cannot open " + path, found.error);
    const Handle opened = open_for_reading(found);
    struct stat status {};
    if (!opened || ::fstat(opened.get(), &status) != 0) throw system_error("cannot open " + path, errno);
    if (S_ISREG(status.st_mode)) check_mode(name, origin, status.st_mode & 07777);
    std::string text;
    char buffer[4096];
    for (;;) {
      if (!S_ISREG(status.st_mode)) await(opened.get());
      const ssize_t n = ::read(opened.get(), buffer, sizeof buffer);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) throw system_error("cannot read " + path, errno);
      if (n == 0) return text;
      text.append(buffer, static_cast<std::size_t>(n));
      if (text.size() > largest) throw Error(fmt::format("{} has more than {} bytes", path, largest));
    }
  }

  // Waits until a pipe has data, or its writer has closed it. Error cancelled.
  void await(int fd) const {
    pollfd either[] = {{fd, POLLIN, 0}, {cancellation_.fd(), POLLIN, 0}};
    while (::poll(either, 2, -1) < 0 && errno == EINTR) {
    }
    cancellation_.check();
  }

  void check_mode(const std::string& name, const SecretOrigin& origin, mode_t mode) {
    const std::string& path = origin.text;
    if (mode & (S_IWGRP | S_IWOTH))
      throw Error(fmt::format("others may write to {} (mode {:04o}): `chmod go-w` closes it", path, mode));
    if ((mode & (S_IRGRP | S_IROTH)) && warn_)
      warn_(fmt::format("warning: the secret `{}`: others may read {} (mode {:04o}); `chmod 0600` closes it",
                        name, path, mode));
  }

  std::string command(const std::vector<std::string>& argv) {
    const Person self = effective_person();
    Command command;
    command.argv = argv;
    command.timeout_ms = command_ms;
    command.cwd = folder_of_caller();
    for (char** variable = environ; variable && *variable; ++variable) {
      const std::string text = *variable;
      const std::size_t equals = text.find('=');
      if (equals != std::string::npos) command.env[text.substr(0, equals)] = text.substr(equals + 1);
    }
    const CommandResult result = run_process(command, {self.name, self.home, self.shell, self.uid, self.gid},
                                             {.cancellation = &cancellation_});
    const std::string line = short_command_line(argv);
    if (result.timed_out) throw Error(fmt::format("`{}` did not end within 5 minutes", line));
    if (result.status == 0) return result.output;
    throw Error(fmt::format("`{}` ended with status {}", line, result.status))
        .with_output(last_line(result.errors));
  }

  static std::string folder_of_caller() {
    const std::unique_ptr<char, void (*)(void*)> folder(::getcwd(nullptr, 0), std::free);
    return folder ? folder.get() : "/";
  }

  std::string answer(const std::string& name, const std::string& question) {
    if (!Questions::possible()) {
      if (dry_) throw asked_for(name);
      throw Error("it is asked for on a terminal, and there is none");
    }
    const auto typed = questions_.ask(question + ": ", false);
    cancellation_.check();
    if (!typed) throw Error("nobody answered");
    return *typed;
  }

  Questions& questions_;
  const TrackedFiles& files_;
  bool dry_;
  const Cancellation& cancellation_;
  std::function<void(const std::string&)> warn_;
};

class SentSecrets : public SecretReader {
 public:
  explicit SentSecrets(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}
  std::string read(const std::string& name, const SecretOrigin&) override {
    const auto found = texts_.find(name);
    if (found == texts_.end()) throw asked_for(name);
    return found->second;
  }

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace

std::unique_ptr<SecretReader> controller_secrets(Questions& questions, const TrackedFiles& files, bool dry,
                                                 const Cancellation& cancellation,
                                                 std::function<void(const std::string&)> warn) {
  return std::make_unique<ControllerSecrets>(questions, files, dry, cancellation, std::move(warn));
}

std::unique_ptr<SecretReader> sent_secrets(std::map<std::string, std::string> texts) {
  return std::make_unique<SentSecrets>(std::move(texts));
}

}  // namespace mlops
