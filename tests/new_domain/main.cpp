// The program of the tests of a new domain, which is also its own helper.
#include <cstring>

#include "machine/privilege/piped.hpp"
#include "state/state_journals.hpp"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int main(int argc, char** argv) {
  using namespace mlops;
  if (argc == 6 && std::strcmp(argv[1], "helper") == 0) return serve_helper(argv[3], argv[5], make_journals);
  return Catch::Session().run(argc, argv);
}
