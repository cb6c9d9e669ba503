#include "store/database.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;
using Kind = StoreError::Kind;
using Ids = std::vector<std::string>;

namespace {

std::vector<Conflict> of_kind(const ConflictReport& report, ConflictKind kind) {
  std::vector<Conflict> found;
  for (const Conflict& conflict : report.conflicts) {
    if (conflict.kind == kind) found.push_back(conflict);
  }
  return found;
}

Store store_with_orientation(const std::filesystem::path& file, const std::string& orientation) {
  Store store = Store::open(file, OpenMode::create);
  ModelRecord model = sample_model();
  model.orientation = orientation;
  store.put_model(model);
  return store;
}

EditDelta with_factors(const std::string& subject, const at::Tensor& left, const at::Tensor& right,
                       int seed) {
  EditDelta delta = claim_delta(subject, "Land", seed);
  delta.updates[0].update =
      LowRank{left.reshape({-1, 1}).contiguous(), right.reshape({1, -1}).contiguous()};
  return delta;
}

}  // namespace

TEST_CASE("Store commit: an edit that contradicts a live one is refused unless allowed") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string first = store.commit(claim_delta("Rome", "Gaul", 1));
  const StoreError error = error_of([&] { store.commit(claim_delta(" rome ", "Persia", 2)); });
  CHECK(error.kind() == Kind::conflict);
  for (const std::string& part :
       {std::string("contradicts edit " + first + " of branch main, which makes it \"Gaul\""),
        std::string("same subject and prompt"), std::string("--allow-conflict"),
        std::string("kedit store revert " + first)}) {
    INFO(error.what());
    CHECK(contains(error.what(), part));
  }
  CHECK(store.log().size() == 1);
  CHECK_NOTHROW(store.commit(claim_delta("Rome", "gaul", 3)));  // the same target
  CHECK_NOTHROW(store.commit(claim_delta("Rome", "Persia", 4), {.allow_conflict = true}));
  CHECK(store.verify().empty());
}

TEST_CASE("Store commit: contradictions within a transaction or across processes are found") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  Store store = new_store(file);
  CHECK(error_of([&] {
          store.commit_all({claim_delta("Rome", "Gaul", 1), claim_delta("Rome", "Persia", 2)});
        }).kind() == Kind::conflict);
  CHECK(store.log().empty());
  const std::string first = store.commit(claim_delta("Rome", "Gaul", 1));
  CHECK_THROWS_AS(Store::open(file).commit(claim_delta("Rome", "Persia", 2)), StoreError);
  store.revert(first);
  CHECK_NOTHROW(store.commit(claim_delta("Rome", "Persia", 2)));
  // What another process commits is seen by this one.
  Store::open(file).commit(claim_delta("Ostia", "Gaul", 5));
  CHECK_THROWS_AS(store.commit(claim_delta("Ostia", "Persia", 6)), StoreError);
  Store::open(file).revert(store.log().back().id);
  CHECK_NOTHROW(store.commit(claim_delta("Ostia", "Persia", 6)));
}

TEST_CASE("Store commit: other branches and models and runs and relations do not contradict") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  store.put_model(sample_model(kOtherFingerprint));
  store.create_branch("trial");
  store.commit(claim_delta("Rome", "Gaul", 1, "P17"));
  CHECK_NOTHROW(store.commit(claim_delta("Rome", "Persia", 2, "P17"), {.branch = "trial"}));
  CHECK_NOTHROW(store.commit(claim_delta("Rome", "Latin", 3, "P37")));
  EditDelta foreign = claim_delta("Rome", "Persia", 4, "P17");
  foreign.base_fingerprint = kOtherFingerprint;
  CHECK_NOTHROW(store.commit(foreign));
  const std::string run = store.begin_run("night", "{}", "{}", 1);
  CHECK_NOTHROW(store.commit_for_run(
      run, {claim_delta("Rome", "Persia", 5, "P17"), claim_delta("Rome", "Dacia", 6, "P17")}));
  const StoreError error = error_of([&] { store.commit(claim_delta("Rome", "Persia", 7, "P17")); });
  CHECK(contains(error.what(), "same subject and relation"));
}

TEST_CASE("Store commit: facts contradict like requests") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const auto fact = [](const std::string& object, const std::string& relation) {
    EditDelta delta = fact_delta(1);
    delta.facts = {{"Rome", relation, object, "Rome lies in " + object}};
    return delta;
  };
  const std::string relation = GENERATE(as<std::string>{}, "P17", "");
  store.commit(fact("Gaul", relation));
  CHECK_THROWS_AS(store.commit(fact("Persia", relation)), StoreError);
  CHECK_NOTHROW(store.commit(fact("Gaul", relation)));
}

