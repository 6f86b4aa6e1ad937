// Tags of EC2's resources, and filters of its lists.
#pragma once

#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/params.hpp"

namespace mlops::aws {

// One condition of a list: the attribute has one of the values. * and ? stand for others; case counts.
struct Filter {
  std::string name;
  std::vector<std::string> values;
};
// Resources that carry the tag with that value.
Filter tag_filter(const std::string& key, const std::string& value);

// Which of a list: by ids, or those that all filters let through.
struct Selection {
  std::vector<std::string> ids;
  std::vector<Filter> filters;
};

// Values of equal keys are replaced. For existing resources: a new one is tagged by the call that makes it.
void create_tags(Client& client, const std::vector<std::string>& resource_ids, const Tags& tags);
void delete_tags(Client& client, const std::vector<std::string>& resource_ids,
                 const std::vector<std::string>& keys);

}  // namespace mlops::aws
