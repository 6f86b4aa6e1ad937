#include "idle/sockets.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/handle.hpp"

namespace mlops {
namespace {

// The kernel's numbers of states (include/net/tcp_states.h).
constexpr std::uint32_t tcp_established = 1, tcp_listening = 10;

void send_request(int socket, std::uint8_t family, std::uint32_t states) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.request.sdiag_family = family;
  message.request.sdiag_protocol = IPPROTO_TCP;
  message.request.idiag_ext = 1u << (INET_DIAG_INFO - 1);
  message.request.idiag_states = states;
  if (::send(socket, &message, sizeof message, 0) < 0)
    throw system_error("asking the kernel for its connections", errno);
}

// The counters of tcp_info, which older kernels shorten; false if they are not in it.
bool read_counters(const rtattr* attribute, TcpSocket& into) {
  tcp_info info{};
  const std::size_t size = RTA_PAYLOAD(attribute);
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) return false;
  std::memcpy(&info, RTA_DATA(attribute), std::min(size, sizeof info));
  into.bytes = info.tcpi_bytes_acked + info.tcpi_bytes_received;
  return true;
}

// IPv4 also where an IPv6 socket is bound to such an address (RFC 4291, 2.5.5.2).
std::string address_of(const inet_diag_msg& message) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.id.idiag_src);
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool six = message.idiag_family == AF_INET6;
  const bool is_mapped = six && std::equal(mapped.begin(), mapped.end(), bytes);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!::inet_ntop(six && !is_mapped ? AF_INET6 : AF_INET, is_mapped ? bytes + mapped.size() : bytes,
                   text.data(), text.size()))
    throw Error("the kernel tells of a socket without an address");
  return text.data();
}

TcpSocket read_socket(const nlmsghdr* header) {
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  TcpSocket one;
  one.inode = message->idiag_inode;
  one.cookie = std::uint64_t{message->id.idiag_cookie[1]} << 32 | message->id.idiag_cookie[0];
  one.uid = message->idiag_uid;
  one.port = ntohs(message->id.idiag_sport);
  one.listening = message->idiag_state == tcp_listening;
  if (one.listening) one.address = address_of(*message);
  bool counted = false;
  auto left = static_cast<unsigned>(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == INET_DIAG_INFO) counted = read_counters(attribute, one);
    if (attribute->rta_type == INET_DIAG_SKV6ONLY && RTA_PAYLOAD(attribute) > 0)
      one.only_ipv6 = *static_cast<const std::uint8_t*>(RTA_DATA(attribute)) != 0;
  }
  if (!counted && !one.listening) throw Error("the kernel does not count the bytes of connections");
  return one;
}

constexpr auto asking = "asking the kernel for its connections";

// A dump that failed midway ends like a whole one, with a negative errno in the last message.
void check_end(const nlmsghdr* header) {
  int result = 0;
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof result)) return;
  std::memcpy(&result, NLMSG_DATA(header), sizeof result);
  if (result < 0) throw system_error(asking, -result);
}

// False at the end of the answer.
bool read_message(const nlmsghdr* header, std::vector<TcpSocket>& into) {
  if (header->nlmsg_flags & NLM_F_DUMP_INTR) throw Error("the connections changed while the kernel told them");
  if (header->nlmsg_type == NLMSG_DONE) return check_end(header), false;
  if (header->nlmsg_type == NLMSG_ERROR) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) throw Error("the kernel's answer is too short");
    const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
    throw system_error(asking, -error->error);
  }
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) throw Error("the kernel's answer is about something else");
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) throw Error("the kernel's answer is too short");
  into.push_back(read_socket(header));
  return true;
}

void read_answer(int socket, std::vector<TcpSocket>& into) {
  alignas(nlmsghdr) std::array<char, 64 * 1024> buffer;
  for (;;) {
    sockaddr_nl from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        ::recvfrom(socket, buffer.data(), buffer.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw system_error("reading the kernel's connections", got < 0 ? errno : EPROTO);
    if (from.nl_pid != 0) continue;  // another program's
    if (static_cast<std::size_t>(got) > buffer.size()) throw Error("the kernel's answer is too long");
    if (!read_socket_dump({buffer.data(), static_cast<std::size_t>(got)}, into)) return;
  }
}

std::vector<TcpSocket> sockets_in(std::uint32_t states) {
  const Handle socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) throw system_error(asking, errno);
  constexpr timeval longest{5, 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) != 0)
    throw system_error(asking, errno);
  std::vector<TcpSocket> all;
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    send_request(socket.get(), family, states);
    read_answer(socket.get(), all);
  }
  return all;
}

bool takes(const TcpSocket& socket, const std::string& address, std::uint16_t port) {
  if (!socket.listening || socket.port != port) return false;
  if (socket.address == address) return true;
  const bool four = address.find(':') == std::string::npos;
  return (four && socket.address == "0.0.0.0") || (socket.address == "::" && (!four || !socket.only_ipv6));
}

}  // namespace

bool read_socket_dump(std::string_view part, std::vector<TcpSocket>& into) {
  while (!part.empty()) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(part.data());
    if (part.size() < sizeof *header || header->nlmsg_len < sizeof *header || header->nlmsg_len > part.size())
      throw Error("the kernel's answer is too short");
    if (!read_message(header, into)) return false;
    part.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header->nlmsg_len), part.size()));
  }
  return true;
}

std::vector<TcpSocket> tcp_sockets() { return sockets_in(1u << tcp_established | 1u << tcp_listening); }
std::vector<TcpSocket> listening_sockets() { return sockets_in(1u << tcp_listening); }

std::optional<TcpSocket> listener_at(const std::vector<TcpSocket>& sockets, const std::string& address,
                                     std::uint16_t port) {
  const TcpSocket* found = nullptr;
  for (const TcpSocket& one : sockets) {
    if (!takes(one, address, port)) continue;
    if (found && found->uid != one.uid) return std::nullopt;
    if (!found || one.address == address) found = &one;
  }
  return found ? std::optional(*found) : std::nullopt;
}

}  // namespace mlops
