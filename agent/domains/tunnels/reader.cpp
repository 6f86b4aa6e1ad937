#include "domains/tunnels/reader.hpp"

namespace mlops {

const char* to_text(TunnelView::State state) {
  switch (state) {
    case TunnelView::State::stopped:
      return "stopped";
    case TunnelView::State::silent:
      return "does not answer";
    case TunnelView::State::connecting:
      return "connecting";
    case TunnelView::State::away:
      return "away";
    case TunnelView::State::needs_you:
      return "needs you";
    case TunnelView::State::refused:
      return "target refuses";
    case TunnelView::State::up:
      return "up";
  }
  return "";
}

}  // namespace mlops
