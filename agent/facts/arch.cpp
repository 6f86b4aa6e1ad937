#include <sys/utsname.h>

#include <map>

#include "facts/groups.hpp"

namespace mlops::facts {

Value debian_architecture(const std::string& machine, int pointer_bits) {
  if (pointer_bits == 32 && machine == "x86_64") return "i386";
  if (pointer_bits == 32 && machine == "aarch64") return "armhf";
  const std::map<std::string, std::string> names = {
      {"x86_64", "amd64"},    {"aarch64", "arm64"},   {"i386", "i386"},          {"i486", "i386"},
      {"i586", "i386"},       {"i686", "i386"},       {"armv7l", "armhf"},       {"armv8l", "armhf"},
      {"armv6l", "armel"},    {"armv5tel", "armel"},  {"ppc64le", "ppc64el"},    {"s390x", "s390x"},
      {"riscv64", "riscv64"}, {"mips64", "mips64el"}, {"loongarch64", "loong64"}};
  const auto found = names.find(machine);
  return found == names.end() ? Value() : Value(found->second);
}

Value arch() {
  utsname names{};
  ::uname(&names);
  Value v;
  v.set("machine", std::string(names.machine));
  v.set("debian", debian_architecture(names.machine, static_cast<int>(8 * sizeof(void*))));
  return v;
}

}  // namespace mlops::facts
