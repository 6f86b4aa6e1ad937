#include <csignal>

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#ifdef __SANITIZE_ADDRESS__
#include <chrono>
#include <filesystem>
#include <thread>
// Looking for leaks while threads end crashes the one who looks (GCC 12): they have a moment to end before.
static void await_threads() {
  using namespace std::chrono_literals;
  const auto threads = [] {
    std::error_code none;
    return std::distance(std::filesystem::directory_iterator("/proc/self/task", none), std::filesystem::directory_iterator());
  };
  for (int i = 0; i < 2000 && threads() > 1; ++i) std::this_thread::sleep_for(1ms);
}
#else
static void await_threads() {}
#endif

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // as in the program: a peer that has gone is an error of its own
  const int status = Catch::Session().run(argc, argv);
  await_threads();
  return status;
}
