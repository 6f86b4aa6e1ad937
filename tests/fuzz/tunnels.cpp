// Feeds texts to what reads a tunnel's record, the questions and answers on its control socket, and SOCKS
// requests.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER …
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../support/replay.hpp"
#include "base/error.hpp"
#include "domains/tunnels/control.hpp"
#include "domains/tunnels/keeper/socks.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace {

using namespace mlops;

void require(bool holds) {
  if (!holds) std::abort();
}

// A record that is taken names a tunnel that could have been written, and says the same when it is.
void check_record(const std::string& text) {
  const auto tunnel = parse_tunnel(text);
  if (!tunnel) return;
  require(is_tunnel_name(tunnel->name) && !tunnel->via.empty() && !tunnel->listen.empty());
  require(parse_tunnel(tunnel_text(*tunnel)) == tunnel);
}

void check_control(const std::string& text) {
  if (const auto question = decode_question(text)) require(encode(*question) == text);
  try {
    const TunnelStatus status = decode_status(text);
    require(is_tunnel_name(status.settings.name));
    require(decode_status(encode(status)).settings == status.settings);
    require(encode(status).size() < control_frame_limit || text.size() > control_frame_limit / 8);
  } catch (const Error& e) {
    require(!e.message().empty());
  }
  const KeeperReport report = parse_report(text);
  const std::string line = to_line(report);
  require(line.find('\n') == line.size() - 1);
  require(parse_report(line.substr(0, line.size() - 1)).kind == report.kind);
}

// No more is read than the request has, no more than its longest form is kept, and what is complete is a host
// and a port.
void check_socks(const std::string& text) {
  SocksRequest request;
  std::size_t at = 0;
  auto step = SocksRequest::Step::reading;
  while (step == SocksRequest::Step::reading && at < text.size()) {
    const std::size_t wanted = request.wanted();
    require(wanted > 0 && wanted <= 512);
    const std::size_t n = std::min(wanted, text.size() - at);
    step = request.take(std::string_view(text).substr(at, n));
    at += n;
    require(at <= 8 + 256 + 256 || text[0] == 5);
    require(request.reply().size() <= 10);
  }
  if (step == SocksRequest::Step::complete) {
    require(!request.host().empty() && request.host().size() <= 255 && request.port() != 0);
    require(request.host().find_first_of(std::string("\0\n \"'$`", 7)) == std::string::npos);
    require(!request.success().empty() && !request.failure(SocksRequest::Failure::general).empty());
  }
  if (step == SocksRequest::Step::refused) require(!request.problem().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_record(text);
  check_control(text);
  check_socks(text);
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  const Tunnel tunnel{
      .name = "jupyter", .via = "box", .listen = {"127.0.0.1", 8888, ""}, .target = {"::1", 80, ""}};
  return replay(
      argc, argv,
      {tunnel_text(tunnel), encode(TunnelStatus{.settings = tunnel, .build = "0.1.0", .reason = "why"}),
       encode(TunnelQuestion::probe), encode(TunnelQuestion::stop), "up", "needs you: reason",
       std::string("\4\1\0\120\12\0\0\1me\0rest", 15),
       std::string("\4\1\0\120\0\0\0\7me\0box.example\0rest", 27),
       std::string("\5\2\2\0\5\1\0\1\12\0\0\1\0\120rest", 18), std::string("\5\1\0\5\1\0\3\3box\0\120rest", 17),
       std::string("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120", 25)});
}
#endif
