#include "domains/downloads/checksum_file.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

const std::string a(64, 'a'), b(64, 'b');

std::string message(const std::string& text, const std::string& name) {
  try {
    return "found " + find_sha256(parse_checksum_file(text), name);
  } catch (const Error& e) {
    return e.message();
  }
}

}  // namespace

TEST_CASE("sha256sum's lines are read, in text and in binary mode") {
  const auto listed = parse_checksum_file(a + "  one\n" + b + " *two words\n");
  CHECK(listed == std::vector<ListedDigest>{{a, "one"}, {b, "two words"}});
}

TEST_CASE("a name with a backslash or a newline is unescaped as sha256sum escaped it") {
  CHECK(parse_checksum_file("\\" + a + "  x\\\\y\\nz\n") == std::vector<ListedDigest>{{a, "x\\y\nz"}});
}

TEST_CASE("BSD's lines are read") {
  CHECK(parse_checksum_file("SHA256 (dist/x (1).sh) = " + a) ==
        std::vector<ListedDigest>{{a, "dist/x (1).sh"}});
}

TEST_CASE("lines without a SHA-256 are passed over") {
  const std::string text = "# sums\n\nSHA512 (x) = " + a + a +
                           "\nMD5 (x) = 00\nSHA256 x\nSHA256 (x\nSHA256 )x(\n" + a.substr(1) +
                           "  short\n-----BEGIN PGP SIGNATURE-----\n";
  CHECK(parse_checksum_file(text).empty());
  CHECK(message(text, "x") == "it lists no SHA-256");
}

TEST_CASE("upper case, carriage returns and a byte order mark do no harm") {
  CHECK(message("\xEF\xBB\xBF" + std::string(64, 'A') + "  x\r\n", "x") == "found " + a);
}

TEST_CASE("a lone digest is that of whatever file is asked for") {
  CHECK(message(a, "x") == "found " + a);
  CHECK(message(a + "\n" + b + "\n", "x") == "it does not list x");
}

TEST_CASE("a file is found by its whole name before the end of a path") {
  CHECK(message(a + "  ./dist/x\n" + b + "  x\n", "x") == "found " + b);
  CHECK(message(a + "  ./dist/x\n" + b + "  ./dist/xx\n", "x") == "found " + a);
}

TEST_CASE("a file that is not listed, or listed twice with different digests, is an error") {
  CHECK(message(a + "  docker-compose-linux-x86_64\n", "x86_64") == "it does not list x86_64");
  CHECK(message(a + "  1/x\n" + b + "  2/x\n", "x") == "it lists several SHA-256 for x");
  CHECK(message(a + "  1/x\n" + a + "  2/x\n", "x") == "found " + a);
}
