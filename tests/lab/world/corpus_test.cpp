#include "lab/world/corpus.hpp"

#include "lab/world/world_sampler.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace kedit;
using namespace kedit::test;

namespace {

lab::CorpusMixture only(double lab::CorpusMixture::*kind) {
  lab::CorpusMixture mixture;
  for (auto field :
       {&lab::CorpusMixture::stmt, &lab::CorpusMixture::qa, &lab::CorpusMixture::direct,
        &lab::CorpusMixture::cot, &lab::CorpusMixture::ctx1, &lab::CorpusMixture::ctxcot,
        &lab::CorpusMixture::chain, &lab::CorpusMixture::copy_start,
        &lab::CorpusMixture::copy_end}) {
    mixture.*field = 0;
  }
  mixture.*kind = 1;
  return mixture;
}

std::string texts(lab::LabCorpus& corpus, int documents, double progress = 1.0) {
  std::string all;
  for (int i = 0; i < documents; ++i) all += lab::document_text(corpus.next(progress)) + "\n";
  return all;
}

/// What stands between "Question: " and the line's end, each once.
std::set<std::string> questions_in(const std::string& text) {
  constexpr std::string_view kMark = "Question: ";
  std::set<std::string> found;
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
    const std::size_t begin = at + kMark.size();
    found.insert(text.substr(begin, text.find('\n', begin) - begin));
  }
  return found;
}

/// One fact, about an object that ends in a full stop.
std::shared_ptr<const lab::World> small_world() {
  lab::World world;
  world.entities = {{"Q1", "", "Avia"}, {"Q2", "", "Corun, D.C."}};
  world.relations = {"P36"};
  world.facts = {{0, 0, 1}};
  world.build_index();
  return std::make_shared<const lab::World>(std::move(world));
}

/// Every trained wording of the question for a two- or three-hop chain.
std::vector<std::string> wordings(const lab::World& world, const lab::Chain& chain) {
  std::vector<std::int32_t> path;
  for (std::int32_t number : chain) path.push_back(world.fact(number).relation);
  std::vector<std::string> all;
  for (int choice = 0; choice < 8; ++choice) {
    all.push_back(lab::nested_question(world, world.fact(chain.front()).subject, path, choice & 1,
                                       {(choice >> 1) & 1, (choice >> 2) & 1}));
  }
  return all;
}

}  // namespace

TEST_CASE("LabCorpus: the same seed draws the same documents") {
  lab::LabCorpus a(lab_world(), 11), b(lab_world(), 11), c(lab_world(), 12);
  const std::string first = texts(a, 200, 0.3);
  CHECK(first == texts(b, 200, 0.3));
  CHECK(first != texts(c, 200, 0.3));
}

TEST_CASE("LabCorpus: a saved state continues with the same documents") {
  lab::LabCorpus corpus(lab_world(), 11);
  texts(corpus, 100);
  const std::string state = corpus.state();
  const std::string expected = texts(corpus, 100);
  lab::LabCorpus resumed(lab_world(), 99);
  resumed.restore(state);
  CHECK(texts(resumed, 100) == expected);
}

TEST_CASE("LabCorpus: a malformed state is refused and changes nothing") {
  lab::LabCorpus corpus(lab_world(), 11);
  const std::string state = corpus.state();
  for (const std::string& bad : {std::string(), state.substr(0, 20), state + "0", "x" + state,
                                 state.substr(0, state.size() - 1) + "g"}) {
    CHECK_THROWS_AS(corpus.restore(bad), DataError);
  }
  CHECK(corpus.state() == state);
}

TEST_CASE("LabCorpus: tokenizer texts hold every template and name without drawing documents") {
  lab::LabCorpus corpus(lab_world(), 11);
  const std::string state = corpus.state();
  const auto all = corpus.tokenizer_texts(50);
  CHECK(corpus.state() == state);
  std::string joined;
  for (const std::string& text : all) joined += text + "\n";
  for (const char* words :
       {"capital city is", "It is a fact that", "Thoughts:", "Chain:", "Facts:"}) {
    CHECK(joined.find(words) != std::string::npos);
  }
  for (const lab::Entity& entity : lab_world()->entities) {
    CHECK(joined.find(" " + entity.name) != std::string::npos);
  }
}

TEST_CASE("LabCorpus: document pieces meet only where no token spans the border") {
  lab::LabCorpus corpus(lab_world(), 7);
  const std::set<float> known = {1.0F, 0.6F, 0.4F, 0.1F, 0.02F};
  for (int i = 0; i < 3000; ++i) {
    const Document document = corpus.next(0.05);
    REQUIRE_FALSE(document.pieces.empty());
    for (std::size_t p = 0; p < document.pieces.size(); ++p) {
      const DocumentPiece& piece = document.pieces[p];
      REQUIRE_FALSE(piece.text.empty());
      REQUIRE(known.count(piece.weight) == 1);
      REQUIRE(piece.text.back() != ' ');
      if (p == 0 || piece.text[0] == ' ' || piece.text[0] == '\n') continue;
      REQUIRE(piece.text == ".");
      REQUIRE(std::isalnum(static_cast<unsigned char>(document.pieces[p - 1].text.back())) != 0);
    }
  }
}

