#include "aws/ec2/images.hpp"

#include <algorithm>
#include <utility>

#include "aws/ec2/reading.hpp"

namespace mlops::aws {
namespace {

Image image_of(const XmlNode& node) {
  Image image;
  image.id = id_at(node, "imageId");
  image.name = node.text_at("name");
  image.owner_id = node.text_at("imageOwnerId");
  image.owner_alias = node.text_at("imageOwnerAlias");
  image.architecture = node.text_at("architecture");
  image.state = node.text_at("imageState");
  image.created = node.text_at("creationDate");
  image.root_device = node.text_at("rootDeviceName");
  image.imds_support = node.text_at("imdsSupport");
  image.deprecated = time_at(node, "deprecationTime");
  image.is_free_tier = node.flag_at("freeTierEligible");
  for (const XmlNode& disk : node.list_at("blockDeviceMapping"))
    if (disk.text_at("deviceName") == image.root_device) image.snapshot_gib = disk.number_at("ebs/volumeSize");
  return image;
}

std::vector<std::string> texts_at(const XmlNode& node, const char* path) {
  std::vector<std::string> texts;
  for (const XmlNode& item : node.list_at(path)) texts.push_back(item.text);
  return texts;
}

InstanceType type_of(const XmlNode& node) {
  InstanceType type;
  type.name = node.text_at("instanceType");
  type.hypervisor = node.text_at("hypervisor");
  type.architectures = texts_at(node, "processorInfo/supportedArchitectures");
  type.usage_classes = texts_at(node, "supportedUsageClasses");
  type.vcpus = node.number_at("vCpuInfo/defaultVCpus");
  type.memory_mib = node.number_at("memoryInfo/sizeInMiB");
  for (const XmlNode& gpu : node.list_at("gpuInfo/gpus")) {
    type.gpu_name = gpu.text_at("name");
    type.gpus += gpu.number_at("count");
    type.gpu_memory_mib = gpu.number_at("memoryInfo/sizeInMiB");
  }
  type.is_free_tier = node.flag_at("freeTierEligible");
  type.is_burstable = node.flag_at("burstablePerformanceSupported");
  type.is_current = node.flag_at("currentGeneration");
  return type;
}

}  // namespace

std::vector<Image> describe_images(Client& client, const std::vector<std::string>& owners,
                                   const Selection& selection) {
  Params params = selection_params(selection, "ImageId");
  params.add_list("Owner", owners);
  std::vector<Image> images;
  for (const XmlNode& item :
       all_items(client, "DescribeImages", params, "imagesSet", selection.ids.empty() ? 1000 : 0))
    images.push_back(image_of(item));
  return images;
}

std::optional<Image> newest_image(Client& client, const std::string& owner, const std::string& name_pattern,
                                  const std::string& architecture) {
  auto images = describe_images(
      client, {owner},
      {{}, {{"name", {name_pattern}}, {"state", {"available"}}, {"architecture", {architecture}}}});
  std::erase_if(images, [&](const Image& image) { return image.owner_id != owner; });
  const auto newest = std::max_element(images.begin(), images.end(),
                                       [](const Image& a, const Image& b) { return a.created < b.created; });
  return newest == images.end() ? std::nullopt : std::optional(std::move(*newest));
}

std::vector<InstanceType> describe_instance_types(Client& client, const std::vector<std::string>& names,
                                                  const std::vector<Filter>& filters) {
  const Params params = selection_params({names, filters}, "InstanceType");
  std::vector<InstanceType> types;
  for (const XmlNode& item :
       all_items(client, "DescribeInstanceTypes", params, "instanceTypeSet", names.empty() ? 100 : 0))
    types.push_back(type_of(item));
  return types;
}

std::vector<std::string> free_tier_types(Client& client) {
  std::vector<std::string> names;
  for (InstanceType& type : describe_instance_types(client, {}, {{"free-tier-eligible", {"true"}}}))
    names.push_back(std::move(type.name));
  return names;
}

}  // namespace mlops::aws
