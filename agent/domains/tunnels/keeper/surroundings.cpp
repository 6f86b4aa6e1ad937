#include "domains/tunnels/keeper/surroundings.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace mlops {
namespace {

std::chrono::nanoseconds now(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

// How long the machine has slept since it booted (clock_gettime(2)).
std::chrono::nanoseconds sleep_until_now() { return now(CLOCK_BOOTTIME) - now(CLOCK_MONOTONIC); }

}  // namespace

Surroundings::Surroundings()
    : netlink_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)),
      slept_(sleep_until_now()) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (netlink_ && ::bind(netlink_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    netlink_ = Handle();
}

Surroundings::Change Surroundings::look() {
  Change change = Change::none;
  std::array<char, 16384> buffer;
  // ENOBUFS: some of many changes were dropped.
  while (netlink_ && (::recv(netlink_.get(), buffer.data(), buffer.size(), 0) > 0 || errno == ENOBUFS))
    change = Change::network;
  const auto slept = sleep_until_now();
  if (slept - slept_ > std::chrono::seconds(1)) change = Change::woke;
  slept_ = slept;
  return change;
}

}  // namespace mlops
