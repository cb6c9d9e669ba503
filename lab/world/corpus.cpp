#include "lab/world/corpus.hpp"

#include "lab/world/documents.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace kedit::lab {
namespace {

constexpr std::string_view kStateMark = "lab-corpus-1 ";

std::vector<double> kind_weights(const CorpusMixture& mixture, double progress) {
  const double done = mixture.copy_until > 0 ? std::min(1.0, progress / mixture.copy_until) : 1.0;
  const double copy = mixture.copy_start + done * (mixture.copy_end - mixture.copy_start);
  return {mixture.stmt, mixture.qa,     mixture.direct, mixture.cot,
          mixture.ctx1, mixture.ctxcot, mixture.chain,  copy};
}

Document draw(const WorldSampler& sampler, Random& random, const CorpusMixture& mixture,
              double progress) {
  const std::size_t kind = random.weighted(kind_weights(mixture, progress));
  LabDocuments documents(sampler, random, random.chance(mixture.leading_blank));
  switch (kind) {
    case 0:
      return documents.statements();
    case 1:
      return documents.questions();
    case 2:
      return documents.direct();
    case 3:
      return documents.thoughts();
    case 4:
      return documents.facts_in_context();
    case 5:
      return documents.chain_in_context();
    case 6:
      return documents.chains();
    default:
      return documents.copies();
  }
}

/// Every template of the relation, trained and held out, filled once.
void add_template_texts(const World& world, const WorldFact& fact,
                        std::vector<std::string>& texts) {
  const RelationTemplates& text = world.text(fact.relation);
  const std::string& subject = world.name(fact.subject);
  const std::string end = " " + world.name(fact.object) + ".";
  std::string all = " " + fill_template(text.cloze, subject) + end;
  for (const auto& list : {text.statements, text.held_out_statements}) {
    for (const std::string& form : list) all += " " + fill_template(form, subject) + end;
  }
  for (const auto& list : {text.questions, text.held_out_questions, text.noun_phrases}) {
    for (const std::string& form : list) all += " " + fill_template(form, subject);
  }
  texts.push_back(all);
}

}  // namespace

std::string document_text(const Document& document) {
  std::string text;
  for (const DocumentPiece& piece : document.pieces) text += piece.text;
  return text;
}

struct LabCorpus::Impl {
  Impl(std::shared_ptr<const World> world, std::uint64_t seed_, CorpusMixture mixture_)
      : sampler(std::move(world)), mixture(mixture_), seed(seed_), random(seed_) {}

  WorldSampler sampler;
  CorpusMixture mixture;
  std::uint64_t seed;
  Random random;
};

LabCorpus::LabCorpus(std::shared_ptr<const World> world, std::uint64_t seed,
                     CorpusMixture mixture) {
  if (!world || world->facts.empty()) {
    throw DataError("making the lab corpus: world: expected at least one fact, found none");
  }
  impl_ = std::make_unique<Impl>(std::move(world), seed, mixture);
}

LabCorpus::~LabCorpus() = default;
LabCorpus::LabCorpus(LabCorpus&&) noexcept = default;

Document LabCorpus::next(double progress) {
  return draw(impl_->sampler, impl_->random, impl_->mixture, progress);
}

std::string LabCorpus::state() const { return std::string(kStateMark) + impl_->random.state(); }

void LabCorpus::restore(const std::string& state) {
  if (state.rfind(kStateMark, 0) != 0) {
    throw DataError("restoring the lab corpus: state: expected '" + std::string(kStateMark) +
                    "' and 64 digits, found '" + state.substr(0, 80) + "'");
  }
  try {
    impl_->random.restore(state.substr(kStateMark.size()));
  } catch (const std::invalid_argument& error) {
    throw DataError(std::string("restoring the lab corpus: ") + error.what());
  }
}

std::vector<std::string> LabCorpus::tokenizer_texts(std::int64_t documents) {
  Random random(impl_->seed ^ 0x746F6B656E697A65ULL);
  const World& world = impl_->sampler.world();
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < documents; ++i) {
    texts.push_back(document_text(draw(impl_->sampler, random, impl_->mixture, 1.0)));
  }
  std::vector<bool> written(world.relations.size(), false);
  for (const WorldFact& fact : world.facts) {
    const auto relation = static_cast<std::size_t>(fact.relation);
    if (!written[relation]) add_template_texts(world, fact, texts);
    written[relation] = true;
  }
  for (const auto& list : {trained_lead_ins(), held_out_lead_ins()}) {
    for (const std::string& lead_in : list) texts.push_back(lead_in + " ");
  }
  for (const Entity& entity : world.entities) texts.push_back(" " + entity.name);
  return texts;
}

}  // namespace kedit::lab
