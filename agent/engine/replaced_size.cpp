#include "engine/replaced_size.hpp"

#include <string>
#include <vector>

namespace mlops {
namespace {

// Sums file sizes, and stops as soon as the sum exceeds the limit.
struct Weighing {
  const FileReader& files;
  std::uint64_t limit = 0, bytes = 0;
  std::size_t entries = 0;

  bool too_much() const { return bytes > limit; }
  void add(const std::string& path) {
    if (const auto status = files.status(path); status && status->type == FileType::regular)
      bytes += status->size;
  }
  void add_tree(const std::string& path) {
    constexpr std::size_t most_entries = 100'000;  // CaptureLimits
    if (too_much() || ++entries > most_entries) return;
    const auto status = files.status(path);
    if (!status || status->type != FileType::directory) return add(path);
    for (const std::string& name : files.list(path).value_or(std::vector<std::string>()))
      add_tree(path == "/" ? path + name : path + "/" + name);
  }
  void add(const Action& action) {
    if (const auto* write = std::get_if<WriteFile>(&action))
      add(files.resolve(write->path).value_or(write->path));
    if (const auto* download = std::get_if<Download>(&action))
      add(files.resolve(download->path).value_or(download->path));
    if (const auto* remove = std::get_if<RemovePath>(&action)) add_tree(remove->path);
  }
};

}  // namespace

bool replaces_more_than(std::uint64_t limit, std::span<const Action> actions, const FileReader& files) {
  Weighing weighing{files, limit};
  for (const Action& action : actions) {
    weighing.bytes = 0;
    try {
      weighing.add(action);
    } catch (const Error&) {
      return false;
    } catch (const Unknown&) {
      continue;
    }
    if (weighing.too_much()) return true;
  }
  return false;
}

}  // namespace mlops
