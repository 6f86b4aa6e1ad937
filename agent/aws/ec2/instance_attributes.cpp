// Attributes of an instance: one a call.
#include "aws/ec2/instances.hpp"
#include "aws/ec2/reading.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

void modify(Client& client, const std::string& id, Params params) {
  params.add("InstanceId", id);
  client.query(Service::ec2, "ModifyInstanceAttribute", params);
}

std::string attribute(Client& client, const std::string& id, const std::string& name) {
  const Params params = Params().add("InstanceId", id).add("Attribute", name);
  return client.query(Service::ec2, "DescribeInstanceAttribute", params).text_at(name + "/value");
}

std::string decoded(const std::string& base64, const char* what) {
  auto text = from_base64(base64);
  if (!text) throw Error(std::string("EC2 answered ") + what + " that is not base64");
  return std::move(*text);
}

}  // namespace

void set_instance_type(Client& client, const std::string& id, const std::string& type) {
  modify(client, id, Params().add("InstanceType.Value", type));
}

void set_user_data(Client& client, const std::string& id, const std::string& raw) {
  modify(client, id, Params().add("UserData.Value", to_base64(raw)));
}

void set_termination_protection(Client& client, const std::string& id, bool on) {
  modify(client, id, Params().add("DisableApiTermination.Value", on));
}

void set_shutdown_behavior(Client& client, const std::string& id, const std::string& behavior) {
  modify(client, id, Params().add("InstanceInitiatedShutdownBehavior.Value", behavior));
}

void set_instance_groups(Client& client, const std::string& id, const std::vector<std::string>& group_ids) {
  modify(client, id, Params().add_list("GroupId", group_ids));
}

void set_disk_deletion(Client& client, const std::string& id, const std::string& device, bool with_instance) {
  modify(client, id,
         Params()
             .add("BlockDeviceMapping.1.DeviceName", device)
             .add("BlockDeviceMapping.1.Ebs.DeleteOnTermination", with_instance));
}

void set_metadata_options(Client& client, const std::string& id, bool require_tokens, std::int64_t hop_limit) {
  Params params;
  params.add("InstanceId", id).add("HttpEndpoint", "enabled");
  params.add("HttpTokens", require_tokens ? "required" : "optional");
  params.add("HttpPutResponseHopLimit", hop_limit);
  client.query(Service::ec2, "ModifyInstanceMetadataOptions", params);
}

std::string user_data(Client& client, const std::string& id) {
  return decoded(attribute(client, id, "userData"), "user data");
}

bool termination_protection(Client& client, const std::string& id) {
  return attribute(client, id, "disableApiTermination") == "true";
}

std::string shutdown_behavior(Client& client, const std::string& id) {
  return attribute(client, id, "instanceInitiatedShutdownBehavior");
}

ConsoleOutput console_output(Client& client, const std::string& id, bool latest) {
  Params params;
  params.add("InstanceId", id);
  if (latest) params.add("Latest", true);
  const XmlNode answer = client.query(Service::ec2, "GetConsoleOutput", params);
  return {time_at(answer, "timestamp"), decoded(answer.text_at("output"), "console output")};
}

}  // namespace mlops::aws
