// A file of ~/.ssh that resources edit: its text, and how it and its folder are made as ssh takes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "domains/files/reader.hpp"
#include "resource/module.hpp"

namespace mlops {

struct SshFile {
  std::string path;
  std::optional<std::string> text;  // absent if there is none
  std::uint32_t mode = 0;
  bool has_folder = false;   // that contains the file
  std::string missing;       // that folder's missing parent; "" if it exists
  std::string owner, group;  // for new files: those of the folder, or of its parent
};

// Error if it cannot be read.
SshFile read_ssh_file(const FileReader& files, const std::string& path);

// Adds the actions that give it the text: a new one with mode 0600, its folder with 0700. Error if the folder's
// parent does not exist.
void write_ssh_file(const SshFile& file, std::string text, Diff& diff);

}  // namespace mlops
