// The groups of facts, gathered by reading files and by system calls; one function and one file each. A fact
// that cannot be determined is null. root is prepended to the paths of the files read: "" except in tests.
#pragma once

#include <string>

#include "base/person.hpp"
#include "model/value.hpp"

namespace mlops::facts {

Value os(const std::string& root = "");
Value arch();
Value kernel();
Value cpu(const std::string& root = "");
Value memory();
Value user(const Person& person);
Value host();
Value init(const std::string& root = "");
Value container(const std::string& root = "");

// Debian's name of an architecture (dpkg-architecture(1)), from the machine's name and the size of a pointer in
// bits. Null if Debian has none.
Value debian_architecture(const std::string& machine, int pointer_bits);
// The content of a small file; "" if it cannot be read.
std::string content_of(const std::string& path);

}  // namespace mlops::facts
