// The XML that AWS answers with, as a tree of our own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlops::aws {

// An element. Attributes are left out; a namespace's prefix stays part of the name.
struct XmlNode {
  std::string name, text;
  std::vector<XmlNode> children;

  // The first child of that name; null if there is none.
  const XmlNode* child(std::string_view wanted) const;
  // The same, step by step, for "placement/availabilityZone".
  const XmlNode* find(std::string_view path) const;
  // The text there; "" if there is nothing, which AWS means the same by.
  std::string text_at(std::string_view path) const;
  bool flag_at(std::string_view path) const { return text_at(path) == "true"; }
  // 0 if there is nothing, or no number.
  std::int64_t number_at(std::string_view path) const;
  // Members of a list: the children of the element there; none if there is no such element.
  const std::vector<XmlNode>& list_at(std::string_view path) const;
};

// Error, with the offset in bytes, if it is not well-formed, has a document type, elements more than 64 deep,
// or more than 16 MiB; Error unavailable if the backend cannot be loaded.
XmlNode parse_xml(std::string_view text);

}  // namespace mlops::aws
