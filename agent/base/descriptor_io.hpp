// Reading and writing all bytes of a descriptor, over interruptions by signals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mlops {

// Error that begins "DOING OBJECT": "cannot write" and a path; the object may be "".
void write_all(int fd, std::string_view bytes, std::string_view doing, std::string_view object);

// From the current position to the end, but not much more than limit bytes: a text that is longer than limit is
// not whole. Error as of write_all().
std::string read_all(int fd, std::size_t limit, std::string_view doing, std::string_view object);

}  // namespace mlops
