#include "hosts/parallel_for.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace mlops {

void parallel_for(std::size_t count, std::size_t most, const std::function<void(std::size_t)>& work) {
  if (count == 0) return;
  if (count == 1) return work(0);
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(count, std::max<std::size_t>(most, 1)); ++i)
    threads.emplace_back([&] {
      for (std::size_t mine; (mine = next++) < count;) work(mine);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace mlops
