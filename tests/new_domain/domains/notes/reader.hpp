// Notes: short texts under names, a domain that only the test of new domains has.
#pragma once

#include <optional>
#include <string>

namespace mlops {

class NoteReader {
 public:
  virtual ~NoteReader() = default;
  // The note's text; absent if there is none of that name.
  virtual std::optional<std::string> note(const std::string& name) const = 0;
};

}  // namespace mlops
