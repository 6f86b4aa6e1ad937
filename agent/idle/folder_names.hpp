// The names in a folder, read to the end or not at all.
#pragma once

#include <functional>

namespace mlops {

// Calls visit with each name but . and .., in no order, until it returns false. 0, or the errno that kept it
// from reading all of them: readdir(3) alone would end as if there were no more. folder: open for reading; it
// stays so, and is read from its beginning.
int for_each_name(int folder, const std::function<bool(const char*)>& visit);

}  // namespace mlops
