// How the reads of images are recorded in a plan.
#include "domains/containers/domain.hpp"

namespace mlops {

void note(const FindImage& q, const FindImage::Result& found, Preconditions& p) {
  p["image " + image_key(q.socket, q.name)] = found ? found->id : "absent";
}

}  // namespace mlops
