// Different paths that lead to the same file through links.
#pragma once

#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "domains/query.hpp"
#include "model/claim.hpp"

namespace mlops {

// Reads through to another reader, which must outlive it, and remembers which paths were links.
class LinkRecorder : public AskedMachine<LinkRecorder> {
 public:
  explicit LinkRecorder(const MachineReader& machine) : machine_(machine) {}
  const std::vector<std::string>& links() const { return links_; }

  template <class Query>
  typename Query::Result ask(const Query& query) const {
    auto found = answer(query, machine_);
    if constexpr (std::is_same_v<Query, ViewFile>)
      if (found && found->status.type == FileType::symlink) links_.push_back(query.path);
    return found;
  }

 private:
  std::string fingerprint(const std::string& path, Depth depth) const override {
    return machine_.files().fingerprint(path, depth);
  }

  const MachineReader& machine_;
  mutable std::vector<std::string> links_;
};

// Resolves claimed paths; caches folders.
class RealPaths {
 public:
  // The claims of paths that go through links, under the resolved path. links: claimed paths that are links
  // themselves. What cannot be read, or is not known yet, stays as it is.
  Claims renamed(const Claims& claims, const FileReader& files, const std::vector<std::string>& links);
  // To be called when links may have changed.
  void forget() { folders_.clear(); }

 private:
  const std::string& folder(const std::string& path, const FileReader& files);
  std::unordered_map<std::string, std::string> folders_;
};

}  // namespace mlops
