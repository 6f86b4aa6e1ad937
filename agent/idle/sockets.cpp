#include "idle/sockets.hpp"

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

void send_request(int socket, std::uint8_t family) {
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
  message.request.idiag_states = 1u << tcp_established | 1u << tcp_listening;
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

TcpSocket read_socket(const nlmsghdr* header) {
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  TcpSocket one;
  one.inode = message->idiag_inode;
  one.cookie = std::uint64_t{message->id.idiag_cookie[1]} << 32 | message->id.idiag_cookie[0];
  one.uid = message->idiag_uid;
  one.port = ntohs(message->id.idiag_sport);
  one.listening = message->idiag_state == tcp_listening;
  bool counted = false;
  auto left = static_cast<unsigned>(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
    if (attribute->rta_type == INET_DIAG_INFO) counted = read_counters(attribute, one);
  if (!counted && !one.listening) throw Error("the kernel does not count the bytes of connections");
  return one;
}

// False at the end of the answer.
bool read_message(const nlmsghdr* header, std::vector<TcpSocket>& into) {
  if (header->nlmsg_type == NLMSG_DONE) return false;
  if (header->nlmsg_type == NLMSG_ERROR) {
    const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
    throw system_error("asking the kernel for its connections", -error->error);
  }
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) throw Error("the kernel's answer is too short");
  into.push_back(read_socket(header));
  return true;
}

void read_answer(int socket, std::vector<TcpSocket>& into) {
  alignas(nlmsghdr) std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw system_error("reading the kernel's connections", got < 0 ? errno : EPROTO);
    auto left = static_cast<unsigned>(got);
    for (const auto* h = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(h, left);
         h = NLMSG_NEXT(h, left))
      if (!read_message(h, into)) return;
  }
}

}  // namespace

std::vector<TcpSocket> tcp_sockets() {
  const Handle socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) throw system_error("asking the kernel for its connections", errno);
  constexpr timeval patience{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::vector<TcpSocket> all;
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    send_request(socket.get(), family);
    read_answer(socket.get(), all);
  }
  return all;
}

}  // namespace mlops
