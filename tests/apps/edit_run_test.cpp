#include "apps/edit_run.hpp"

#include "apps/options.hpp"
#include "model/model.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace kedit;
using namespace kedit::cli;
using namespace kedit::test;

namespace {

/// Solves whatever it is given at once: one delta for the whole batch, or one for each request. Its
/// edits are facts. Refuses a batch with subject "bad".
class BatchEditor : public Editor {
 public:
  explicit BatchEditor(bool one_delta) : one_delta_(one_delta) {}
  std::string_view name() const noexcept override { return "batch"; }
  Json settings_for(const Model&) const override { return Json::object(); }

  std::vector<EditDelta> edit(const EditedModel& model, const std::vector<EditRequest>& requests,
                              const RunContext&) const override {
    calls.push_back(requests.size());
    std::vector<EditDelta> deltas;
    for (const EditRequest& request : requests) {
      if (request.subject == "bad") throw EditError("editing bad: expected another subject");
      if (deltas.empty() || !one_delta_) {
        deltas.emplace_back();
        deltas.back().editor = "batch";
        deltas.back().base_fingerprint = model.base().fingerprint();
      }
      deltas.back().requests.push_back(request);
      deltas.back().facts.push_back(
          {request.subject, "", request.target_new, edit_sentence(request)});
    }
    return deltas;
  }

  mutable std::vector<std::size_t> calls;  // sizes of what it was given

 private:
  bool one_delta_;
};

std::vector<EditRequest> three_requests() {
  std::vector<EditRequest> requests;
  for (const char* subject : {"Avia", "Belmar", "Corun"}) {
    EditRequest request;
    request.id = subject;
    request.subject = subject;
    request.prompt = "The capital of {} is";
    request.target_new = "Dorel";
    requests.push_back(request);
  }
  return requests;
}

struct Workplace {
  ScratchFolder scratch;
  std::shared_ptr<const Model> base = Model::load(write_tiny_model(scratch / "model"));
  Store store = Store::open(scratch / "kedit.db", OpenMode::create);
  EditedModel model{base};

  Workplace() { store.put_model({base->fingerprint(), "qwen2", "model", "float32", 1, "out-in"}); }
  std::vector<std::string> live() const { return store.live("main", base->fingerprint()); }
  EditRun run(const Editor& editor, EditMode mode) {
    EditRun run{editor};
    run.store = &store;
    run.mode = mode;
    run.form = prompt_form("few-shot", {});
    return run;
  }
};

}  // namespace

TEST_CASE("edit_all: a batch is solved in one call, and every delta of it is committed") {
  Workplace place;
  const bool one_delta = GENERATE(false, true);
  const BatchEditor editor(one_delta);
  EditedRequests result;
  edit_all(place.run(editor, EditMode::batch), place.model, three_requests(), &result);
  CHECK(editor.calls == std::vector<std::size_t>{3});
  CHECK(result.failed.empty());
  REQUIRE(result.made.size() == 3);
  const std::vector<std::string> live = place.live();
  CHECK(live.size() == (one_delta ? 1U : 3U));
  CHECK(place.model.mounted() == live);
  CHECK(place.model.facts().size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    CHECK(result.made[i].request.id == three_requests()[i].id);
    CHECK(result.made[i].id == live.at(one_delta ? 0 : i));
    // Each is measured with all in place.
    CHECK(result.made[i].after.target_new != result.made[i].before.target_new);
  }
}

TEST_CASE("edit_all: a batch that cannot be solved is left out as a whole") {
  Workplace place;
  const BatchEditor editor(false);
  std::vector<EditRequest> requests = three_requests();
  requests[1].subject = "bad";
  EditedRequests result;
  edit_all(place.run(editor, EditMode::batch), place.model, requests, &result);
  CHECK(result.made.empty());
  CHECK(result.failed.size() == 3);
  CHECK(place.live().empty());
  CHECK(place.model.mounted().empty());
}

TEST_CASE("edit_all: one by one, a request that cannot be edited leaves those before it") {
  Workplace place;
  const BatchEditor editor(false);
  std::vector<EditRequest> requests = three_requests();
  requests[1].subject = "bad";
  EditRun run = place.run(editor, EditMode::sequential);
  run.keep_going = GENERATE(false, true);
  EditedRequests result;
  edit_all(run, place.model, requests, &result);
  CHECK(result.made.size() == (run.keep_going ? 2U : 1U));
  REQUIRE(result.failed.size() == 1);
  CHECK(result.failed[0].request_id == "Belmar");
  CHECK(place.live().size() == result.made.size());
}

TEST_CASE("edit_mode: batch is for editors that solve batches") {
  EditorInfo able;
  able.solves_batches = true;
  CHECK(edit_mode("batch", able) == EditMode::batch);
  CHECK(edit_mode("independent", able) == EditMode::independent);
  CHECK_THROWS_AS(edit_mode("batch", *find_editor("rome")), UsageError);
}
