#include <sys/utsname.h>

#include "facts/groups.hpp"

namespace mlops::facts {

Value kernel() {
  utsname names{};
  ::uname(&names);
  return std::string(names.release);
}

}  // namespace mlops::facts