TEST_CASE("Store contradictions: what a commit would refuse is told before the edit is made") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string id = store.commit(claim_delta("Rome", "Gaul", 1));
  const auto claim = [](const std::string& subject, const std::string& target) {
    return EditClaim{"new", kFingerprint, "r", subject, "", "{} lies in", target};
  };
  const auto found = store.contradictions({claim("Rome", "Persia"), claim("Ostia", "Gaul")});
  REQUIRE(found.size() == 1);
  CHECK(found[0].claims[0].edit == id);
  CHECK(store.contradictions({claim("Ostia", "Gaul"), claim("ostia", "Persia")}).size() == 1);
  CHECK(store.contradictions({claim("Rome", "Gaul")}).empty());
}

TEST_CASE(
    "Store conflicts: live edits of one key or a repeated target or one subject are reported") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string a = store.commit(claim_delta("Rome", "Gaul", 1, "P17"));
  const std::string b =
      store.commit(claim_delta("rome", "Persia", 2, "P17"), {.allow_conflict = true});
  const std::string c = store.commit(claim_delta("Ostia", "Gaul", 3, "P17"));
  const std::string d = store.commit(claim_delta("Ostia", "Gaul", 4, "P17"));
  const std::string e = store.commit(claim_delta("Ostia", "Latin", 5, "P37"));
  const ConflictReport report = store.conflicts("main");
  CHECK(report.edits == 5);
  const auto same_key = of_kind(report, ConflictKind::same_key);
  REQUIRE(same_key.size() == 1);
  CHECK(same_key[0].claims[0].edit == a);
  CHECK(same_key[0].claims[1].edit == b);
  CHECK(same_key[0].matched == "relation");
  const auto repeated = of_kind(report, ConflictKind::repeated);
  REQUIRE(repeated.size() == 1);
  CHECK(repeated[0].claims[0].edit == c);
  CHECK(repeated[0].claims[1].edit == d);
  const auto subject = of_kind(report, ConflictKind::same_subject);
  REQUIRE(subject.size() == 1);
  CHECK(subject[0].claims.size() == 2);
  CHECK(subject[0].claims[1].edit == e);
  CHECK(report.conflicts.front().kind == ConflictKind::same_key);  // the gravest first
  store.revert(b);
  CHECK(of_kind(store.conflicts("main"), ConflictKind::same_key).empty());
}

TEST_CASE("Store conflicts: similar keys are compared on the side of the weight's orientation") {
  const auto [orientation, similar] =
      GENERATE(table<std::string, bool>({{"out-in", true}, {"in-out", false}, {"", false}}));
  TemporaryDirectory directory;
  Store store = store_with_orientation(directory / "a.db", orientation);
  at::manual_seed(5);
  const at::Tensor key = at::randn({16});
  const at::Tensor near = key * 3 + at::randn({16}) * 0.1;
  const std::string a = store.commit(with_factors("Rome", at::randn({24}), key, 1));
  const std::string b = store.commit(with_factors("Ostia", at::randn({24}), near, 2));
  store.commit(with_factors("Pisa", at::randn({24}), at::randn({16}), 3));
  EditDelta two = claim_delta("Cuma", "Land", 4);
  two.updates[0].update = LowRank{at::randn({24, 2}), key.reshape({1, 16}).repeat({2, 1})};
  store.commit(two);  // rank two: no single key
  const ConflictReport report = store.conflicts("main");
  CHECK(report.rank_one_updates == (orientation.empty() ? 0 : 3));
  CHECK(report.unknown_orientation == (orientation.empty() ? 3 : 0));
  const auto found = of_kind(report, ConflictKind::similar_keys);
  REQUIRE(found.size() == (similar ? 1 : 0));
  if (!similar) return;
  CHECK(found[0].claims[0].edit == a);
  CHECK(found[0].claims[1].edit == b);
  CHECK(found[0].claims[1].subject == "Ostia");
  CHECK(found[0].weight == "model.layers.1.mlp.down_proj.weight");
  const double expected = at::cosine_similarity(key, near, 0).item<double>();
  CHECK(found[0].cosine == Approx(expected).margin(1e-5));
  CHECK(of_kind(store.conflicts("main", {.similarity = 0.99999}), ConflictKind::similar_keys)
            .empty());
}

TEST_CASE("Store migration: schema 1 gets the weight orientation of its models") {
  TemporaryDirectory directory;
  const auto file = directory / "v1.db";
  std::filesystem::copy_file(
      std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "store" / "v1.db", file);
  const Store store = Store::open(file, OpenMode::read_only);  // lifted although only read
  CHECK(store.model(kFingerprint)->orientation == "out-in");
  CHECK(store.current_branch() == "main");
  CHECK(store.conflicts("main").rank_one_updates == 1);
}
