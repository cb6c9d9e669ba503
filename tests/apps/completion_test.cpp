#include "model/catalogue/child_process.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"

#include <filesystem>

using namespace kedit::test;

namespace {

// What bash offers for the last of `words`, in a folder that holds only "script" and "smaller".
std::string offered(const ScratchFolder& folder, const std::string& words) {
  const std::string program = "source ./script; COMP_WORDS=(" + words +
                              "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kedit; "
                              "echo \"${COMPREPLY[@]}\"";
  return kedit::catalogue::run_child({"bash", "-c", program}, {.directory = folder.path()}).output;
}

}  // namespace

TEST_CASE("kedit completion: bash offers commands, options, names of models and files") {
  if (kedit::catalogue::run_child({"bash", "-c", "exit 0"}, {}).code != 0) {
    skip_test("no bash");
    return;
  }
  const ScratchFolder folder;
  write_text(folder / "script", run_kedit({"completion", "bash"}).out);
  write_text(folder / "smaller", "");
  CHECK(offered(folder, "kedit dem") == "demo\n");
  CHECK(offered(folder, "kedit model ge") == "generate get\n");
  CHECK(offered(folder, "kedit model get smo") == "smollm2-135m-instruct\n");
  CHECK(offered(folder, "kedit model info --verif") == "--verify-model\n");
  CHECK(offered(folder, "kedit model info --model sm") == "smollm2-135m-instruct smaller\n");
}
