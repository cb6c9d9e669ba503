#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#endif
#include "tests/support/skip.hpp"

#include <iostream>
#include <set>

namespace {

/// A selection that matches no test case is a mistake in CMakeLists.txt; Catch2 3 says so by
/// itself.
void fail_without_tests([[maybe_unused]] Catch::Session& session) {
#ifdef CATCH_CONFIG_RUNNER
  auto& warnings = session.configData().warnings;
  warnings = static_cast<Catch::WarnAbout::What>(warnings | Catch::WarnAbout::NoTests);
#endif
}

}  // namespace

int main(int argc, char* argv[]) {
  Catch::Session session;
  if (const int fault = session.applyCommandLine(argc, argv); fault != 0) return fault;
  fail_without_tests(session);
  const int result = session.run();
  const auto& reasons = kedit::test::skip_reasons();
  if (result != 0 || reasons.empty()) return result;
  for (const std::string& reason : std::set<std::string>(reasons.begin(), reasons.end())) {
    std::cout << "skipped: " << reason << '\n';
  }
  return kedit::test::kSkipped;
}
