#include "cli/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace mlops {
namespace {

// A signal handler can only reach its object through a global.
std::atomic<Cancellation*> target{nullptr};

extern "C" void on_signal(int number) {
  Cancellation* cancellation = target.load();
  if (cancellation && !cancellation->cancelled()) {
    cancellation->cancel();
    return;
  }
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(number, &action, nullptr);
}

}  // namespace

InterruptHandler::InterruptHandler(Cancellation& cancellation) {
  target = &cancellation;
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
  struct sigaction before {};
  // A lost terminal stops a run too, unless nohup ignores the signal.
  if (::sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) handle(SIGHUP, on_signal);
  handle(SIGPIPE, SIG_IGN);
}

InterruptHandler::~InterruptHandler() {
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) handle(SIGHUP, SIG_DFL);
  target = nullptr;
}

}  // namespace mlops
