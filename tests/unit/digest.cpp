#include "base/digest.hpp"

#include <unistd.h>

#include "base/cancellation.hpp"
#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

// FIPS 180-4's examples.
static const char* const of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char* const of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_CASE("the digest of a text is FIPS 180-4's") {
  CHECK(sha256_hex("") == of_nothing);
  CHECK(sha256_hex("abc") == of_abc);
}

TEST_CASE("a digest does not depend on how the bytes come, and starts over after it was read") {
  Sha256 digest;
  digest.update("a");
  digest.update("");
  digest.update("bc");
  CHECK(digest.hex() == of_abc);
  CHECK(digest.hex() == of_nothing);
}

TEST_CASE("the digest of a descriptor is of what is left of it") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "abc", 3) == 3);
  close(ends[1]);
  CHECK(sha256_hex(ends[0]) == of_abc);
  close(ends[0]);
}

TEST_CASE("taking a digest ends when the person interrupts") {
  Cancellation cancellation;
  cancellation.cancel();
  CHECK_THROWS_AS(sha256_hex(0, &cancellation), Error);
}

TEST_CASE("a SHA-256 is 64 hex digits") {
  CHECK(is_sha256(of_abc));
  CHECK(is_sha256("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"));
  CHECK_FALSE(is_sha256("ba7816"));
  CHECK_FALSE(is_sha256(std::string(64, 'g')));
}
