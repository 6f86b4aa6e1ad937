// The least work that proves N small files right: open, fstat, read, compare. Nothing that looks at each can be
// faster.
//
//   read_floor N FOLDER     the files are FOLDER/f0 … as jobs.py describes them; prints how many are wrong
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace {

std::string expected_content(int number) {
  const std::string line = "line " + std::to_string(number) + "\n";
  std::string content;
  for (int i = 0; i < 20; ++i) content += line;
  return content;
}

bool is_right(const std::string& path, const std::string& expected) {
  static std::array<char, 1 << 16> buffer;
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat status {};
  const bool known = fstat(fd, &status) == 0;
  const ssize_t length = read(fd, buffer.data(), buffer.size());
  close(fd);
  return known && (status.st_mode & 07777) == 0640 && length >= 0 &&
         std::string_view(buffer.data(), static_cast<std::size_t>(length)) == expected;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  int wrong = 0;
  for (int i = 0, count = std::atoi(argv[1]); i < count; ++i)
    wrong += !is_right(std::string(argv[2]) + "/f" + std::to_string(i), expected_content(i));
  std::cout << wrong << " wrong\n";
  return wrong != 0;
}
