#include "domains/tunnels/keeper/socks.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mlops {
namespace {

constexpr std::size_t longest_text = 255;  // a user's or host's name in SOCKS 4a; in SOCKS 5 a byte counts it
constexpr char connect_command = 1;
constexpr char v4_granted = 90, v4_failed = 91;
enum : char { address_v4 = 1, address_name = 3, address_v6 = 4 };  // RFC 1928 section 5
enum : char {
  ok = 0,
  general_failure = 1,
  not_allowed = 2,
  unreachable = 4,
  connection_refused = 5,
  command_unknown = 7,
  address_unknown = 8
};  // section 6

std::uint16_t port_at(std::string_view bytes) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[0]) << 8) |
                                    static_cast<unsigned char>(bytes[1]));
}

std::string v4_reply(char code) { return std::string{0, code, 0, 0, 0, 0, 0, 0}; }
std::string v5_reply(char code) { return std::string{5, code, 0, address_v4, 0, 0, 0, 0, 0, 0}; }

std::string address_text(int family, std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, bytes.data(), text.data(), text.size());
  return text.data();
}

// Valid in a host's name or an address: no character that a resolver or a terminal could misinterpret.
bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '%';
  });
}

}  // namespace

// A text in SOCKS 4 ends at its zero byte, so it is read byte by byte.
std::size_t SocksRequest::wanted() const {
  const std::size_t have = bytes_.size();
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes_[i]));
  };
  switch (stage_) {
    case Stage::version:
      return 1;
    case Stage::socks4:
      return have < 8 ? 8 - have : 1;
    case Stage::greeting:
      return have < 2 ? 2 - have : 2 + byte(1) - have;
    case Stage::request:
      if (have < 5) return 5 - have;
      const std::size_t address = bytes_[3] == address_v4 ? 4 : bytes_[3] == address_v6 ? 16 : 1 + byte(4);
      return 4 + address + 2 - have;
  }
  return 1;
}

SocksRequest::Step SocksRequest::take(std::string_view bytes) {
  bytes_.append(bytes);
  return step();
}

SocksRequest::Step SocksRequest::step() {
  switch (stage_) {
    case Stage::version:
      if (bytes_[0] == 4)
        stage_ = Stage::socks4, is_4_ = true;
      else if (bytes_[0] == 5)
        stage_ = Stage::greeting;
      else
        return refuse("", "it speaks no SOCKS");
      return Step::reading;
    case Stage::socks4:
      return version_4();
    case Stage::greeting:
      return greeting_5();
    case Stage::request:
      return request_5();
  }
  return Step::refused;
}

// VN CD DSTPORT(2) DSTIP(4) USERID 0; for an address of 0.0.0.x, x not 0, a name and a zero byte follow (4a).
SocksRequest::Step SocksRequest::version_4() {
  if (bytes_.size() < 9) return Step::reading;
  const std::string_view all = bytes_;
  const auto user_end = all.find('\0', 8);
  if (user_end == all.npos) {
    if (all.size() > 8 + longest_text) return refuse(v4_reply(v4_failed), "the user's name is too long");
    return Step::reading;
  }
  const std::string_view address = all.substr(4, 4);
  const bool named = address.substr(0, 3) == std::string_view("\0\0\0", 3) && address[3] != 0;
  if (named && (all.back() != '\0' || all.size() == user_end + 1)) {
    if (all.size() > user_end + 1 + longest_text)
      return refuse(v4_reply(v4_failed), "the host's name is too long");
    return Step::reading;
  }
  if (bytes_[1] != connect_command) return refuse(v4_reply(v4_failed), "only connections are made");
  const std::string host =
      named ? std::string(all.substr(user_end + 1, all.size() - user_end - 2)) : address_text(AF_INET, address);
  return complete_with(host, port_at(all.substr(2)));
}

// VER NMETHODS METHODS: 0 is "no authentication", 0xff "none of these".
SocksRequest::Step SocksRequest::greeting_5() {
  if (wanted() > 0) return Step::reading;
  const bool plain = bytes_.find('\0', 2) != std::string::npos;
  if (!plain) return refuse(std::string{5, static_cast<char>(0xff)}, "it wants authentication");
  reply_ = std::string{5, 0};
  bytes_.clear();
  stage_ = Stage::request;
  return Step::reading;
}

// VER CMD RSV ATYP ADDR PORT(2)
SocksRequest::Step SocksRequest::request_5() {
  if (bytes_.size() >= 5) {
    const char kind = bytes_[3];
    if (bytes_[0] != 5) return refuse(v5_reply(general_failure), "it speaks no SOCKS 5");
    if (kind != address_v4 && kind != address_v6 && kind != address_name)
      return refuse(v5_reply(address_unknown), "an address of an unknown kind");
  }
  if (bytes_.size() < 5 || wanted() > 0) return Step::reading;
  if (bytes_[1] != connect_command) return refuse(v5_reply(command_unknown), "only connections are made");
  const std::string_view all = bytes_;
  const std::uint16_t port = port_at(all.substr(all.size() - 2));
  if (all[3] == address_name) return complete_with(std::string(all.substr(5, all.size() - 7)), port);
  return complete_with(address_text(all[3] == address_v4 ? AF_INET : AF_INET6, all.substr(4)), port);
}

SocksRequest::Step SocksRequest::complete_with(std::string host, std::uint16_t port) {
  if (!is_name(host) || port == 0)
    return refuse(is_4_ ? v4_reply(v4_failed) : v5_reply(general_failure),
                  "what it asks for is no host and port");
  host_ = std::move(host);
  port_ = port;
  return Step::complete;
}

SocksRequest::Step SocksRequest::refuse(std::string reply, std::string problem) {
  reply_ = std::move(reply);
  problem_ = std::move(problem);
  return Step::refused;
}

std::string SocksRequest::success() const { return is_4_ ? v4_reply(v4_granted) : v5_reply(ok); }

std::string SocksRequest::failure(Failure why) const {
  if (is_4_) return v4_reply(v4_failed);
  switch (why) {
    case Failure::general:
      return v5_reply(general_failure);
    case Failure::not_allowed:
      return v5_reply(not_allowed);
    case Failure::unreachable:
      return v5_reply(unreachable);
    case Failure::refused:
      return v5_reply(connection_refused);
  }
  return v5_reply(general_failure);
}

}  // namespace mlops
