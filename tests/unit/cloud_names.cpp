// Names of cloud objects, networks, keys and words about instances.
#include "domains/cloud/object_name.hpp"
#include "domains/cloud/public_key.hpp"
#include "resource/cloud.hpp"
#include "resource/instance_words.hpp"
#include "support/catch.hpp"

using namespace mlops;

TEST_CASE("the name of a cloud object is read back, whatever is in it") {
  const std::vector<std::pair<CloudObject, std::string>> rows{
      {{"ec2_instance", "box", {}}, "ec2_instance box"},
      {{"ec2_key_pair", "my key", {"", "eu-central-1"}}, "ec2_key_pair my%20key region=eu-central-1"},
      {{"ec2_address", "a region=x 100%\n", {"at work", "us-east-1"}},
       "ec2_address a%20region=x%20100%25%0A region=us-east-1 profile=at%20work"}};
  for (const auto& [object, text] : rows) {
    CHECK(to_string(object) == text);
    CHECK(parse_cloud_object(text) == object);
  }
  for (const char* text :
       {"", "ec2_instance", "ec2_instance ", "ec2_instance a zone=b", "ec2_instance a%2", "x a%zz"}) {
    CAPTURE(text);
    CHECK(!parse_cloud_object(text));
  }
}

TEST_CASE("a network is written as EC2 shows it") {
  CHECK(canonical_cidr("203.0.113.7/24") == "203.0.113.0/24");
  CHECK(canonical_cidr("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(canonical_cidr("10.255.255.255/9") == "10.128.0.0/9");
  CHECK(canonical_cidr("203.0.113.7/32") == "203.0.113.7/32");
  CHECK(canonical_cidr("2001:DB8:0:0::7/64") == "2001:db8::/64");
  CHECK(canonical_cidr("::/0") == "::/0");
  for (const char* text : {"", "/", "203.0.113.7", "203.0.113.7/", "203.0.113.7/33", "203.0.113.7/-1",
                           "203.0.113/24", "203.0.113.7/24x", "::/129", "a/24", "203.0.113.7/24/24"}) {
    CAPTURE(text);
    CHECK(!canonical_cidr(text));
  }
  CHECK(cidr_of_host("203.0.113.7") == "203.0.113.7/32");
  CHECK(cidr_of_host("2001:DB8::7") == "2001:db8::7/128");
  CHECK(!cidr_of_host("203.0.113.7/32"));
}

TEST_CASE("a key is one key whatever its comment, and has ssh-keygen's fingerprint") {
  const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
  CHECK(is_same_key(key + " ada", key + " mlops\n"));
  CHECK(!is_same_key(key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9pZmCiPNzaWEQw0Zg3vEwB7hXXXxCK7Bn0dQ7yDV9w"));
  CHECK(!is_same_key("no key", "no key"));
  CHECK(type_of_key(key) == "ssh-ed25519");
  CHECK(type_of_key("x") == "");
  CHECK(fingerprint_of_key(key) == "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8");
  CHECK(fingerprint_of_key("x") == "");
}

TEST_CASE("what may be written for an image and a type") {
  for (const char* image : {"ubuntu-24.04", "ubuntu-22.04", "debian-12", "ami-0a1b2c3d"})
    CHECK(is_image(image));
  for (const char* image : {"", "ubuntu", "ubuntu-", "ubuntu-noble", "ami-", "ami-XYZ", "debian-12 "})
    CHECK(!is_image(image));
  for (const char* type : {"t3.small", "u-6tb1.metal", "c7i-flex.large"}) CHECK(is_instance_type(type));
  for (const char* type : {"", "t3", "t3.", ".small", "T3.small", "t3 .small"}) CHECK(!is_instance_type(type));
}
