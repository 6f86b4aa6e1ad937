// Whether a list has an item.
#pragma once

#include <algorithm>

namespace mlops {

template <class List, class Item>
bool contains(const List& list, const Item& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace mlops
