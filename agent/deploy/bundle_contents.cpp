#include "deploy/bundle_contents.hpp"

#include <fmt/format.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/backend.hpp"
#include "base/error.hpp"
#include "base/own_executable.hpp"
#include "base/path_parts.hpp"
#include "base/person.hpp"
#include "base/process.hpp"

namespace mlops {
namespace {

// Not loaded by a run on a target.
constexpr std::string_view controller_only[] = {"ssh", "xml"};

// Libraries that glibc 2.36 installs and others link or load: they must all be of one version. They are
// included whether this program needs them or not: the target's name services may load them (the empty
// libpthread and its like, those that are older).
constexpr std::string_view c_library[] = {"libc.so.6",       "libm.so.6",         "libpthread.so.0",
                                          "libdl.so.2",      "librt.so.1",        "libutil.so.1",
                                          "libanl.so.1",     "libresolv.so.2",    "libnss_files.so.2",
                                          "libnss_dns.so.2", "libnss_compat.so.2"};

template <std::size_t N>
bool is_one_of(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// PT_INTERP of the program itself, which is the first object (dl_iterate_phdr(3)).
std::string interpreter() {
  std::string path;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* found) {
        for (int i = 0; i < info->dlpi_phnum; ++i)
          if (info->dlpi_phdr[i].p_type == PT_INTERP)
            *static_cast<std::string*>(found) =
                reinterpret_cast<const char*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        return 1;
      },
      &path);
  if (!path.starts_with('/')) throw Error("this program names no loader");
  return path;
}

// Lists a file's dependencies, as the loader of this process finds them.
std::string list_libraries(const std::string& file, const std::string& loader,
                           const Cancellation& cancellation) {
  Command command{.argv = own_command()};
  command.argv.pop_back();
  if (command.argv.empty()) command.argv = {loader};
  command.argv.insert(command.argv.end(), {"--list", file});
  if (const char* folders = std::getenv("LD_LIBRARY_PATH")) command.env["LD_LIBRARY_PATH"] = folders;
  const Person self = effective_person();
  const ProcessOptions options{.cancellation = &cancellation};
  const CommandResult result =
      run_process(command, {self.name, self.home, self.shell, self.uid, self.gid}, options);
  if (result.status != 0)
    throw Error(fmt::format("cannot find the libraries of {}: {}", file,
                            result.errors.substr(0, result.errors.find('\n'))),
                ErrorKind::unavailable);
  return result.output;
}

class Collection {
 public:
  Collection(std::string loader, const Cancellation& cancellation)
      : loader_(std::move(loader)), cancellation_(cancellation) {}

  void add(const std::string& name, const std::string& source) {
    files_[name] = {name, source, true};
    for (const auto& [soname, path] : listed_libraries(list_libraries(source, loader_, cancellation_)))
      if (!is_loader(soname)) add_library(soname, path);
  }
  std::vector<BundleFile> take() {
    add_rest_of_c_library();
    std::vector<BundleFile> list;
    for (auto& [name, file] : files_) list.push_back(std::move(file));
    return list;
  }

 private:
  bool is_loader(const std::string& soname) const { return name_of(soname) == name_of(loader_); }
  void add_library(const std::string& soname, const std::string& path) {
    const std::string name = (is_one_of(c_library, soname) ? "glibc/" : "lib/") + soname;
    files_[name] = {name, path, false};
  }
  void add_rest_of_c_library() {
    const auto libc = files_.find("glibc/libc.so.6");
    if (libc == files_.end()) throw Error("this program was not built with glibc", ErrorKind::unavailable);
    const std::string path = libc->second.source, folder = path.substr(0, path.rfind('/') + 1);
    for (const std::string_view name : c_library)
      if (const std::string source = folder + std::string(name); ::access(source.c_str(), R_OK) == 0)
        add_library(std::string(name), source);
    const std::string name = "glibc/" + std::string(name_of(loader_));
    files_[name] = {name, loader_, false};
  }

  std::string loader_;
  const Cancellation& cancellation_;
  std::map<std::string, BundleFile> files_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> listed_libraries(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> list;
  constexpr std::string_view arrow = " => ";
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    std::string_view line(text.data() + from, end - from);
    from = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const std::size_t at = line.find(arrow);
    if (at == std::string_view::npos) continue;  // the kernel's own, or a path named in the file
    const std::string name(line.substr(0, at));
    std::string_view path = line.substr(at + arrow.size());
    if (!path.starts_with('/'))
      throw Error(fmt::format("the library {} is not found here", name), ErrorKind::unavailable);
    path = path.substr(0, path.rfind(" (0x"));
    list.emplace_back(name_of(name), std::string(path));
  }
  return list;
}

BundleContents bundle_contents(const Cancellation& cancellation) {
  BundleContents contents{{}, interpreter()};
  Collection collection(contents.interpreter, cancellation);
  collection.add("bin/mlops-agent", own_executable());
  for (const std::string& name : backend_names())
    if (!is_one_of(controller_only, name))
      collection.add(fmt::format("backends/{}.so", name), fmt::format("{}/{}.so", backends_folder(), name));
  contents.files = collection.take();
  return contents;
}

}  // namespace mlops
