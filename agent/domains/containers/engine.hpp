// The requests of Docker's Engine API that concern images, over the daemon's socket.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.hpp"
#include "domains/containers/reader.hpp"
#include "http/client.hpp"

namespace mlops {

class Value;

// One request at a time. Nothing that the daemon answers is trusted: answers are bounded, texts of it are made
// printable, and what is no valid answer is an Error with its position.
class ContainerEngine {
 public:
  // All must outlive it. The client loads curl on its first use.
  ContainerEngine(HttpClient& http, const ActingUser& who, std::string socket);

  // Error unavailable: nobody answers at the socket; denied: this user may not ask there.
  std::optional<ContainerImage> image(const std::string& name) const;

  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
  // Error as pull_error() has it.
  void pull(const std::string& repository, const std::string& tag_or_digest, const std::string& platform,
            const Progress& progress) const;
  // The names, or ids, of what an archive brought.
  std::vector<std::string> load(int archive, std::uint64_t size) const;
  void tag(const std::string& image, const std::string& repository, const std::string& tag) const;
  // An absent image is success.
  void remove(const std::string& name) const;

 private:
  HttpRequest request(const char* method, std::string path) const;
  HttpAnswer ask(const HttpRequest& request) const;
  // Hands each line of the answer to the callback, numbered from 1.
  void stream(HttpRequest request, const std::string& doing,
              const std::function<void(const Value& line, std::size_t number)>& on_line) const;
  [[noreturn]] void fail(const HttpResult& result) const;

  HttpClient& http_;
  const ActingUser& who_;
  std::string socket_;
};

// The Error for what a pull ended with (the daemon's or the registry's words), with what a person can do.
Error pull_error(const std::string& name, const std::string& platform, const std::string& words);
// Whether it was the network, and another try may help.
bool is_network_trouble(const std::string& words);

}  // namespace mlops
