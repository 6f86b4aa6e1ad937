#include <unistd.h>

#include "facts/groups.hpp"

namespace mlops::facts {

Value host() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  Value v;
  v.set("name", std::string(name));
  return v;
}

}  // namespace mlops::facts
