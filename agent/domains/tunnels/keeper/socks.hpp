// The server's side of SOCKS 4, 4a (the authors' memoranda) and 5 (RFC 1928, without authentication), up to the
// requested target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mlops {

class SocksRequest {
 public:
  enum class Step {
    reading,   // up to wanted() more bytes are to be read
    complete,  // host and port are known
    refused,   // reply() reports it to the client; the exchange is over
  };

  // How many bytes may be read now without reading past the request: at least 1 while reading.
  std::size_t wanted() const;
  // Processes bytes, at most wanted().
  Step take(std::string_view bytes);
  // What to send to the client after the last take(); "" for nothing.
  std::string reply() { return std::move(reply_); }

  const std::string& host() const { return host_; }  // a name, or an address without brackets
  std::uint16_t port() const { return port_; }
  const std::string& problem() const { return problem_; }  // why it was refused

  // After `complete`: reports to the client that the connection is established, or why not.
  enum class Failure { general, not_allowed, unreachable, refused };
  std::string success() const;
  std::string failure(Failure why) const;

 private:
  Step step();
  Step version_4();
  Step greeting_5();
  Step request_5();
  Step complete_with(std::string host, std::uint16_t port);
  Step refuse(std::string reply, std::string problem);

  enum class Stage { version, socks4, greeting, request } stage_ = Stage::version;
  std::string bytes_, reply_, host_, problem_;
  std::uint16_t port_ = 0;
  bool is_4_ = false;
};

}  // namespace mlops
