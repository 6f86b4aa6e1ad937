#include <sys/sysinfo.h>

#include "facts/groups.hpp"

namespace mlops::facts {

Value memory() {
  struct sysinfo info {};
  ::sysinfo(&info);
  Value v;
  v.set("bytes", std::uint64_t{info.totalram} * info.mem_unit);
  return v;
}

}  // namespace mlops::facts
