// XML through pugixml.
#include <cstdio>
#include <cstring>
#include <new>
#include <pugixml.hpp>

#include "backends/xml_api.hpp"

namespace {

constexpr unsigned options = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_doctype |
                             pugi::parse_ws_pcdata_single;

void fail(mlops_xml_result& result, std::ptrdiff_t offset, const char* why) {
  result.failed = 1;
  result.offset = offset < 0 ? 0 : static_cast<std::size_t>(offset);
  std::snprintf(result.message, sizeof result.message, "%s", why);
}

// Tells one element and, recursively, those in it; depth counts from 1. False if it ended.
bool tell(const pugi::xml_node& element, std::size_t depth, std::size_t deepest, const mlops_xml_sink& sink,
          mlops_xml_result& result) {
  if (depth > deepest) {
    fail(result, element.offset_debug(), "too many elements inside each other");
    return false;
  }
  if (sink.open(sink.context, element.name()) != 0) return false;
  for (const pugi::xml_node& node : element.children()) {
    const bool is_text = node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
    if (is_text && sink.text(sink.context, node.value()) != 0) return false;
    if (node.type() == pugi::node_element && !tell(node, depth + 1, deepest, sink, result)) return false;
  }
  return sink.close(sink.context) == 0;
}

void parse(const char* text, std::size_t size, std::size_t deepest, const mlops_xml_sink& sink,
           mlops_xml_result& result) {
  if (const void* zero = std::memchr(text, 0, size))
    return fail(result, static_cast<const char*>(zero) - text, "a byte that is 0");
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(text, size, options, pugi::encoding_utf8);
  if (!parsed) return fail(result, parsed.offset, parsed.description());
  for (const pugi::xml_node& node : document.children())
    if (node.type() == pugi::node_doctype) return fail(result, 0, "a document type, which is not accepted");
  const pugi::xml_node root = document.document_element();
  if (root.next_sibling()) return fail(result, root.next_sibling().offset_debug(), "a second root element");
  tell(root, 1, deepest, sink, result);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) mlops_xml_parse_fn mlops_xml_parse;

void mlops_xml_parse(const char* text, std::size_t size, std::size_t deepest, const mlops_xml_sink* sink,
                     mlops_xml_result* result) {
  *result = {};
  try {
    parse(text, size, deepest, *sink, *result);
  } catch (const std::bad_alloc&) {
    fail(*result, 0, "there is not enough memory");
  }
}
