// Different paths that lead to the same file through links.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "machine/machine.hpp"
#include "model/claim.hpp"

namespace mlops {

// Reads through to another reader, which must outlive it, and remembers which paths were links.
class LinkRecorder : public MachineReader, FileReader {
 public:
  explicit LinkRecorder(const MachineReader& machine) : machine_(machine) {}
  const std::vector<std::string>& links() const { return links_; }

  const FileReader& files() const override { return *this; }
  const AccountReader& accounts() const override { return machine_.accounts(); }
  const PackageReader& packages() const override { return machine_.packages(); }
  const ServiceReader& services() const override { return machine_.services(); }
  const CommandReader& commands() const override { return machine_.commands(); }
  const DownloadReader& downloads() const override { return machine_.downloads(); }
  const TunnelReader& tunnels() const override { return machine_.tunnels(); }
  const NetworkReader& network() const override { return machine_.network(); }

 private:
  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override;
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    return machine_.files().list(path);
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    return machine_.files().resolve(path);
  }
  std::optional<std::string> sha256(const std::string& path) const override {
    return machine_.files().sha256(path);
  }
  std::optional<Grants> grants(const std::string& path) const override { return machine_.files().grants(path); }
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
