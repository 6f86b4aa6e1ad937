// A folder with a playbook and files beside it, checked with the small modules.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "playbook/playbook.hpp"
#include "support/small_modules.hpp"

namespace mlops::test {

class Site {
 public:
  Site() {
    std::string pattern = (std::filesystem::temp_directory_path() / "site-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    folder_ = pattern + "/";
    options.home = "/home/ubuntu";
  }
  ~Site() { std::filesystem::remove_all(folder_); }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  LoadOptions options;

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + name, std::ios::binary) << text;
    return folder_ + name;
  }

  // The mistakes of a playbook as they are shown, its files named as beside it.
  std::string mistakes(const std::string& playbook) {
    write("site.json", playbook);
    return mistakes_of("site.json");
  }
  std::string mistakes_of(const std::string& name) {
    Diagnostics diagnostics;
    const Playbook loaded = load_playbook(folder_ + name, options, small_modules(), diagnostics);
    std::string all;
    for (const Diagnostic& d : diagnostics.list()) all += to_text(d);
    for (std::size_t at = all.find(folder_); at != std::string::npos; at = all.find(folder_, at))
      all.erase(at, folder_.size());
    return all;
  }

  // A playbook that is right. Throws what is wrong with it otherwise.
  Playbook load(const std::string& playbook) {
    Diagnostics diagnostics;
    Playbook loaded = load_playbook(write("site.json", playbook), options, small_modules(), diagnostics);
    for (const Diagnostic& d : diagnostics.list()) throw std::runtime_error(to_text(d));
    return loaded;
  }

 private:
  std::string folder_;
};

}  // namespace mlops::test
