// How the reads of downloads are recorded in a plan.
#include <fmt/format.h>

#include "domains/downloads/domain.hpp"

namespace mlops {

void note(const ReadPublished& q, const ReadPublished::Result& found, Preconditions& p) {
  p[fmt::format("digest of {} at {}", q.file_name, q.sha256_url)] = found;
}

}  // namespace mlops
