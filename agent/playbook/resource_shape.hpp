// The structure of a playbook's objects: their keys and the types of values.
#pragma once

#include <initializer_list>

#include "playbook/playbook.hpp"

namespace mlops {

// Splits one entry of `resources` into its parts. Structural mistakes are reported; the result's module is null
// if its type is missing or unknown.
Resource read_resource(Value&& entry, ModuleTable modules, Diagnostics& diagnostics);

// The folder of the file that contains a value, with a trailing slash; "" for the working folder.
std::string folder_beside(const Position& where);

// Reports a value of a wrong type: "`name` must be a text, found a list". Always false.
bool must_be(const Value& value, std::string_view key, std::string_view wanted, Diagnostics& diagnostics);
// The text, or "" after reporting.
std::string read_text(const Value& value, std::string_view key, Diagnostics& diagnostics);

struct PlacedText {
  std::string text;
  Position where;
};
// A list of texts, or a single text for a list of one.
std::vector<PlacedText> read_texts(const Value& value, std::string_view key, Diagnostics& diagnostics);

// Reports a key that its object cannot have, with the closest valid one.
void unknown_key(const Value::Member& member, std::initializer_list<const char*> known,
                 Diagnostics& diagnostics);

}  // namespace mlops
