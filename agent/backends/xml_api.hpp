// The interface of the xml backend: the elements of a text in their order, in plain C types. No exception
// crosses this boundary in either direction.
#pragma once

#include <cstddef>

extern "C" {

// What is told of each element. Texts end with a 0 byte and live as long as the call; each function ends the
// parse by returning non-zero.
struct mlops_xml_sink {
  void* context;
  int (*open)(void* context, const char* name);
  // The text directly in the element, entities replaced, white space kept; "" for none. More than one call if
  // elements or comments divide it.
  int (*text)(void* context, const char* text);
  int (*close)(void* context);
};

struct mlops_xml_result {
  int failed;          // 1: it is not well-formed, holds a document type, is too deep, or memory ran out
  std::size_t offset;  // in bytes, of the place
  char message[128];   // why, in words
};

// Elements more than `deepest` inside each other are refused, as are document types; of entities only XML's own
// five and numbers are replaced. Attributes, comments and processing instructions are skipped.
typedef void mlops_xml_parse_fn(const char* text, std::size_t size, std::size_t deepest,
                                const mlops_xml_sink* sink, mlops_xml_result* result);

}  // extern "C"
