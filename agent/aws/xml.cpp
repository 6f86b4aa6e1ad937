#include "aws/xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "backends/xml_api.hpp"
#include "base/backend.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

constexpr std::size_t deepest = 64, largest = 16u << 20;

// Builds the tree from the backend's calls. The open elements are reached from the root by their last children,
// which stay where they are while they are open.
struct Builder {
  XmlNode root;
  std::vector<XmlNode*> open;

  int begin(const char* name) {
    if (open.empty()) {
      root.name = name;
      open.push_back(&root);
    } else {
      open.back()->children.push_back({name, "", {}});
      open.push_back(&open.back()->children.back());
    }
    return 0;
  }
};

// No exception may pass through C code: memory that runs out ends the parse.
template <class Step>
int guarded(Step step) {
  try {
    return step();
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

int on_open(void* context, const char* name) {
  return guarded([&] { return static_cast<Builder*>(context)->begin(name); });
}

int on_text(void* context, const char* text) {
  return guarded([&] {
    static_cast<Builder*>(context)->open.back()->text += text;
    return 0;
  });
}

int on_close(void* context) {
  Builder& builder = *static_cast<Builder*>(context);
  XmlNode& node = *builder.open.back();
  if (!node.children.empty()) node.text.clear();  // white space between elements
  builder.open.pop_back();
  return 0;
}

}  // namespace

const XmlNode* XmlNode::child(std::string_view wanted) const {
  const auto found =
      std::find_if(children.begin(), children.end(), [&](const XmlNode& c) { return c.name == wanted; });
  return found == children.end() ? nullptr : &*found;
}

const XmlNode* XmlNode::find(std::string_view path) const {
  const XmlNode* node = this;
  while (node && !path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    node = node->child(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return node;
}

std::string XmlNode::text_at(std::string_view path) const {
  const XmlNode* node = find(path);
  return node ? node->text : "";
}

std::int64_t XmlNode::number_at(std::string_view path) const {
  const std::string digits = text_at(path);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

const std::vector<XmlNode>& XmlNode::list_at(std::string_view path) const {
  static const std::vector<XmlNode> none;
  const XmlNode* node = find(path);
  return node ? node->children : none;
}

XmlNode parse_xml(std::string_view text) {
  if (text.size() > largest) throw Error(fmt::format("XML of more than {} bytes", largest));
  static const Backend backend("xml");
  auto* const parse = backend.function<mlops_xml_parse_fn>("mlops_xml_parse");
  Builder builder;
  const mlops_xml_sink sink{&builder, on_open, on_text, on_close};
  mlops_xml_result result{};
  parse(text.data(), text.size(), deepest, &sink, &result);
  if (result.failed) throw Error(fmt::format("not XML: {} (at byte {})", result.message, result.offset));
  if (!builder.open.empty() || builder.root.name.empty()) throw Error("not XML: there is not enough memory");
  return std::move(builder.root);
}

}  // namespace mlops::aws
