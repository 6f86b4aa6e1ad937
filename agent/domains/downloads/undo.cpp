// How a download is reverted: as a file that was written.
#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/inverse.hpp"
#include "domains/leftovers.hpp"

namespace mlops {

void capture(const Download& a, CaptureBefore& c, Before& b) { c.whole(c.real(a.path, true), b); }
Inverse invert(const Download& a, const Before& b) { return inverse_of_write(a.path, b, false); }
bool satisfied(const Download&, const MachineReader&) { return false; }
void touch(const Download& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void add_leftovers(const Download& a, LeftoverSearch& s) { s.add_staged(a.path, "part"); }
const std::string* target_path(const Download& a) { return &a.path; }

}  // namespace mlops