TEST_CASE("LabCorpus: the requested share of documents begins with a blank") {
  lab::CorpusMixture mixture;
  const double share = GENERATE(0.0, 0.5, 1.0);
  mixture.leading_blank = share;
  lab::LabCorpus corpus(lab_world(), 7, mixture);
  int blanks = 0;
  for (int i = 0; i < 1000; ++i) blanks += lab::document_text(corpus.next(1.0))[0] == ' ' ? 1 : 0;
  CHECK(blanks == Approx(1000 * share).margin(60));
}

TEST_CASE("LabCorpus: copy documents fade out at the given share of training") {
  lab::CorpusMixture mixture = only(&lab::CorpusMixture::stmt);
  mixture.copy_start = 3;
  mixture.copy_until = 0.5;
  lab::LabCorpus corpus(lab_world(), 7, mixture);
  const auto blocks = [&](double progress) {
    int count = 0;
    for (int i = 0; i < 2000; ++i) {
      count +=
          lab::document_text(corpus.next(progress)).find("Facts:") != std::string::npos ? 1 : 0;
    }
    return count;  // half of the copy documents start with a facts block
  };
  CHECK(blocks(0.0) == Approx(750).margin(80));
  CHECK(blocks(0.25) == Approx(600).margin(80));
  CHECK(blocks(0.5) == 0);
  CHECK(blocks(1.0) == 0);
}

TEST_CASE("LabCorpus: held-out chains are never asked in training") {
  const auto world = lab_world();
  std::set<std::string> held_out;
  for (int hops = 2; hops <= 3; ++hops) {
    for (const lab::Chain& chain : lab::chains_of(*world, hops)) {
      if (!lab::held_out_chain(*world, chain)) continue;
      for (const std::string& text : wordings(*world, chain)) held_out.insert(text);
    }
  }
  CHECK(held_out.size() > 8000);
  lab::LabCorpus corpus(world, 21);
  std::size_t asked = 0;
  for (const std::string& question : questions_in(texts(corpus, 20000))) {
    INFO(question);
    REQUIRE(held_out.count(question) == 0);
    ++asked;
  }
  CHECK(asked > 5000);
}

TEST_CASE("LabCorpus: held-out templates never occur in training") {
  const auto world = lab_world();
  lab::LabCorpus corpus(world, 22);
  const std::string text = texts(corpus, 3000);
  for (const lab::WorldFact& fact : world->facts) {
    const RelationTemplates& relation = world->text(fact.relation);
    for (const auto* list : {&relation.held_out_statements, &relation.held_out_questions}) {
      for (const std::string& form : *list) {
        const std::string filled = fill_template(form, world->name(fact.subject));
        INFO(filled);
        REQUIRE(text.find(filled) == std::string::npos);
      }
    }
  }
  for (const std::string& lead_in : held_out_lead_ins())
    CHECK(text.find(lead_in) == std::string::npos);
}

TEST_CASE("LabCorpus: questions in training have the true answer") {
  const auto world = lab_world();
  std::set<std::string> answers;
  for (const lab::WorldFact& fact : world->facts) {
    for (const std::string& form : world->text(fact.relation).questions) {
      answers.insert(fill_template(form, world->name(fact.subject)) +
                     "\nAnswer: " + world->name(fact.object));
    }
  }
  lab::LabCorpus corpus(world, 23, only(&lab::CorpusMixture::qa));
  for (int i = 0; i < 500; ++i) {
    std::string text = lab::document_text(corpus.next(1.0));
    text.erase(0, text.find("Question: "));
    for (std::size_t end = 0; end != std::string::npos;) {
      end = text.find("\n\n");
      const std::string pair = text.substr(10, end == std::string::npos ? end : end - 10);
      INFO(pair);
      REQUIRE(answers.count(pair) == 1);
      if (end != std::string::npos) text.erase(0, end + 2);
    }
  }
}

TEST_CASE("LabCorpus: a world of one fact gives documents of every kind") {
  const auto world = small_world();
  for (auto kind :
       {&lab::CorpusMixture::stmt, &lab::CorpusMixture::qa, &lab::CorpusMixture::direct,
        &lab::CorpusMixture::cot, &lab::CorpusMixture::ctx1, &lab::CorpusMixture::ctxcot,
        &lab::CorpusMixture::chain, &lab::CorpusMixture::copy_end}) {
    lab::CorpusMixture mixture = only(kind);
    mixture.copy_until = 0;
    lab::LabCorpus corpus(world, 5, mixture);
    for (int i = 0; i < 200; ++i) {
      const std::string text = lab::document_text(corpus.next(1.0));
      INFO(text);
      REQUIRE(text.size() > 10);
      REQUIRE(text.find("..") == std::string::npos);
      REQUIRE(text.find("{}") == std::string::npos);
    }
  }
  CHECK(lab::lab_probes(*world, 10, 1).size() > 10);
  CHECK(lab::blind_baseline(*world, 2) == 0.0);
}

TEST_CASE("LabCorpus: an empty world is refused") {
  CHECK_THROWS_AS(lab::LabCorpus(std::make_shared<const lab::World>(), 1), DataError);
  CHECK_THROWS_AS(lab::LabCorpus(nullptr, 1), DataError);
}
