#include "aws/ec2/volumes.hpp"

#include <utility>

#include "aws/ec2/reading.hpp"

namespace mlops::aws {
namespace {

Volume volume_of(const XmlNode& node) {
  Volume v;
  v.id = id_at(node, "volumeId");
  v.type = node.text_at("volumeType");
  v.zone = node.text_at("availabilityZone");
  v.state = node.text_at("status");
  v.size_gib = node.number_at("size");
  v.iops = node.number_at("iops");
  v.throughput = node.number_at("throughput");
  v.is_encrypted = node.flag_at("encrypted");
  for (const XmlNode& attachment : node.list_at("attachmentSet")) {
    v.instance_id = id_at(attachment, "instanceId");
    v.device = attachment.text_at("device");
  }
  v.tags = tags_of(node);
  return v;
}

VolumeModification modification_of(const XmlNode& node) {
  return {id_at(node, "volumeId"),        node.text_at("modificationState"), node.text_at("statusMessage"),
          node.number_at("originalSize"), node.number_at("targetSize"),      node.number_at("progress")};
}

}  // namespace

std::vector<Volume> describe_volumes(Client& client, const Selection& selection) {
  std::vector<Volume> volumes;
  for (const XmlNode& item : all_items(client, "DescribeVolumes", selection_params(selection, "VolumeId"),
                                       "volumeSet", selection.ids.empty() ? 500 : 0))
    volumes.push_back(volume_of(item));
  return volumes;
}

VolumeModification modify_volume(Client& client, const std::string& id, const VolumeChange& change) {
  Params params;
  params.add("VolumeId", id).add("VolumeType", change.type);
  if (change.size_gib > 0) params.add("Size", change.size_gib);
  const XmlNode answer = client.query(Service::ec2, "ModifyVolume", params, Repeat::never);
  const XmlNode* modification = answer.child("volumeModification");
  return modification ? modification_of(*modification) : VolumeModification{id};
}

std::optional<VolumeModification> volume_modification(Client& client, const std::string& id) {
  try {
    const Params params = Params().add_list("VolumeId", {id});
    const auto items = all_items(client, "DescribeVolumesModifications", params, "volumeModificationSet");
    return items.empty() ? std::nullopt : std::optional(modification_of(items.front()));
  } catch (const AwsError& error) {
    if (error.code() == "InvalidVolumeModification.NotFound") return {};
    throw;
  }
}

}  // namespace mlops::aws
