#include "aws/ec2/tags.hpp"

#include <fmt/format.h>

namespace mlops::aws {

Filter tag_filter(const std::string& key, const std::string& value) { return {"tag:" + key, {value}}; }

void create_tags(Client& client, const std::vector<std::string>& ids, const Tags& tags) {
  client.query(Service::ec2, "CreateTags", Params().add_list("ResourceId", ids).tags(tags));
}

void delete_tags(Client& client, const std::vector<std::string>& ids, const std::vector<std::string>& keys) {
  Params params;
  params.add_list("ResourceId", ids);
  int number = 0;
  for (const std::string& key : keys) params.add(fmt::format("Tag.{}.Key", ++number), key);
  client.query(Service::ec2, "DeleteTags", params);
}

}  // namespace mlops::aws
