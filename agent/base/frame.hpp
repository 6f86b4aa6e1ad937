// Length-prefixed messages on a pipe or a socket: 32 bits of length, then that many bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlops {

inline constexpr std::uint32_t frame_limit = 256u << 20;  // bytes of one message

// Writes all of it. Error if the other end is gone (EPIPE; SIGPIPE must be ignored) or the message is too long.
void send_frame(int fd, std::string_view payload);
// The next message; absent at the end of input, which may also come within one. Error if it would be too long.
std::optional<std::string> receive_frame(int fd, std::uint32_t limit = frame_limit);

}  // namespace mlops
