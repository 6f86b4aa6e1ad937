#include "domains/cloud/images.hpp"

#include <fmt/format.h>

#include "aws/endpoint.hpp"
#include "aws/ssm.hpp"
#include "base/error.hpp"

namespace mlops {
namespace {

struct KnownImage {
  const char* name;
  const char* user;
  const char* parameter;  // with the architecture in place of {}
  const char* owner;
  const char* pattern;  // of the image's name, likewise
};

// https://documentation.ubuntu.com/aws/ and https://wiki.debian.org/Cloud/AmazonEC2Image
constexpr KnownImage known[] = {
    {"ubuntu-24.04", "ubuntu",
     "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id", "099720109477",
     "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{}-server-*"},
    {"ubuntu-22.04", "ubuntu",
     "/aws/service/canonical/ubuntu/server/22.04/stable/current/{}/hvm/ebs-gp2/ami-id", "099720109477",
     "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{}-server-*"},
    {"debian-12", "admin", "/aws/service/debian/release/12/latest/{}", "136693071363", "debian-12-{}-*"},
    {"debian-13", "admin", "/aws/service/debian/release/13/latest/{}", "136693071363", "debian-13-{}-*"},
};

constexpr std::string_view arm = "-arm64";

const KnownImage* find_known(std::string_view name) {
  if (name.ends_with(arm)) name.remove_suffix(arm.size());
  for (const KnownImage& one : known)
    if (name == one.name) return &one;
  return nullptr;
}

// Canonical's account has other numbers outside of the partition "aws".
std::string owner_of(const KnownImage& image, const std::string& region) {
  const std::string_view partition = aws::partition_of(region).name;
  if (image.user != std::string_view("ubuntu")) return image.owner;
  if (partition == "aws-cn") return "837727238323";
  if (partition == "aws-us-gov") return "513442679011";
  return image.owner;
}

aws::Image image_by_id(aws::Client& client, const std::string& id) {
  auto found = aws::describe_images(client, {}, {{id}, {}});
  if (found.empty()) throw Error(fmt::format("there is no image {} in {}", id, client.region().name));
  return std::move(found.front());
}

}  // namespace

aws::Image find_image(aws::Client& client, const std::string& name) {
  if (name.starts_with("ami-")) return image_by_id(client, name);
  const KnownImage* image = find_known(name);
  if (!image)
    throw Error(fmt::format("no image is known as {}: {}, each also with -arm64, or an id (ami-…)", name,
                            image_names()));
  const bool is_arm = name.ends_with(arm);
  const std::string parameter = fmt::format(fmt::runtime(image->parameter), is_arm ? "arm64" : "amd64");
  if (const auto id = aws::public_parameter(client, parameter)) return image_by_id(client, *id);
  const std::string pattern = fmt::format(fmt::runtime(image->pattern), is_arm ? "arm64" : "amd64");
  auto newest =
      aws::newest_image(client, owner_of(*image, client.region().name), pattern, is_arm ? "arm64" : "x86_64");
  if (!newest) throw Error(fmt::format("there is no image {} in {}", name, client.region().name));
  return *std::move(newest);
}

std::string image_names() {
  std::string names;
  for (const KnownImage& one : known) names += fmt::format("{}{}", names.empty() ? "" : ", ", one.name);
  return names;
}

bool is_named_image(std::string_view name) { return find_known(name) != nullptr; }

std::string login_user(std::string_view name) {
  const KnownImage* image = find_known(name);
  return image ? image->user : "";
}

}  // namespace mlops
