// Reading EC2's answers: pages, tags, and texts that callers put into commands and files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

// The items of the list at that path of each page's answer. page_size: MaxResults; 0: not sent, as EC2 refuses
// it with ids. Error if the pages have no end.
std::vector<XmlNode> all_items(Client& client, const std::string& action, Params params,
                               const std::string& list, std::int64_t page_size = 0);

// Ids as NAME.N and the filters.
Params selection_params(const Selection& selection, const std::string& id_name);

// Calls the action, which ends something. An answer with that code says that it is gone already, as after a
// repeated call: also a success.
void end_once(Client& client, const std::string& action, const Params& params, std::string_view gone_code);

// tagSet of the node.
Tags tags_of(const XmlNode& node);
// An id such as "i-0abc"; "" if there is none. Error if it has other characters than ids have.
std::string id_at(const XmlNode& node, std::string_view path);
// An IPv4 or IPv6 address, likewise.
std::string address_at(const XmlNode& node, std::string_view path);
// A moment; absent if there is none.
std::optional<Seconds> time_at(const XmlNode& node, std::string_view path);

}  // namespace mlops::aws
