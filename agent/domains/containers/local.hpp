// Images of the container daemons of this machine.
#pragma once

#include <string>

#include "base/handle.hpp"
#include "base/process.hpp"
#include "base/progress.hpp"
#include "base/type_list.hpp"
#include "domains/containers/actions.hpp"
#include "domains/containers/engine.hpp"
#include "domains/containers/reader.hpp"
#include "domains/downloads/mirror.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/local_context.hpp"
#include "http/client.hpp"
#include "http/retry.hpp"

namespace mlops {

// curl is loaded by the first request. Not thread-safe.
class LocalContainers : public ContainerReader {
 public:
  // All must outlive it. mirror: a folder or a URL; "": none.
  LocalContainers(const ActingUser& who, std::string mirror, Walker& walker, const Cancellation& cancellation,
                  const ProgressSink& progress);

  std::optional<ContainerImage> image(const std::string& socket, const std::string& name) const override;

  // Error with what a person can do; Error cancelled at once. What is interrupted may be repeated.
  void perform(const PullImage& action);
  void perform(const LoadImage& action);
  void perform(const TagImage& action);
  void perform(const RemoveImage& action);

 private:
  struct Archive {
    Handle file;
    std::uint64_t size = 0;
  };
  ContainerEngine engine(const std::string& socket) const { return {http_, who_, socket}; }
  Archive file_archive(const std::string& path, const std::string& sha256);
  // Absent if neither the mirror nor, where asked for, the URL itself has it; causes says why.
  std::optional<Archive> fetched_archive(const std::string& url, const std::string& sha256, bool mirror_only,
                                         std::string& causes);
  std::optional<Archive> transferred(const std::string& place, const std::string& sha256, std::string& causes);
  void load(const std::string& socket, const std::string& name, const Archive& archive);
  void pull_from_registry(const PullImage& action);
  void tell(const std::string& doing, std::uint64_t done, std::uint64_t total) const;

  const ActingUser& who_;
  Mirror mirror_;
  Walker& walker_;
  const Cancellation& cancellation_;
  const ProgressSink& progress_;
  mutable HttpClient http_;
};

// The domain's part of the local machine.
struct ContainersLocal : LocalPart {
  explicit ContainersLocal(const LocalContext& c)
      : reader(c.who, c.mirror, c.walker, c.cancellation, c.progress) {}
  void perform(const OneOf<ContainerActions> auto& action) { reader.perform(action); }
  LocalContainers reader;
};

}  // namespace mlops
