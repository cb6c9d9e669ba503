#include "lab/training.hpp"

#include "datasets/requests.hpp"
#include "edits/hash.hpp"
#include "lab/world/corpus.hpp"
#include "training/bpe_trainer.hpp"
#include "training/loss_curve.hpp"

#include <fmt/format.h>

#include <random>
#include <set>
#include <system_error>
#include <utility>

namespace kedit::lab {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCases = 400;
constexpr std::size_t kRequests = 300;
constexpr const char* kInvented = "invented";
constexpr std::uint64_t kCaseSeed = 1;
// The tokenizer's documents come from a stream of their own, so that its size does not move the
// training documents.
constexpr std::uint64_t kTokenizerStream = 0x746f6b656e697a65ULL;
// Likewise for the corpus of key statistics.
constexpr std::uint64_t kStatisticsStream = 0x7374617469737469ULL;
constexpr std::int64_t kStatisticsDocuments = 1500;

std::string train_tokenizer(const LabRecipe& recipe, const std::shared_ptr<const World>& world,
                            const RunContext& run) {
  run.report({"tokenizer", 0, 1, fmt::format("{} entries", recipe.shape.vocab)});
  LabCorpus corpus(world, recipe.seed ^ kTokenizerStream, recipe.mixture);
  const auto texts = corpus.tokenizer_texts(recipe.tokenizer_documents);
  std::string json = train_byte_level_bpe(texts, recipe.shape.vocab);
  run.report({"tokenizer", 1, 1, fmt::format("{} entries", recipe.shape.vocab)});
  return json;
}

DocumentSource source_of(LabCorpus& corpus) {
  return {[&corpus](double progress) { return corpus.next(progress); },
          [&corpus] { return corpus.state(); },
          [&corpus](const std::string& state) { corpus.restore(state); }};
}

// The distinct edits of the cases, as far as there are `kRequests`.
std::vector<EditRequest> requests_of_cases(const std::vector<MquakeCase>& cases) {
  std::vector<EditRequest> requests;
  std::set<std::string> seen;
  for (const MquakeCase& one : cases) {
    for (EditRequest& request : requests_of(one)) {
      if (requests.size() < kRequests && seen.insert(edit_sentence(request)).second) {
        requests.push_back(std::move(request));
      }
    }
  }
  return requests;
}

void write_data(const LabRecipe& recipe, const LabData& data, const LabPaths& paths) {
  write_mquake(paths.mquake, data.cases);
  write_requests(paths.requests,
                 recipe.facts == kInvented
                     ? make_requests(*data.world, static_cast<std::int64_t>(kRequests), kCaseSeed)
                     : requests_of_cases(data.cases));
}

// Texts for key statistics, one a line: the lines of documents of a stream of their own.
void write_corpus(const LabRecipe& recipe, const LabData& data, const LabPaths& paths) {
  LabCorpus corpus(data.world, recipe.seed ^ kStatisticsStream, recipe.mixture);
  std::string lines;
  for (std::int64_t i = 0; i < kStatisticsDocuments; ++i) {
    for (const DocumentPiece& piece : corpus.next(1.0).pieces) lines += piece.text;
    lines += '\n';
  }
  write_file_atomically(paths.corpus, lines);
}

void write_model(const LabRecipe& recipe, const Architecture& architecture,
                 const std::string& tokenizer_json, const TrainResult& result,
                 const LabPaths& paths) {
  fs::create_directories(paths.model);
  write_checkpoint(paths.model, architecture, result.weights);
  write_file_atomically(paths.model / "tokenizer.json", tokenizer_json);
  write_file_atomically(paths.model / "tokenizer_config.json",
                        to_text(lab_tokenizer_config(recipe.shape.max_positions), 2) + "\n");
}

void write_curve(const TrainResult& result, const LabPaths& paths) {
  write_file_atomically(paths.curve_csv, loss_curve_csv(result.curve));
  write_file_atomically(paths.curve_svg, loss_curve_svg(result.curve, "Training loss"));
}

LabData select_cases(MquakeDataset dataset, const std::string& selection) {
  std::vector<std::int64_t> ids;
  if (selection.empty()) {
    for (const MquakeCase& one : dataset.cases) ids.push_back(one.case_id);
  } else {
    ids = parse_case_selection(selection, dataset);
  }
  LabData data;
  data.world = std::make_shared<const World>(world_from_mquake(dataset, ids));
  const std::set<std::int64_t> chosen(ids.begin(), ids.end());
  for (MquakeCase& one : dataset.cases) {
    if (chosen.count(one.case_id) > 0) data.cases.push_back(std::move(one));
  }
  return data;
}

std::string statement_of(const World& world, const WorldFact& fact) {
  const auto name = [&](std::int32_t entity) {
    return world.entities[static_cast<std::size_t>(entity)].name;
  };
  std::string text = templates_of(world.relations[static_cast<std::size_t>(fact.relation)]).cloze;
  const auto slot = text.find("{}");
  if (slot != std::string::npos) text.replace(slot, 2, name(fact.subject));
  return text + " " + name(fact.object) + ".";
}

Json curve_json(const TrainResult& result) {
  Json points = Json::array();
  for (const LossPoint& point : summarize_curve(result.curve, 50)) {
    points.push_back(Json::array({point.step, point.loss}));
  }
  return points;
}

}  // namespace

LabPaths::LabPaths(fs::path directory)
    : root(std::move(directory)),
      model(root / "model"),
      mquake(root / "mquake.json"),
      requests(root / "requests.jsonl"),
      recipe(root / "recipe.json"),
      summary(root / "lab.json"),
      corpus(root / "corpus.txt"),
      curve_csv(root / "loss.csv"),
      curve_svg(root / "loss.svg"),
      work(root / ".training") {}

LabData lab_data(const LabRecipe& recipe, const std::optional<fs::path>& facts_file) {
  if (recipe.facts == kInvented) {
    auto world = std::make_shared<const World>(invent_world(recipe.world_seed));
    return {world, make_cases(*world, kCases, kCaseSeed)};
  }
  if (!facts_file) {
    throw DataError(fmt::format(
        "lab: recipe: facts come from {}: expected that file, found none; name it with --facts",
        recipe.facts));
  }
  MquakeDataset dataset = read_mquake(*facts_file);
  if (!recipe.facts_sha256.empty() && dataset.sha256 != recipe.facts_sha256) {
    throw DataError(fmt::format("lab: {}: expected the file with SHA-256 {}, found {}",
                                facts_file->string(), recipe.facts_sha256, dataset.sha256));
  }
  return select_cases(std::move(dataset), recipe.cases);
}

LabData lab_data(const LabRecipe& recipe, const LabPaths& paths) {
  if (recipe.facts == kInvented) return lab_data(recipe, std::nullopt);
  return select_cases(read_mquake(paths.mquake), "");
}

std::vector<std::string> lab_context_templates(const World& world, std::uint64_t seed) {
  std::vector<std::string> templates = {"{}"};
  const auto& lead_ins = trained_lead_ins();
  for (std::size_t i = 0; i < 3 && i < lead_ins.size(); ++i) {
    templates.push_back(lead_ins[i] + " {}");
  }
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3 && !world.facts.empty(); ++i) {
    const WorldFact& fact = world.facts[static_cast<std::size_t>(random() % world.facts.size())];
    templates.push_back(statement_of(world, fact) + " {}");
  }
  return templates;
}

// The other editors of located weights take these too, where they have them (settings_layers.hpp).
Json lab_rome_settings() {
  return {{"layers", {0}},          {"v_lr", 0.5},           {"v_lr_scaled", true},
          {"v_num_grad_steps", 25}, {"v_weight_decay", 0.5}, {"clamp_norm_factor", 4},
          {"kl_factor", 0.0625},    {"mom2_ridge", 0.01},    {"mom2_dataset", "corpus.txt"},
          {"stats", "auto"}};  // of so small a model they take a second
}

TrainResult train_lab(const LabRecipe& recipe, const LabData& data, const LabPaths& paths,
                      const RunContext& run) {
  fs::create_directories(paths.root);
  const std::string tokenizer_json = train_tokenizer(recipe, data.world, run);
  const auto tokenizer = Tokenizer::parse(tokenizer_json, "the lab's tokenizer");
  const Architecture architecture = qwen2_architecture(recipe.shape);
  LabCorpus corpus(data.world, recipe.seed, recipe.mixture);
  RunContext seeded = run;
  seeded.seed = recipe.seed;
  TrainResult result = train_decoder(architecture, *tokenizer, source_of(corpus), recipe.train,
                                     canonical_text(recipe_to_json(recipe)), paths.work, seeded);
  write_model(recipe, architecture, tokenizer_json, result, paths);
  write_file_atomically(paths.recipe, to_text(recipe_to_json(recipe), 2) + "\n");
  write_curve(result, paths);
  write_data(recipe, data, paths);
  write_corpus(recipe, data, paths);
  return result;
}

Json lab_tokenizer_config(std::int64_t max_positions) {
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"bos_token", "<|endoftext|>"},
          {"eos_token", "<|endoftext|>"},
          {"pad_token", "<|endoftext|>"},
          {"add_prefix_space", false},
          {"clean_up_tokenization_spaces", false},
          // else the reference library hands token types to a model that takes none
          {"model_input_names", {"input_ids", "attention_mask"}},
          {"model_input_names", {"input_ids", "attention_mask"}},
          {"model_max_length", max_positions}};
}

Json lab_summary(const LabRecipe& recipe, const World& world, const LabPaths& paths,
                 const TrainResult& result) {
  Json summary = Json::object();
  summary["recipe"] = recipe_to_json(recipe);
  summary["recipe_sha256"] = recipe_hash(recipe);
  summary["seed"] = recipe.seed;
  summary["fingerprint"] = Model::load(paths.model)->fingerprint();
  summary["world"] = {{"source", world.source},
                      {"seed", world.seed},
                      {"entities", world.entities.size()},
                      {"relations", world.relations.size()},
                      {"facts", world.facts.size()}};
  summary["training"] = {{"parameters", parameter_count(recipe.shape)},
                         {"tokens", result.tokens},
                         {"seconds_of_last_run", result.seconds},
                         {"final_loss", summarize_curve(result.curve, 50).back().loss},
                         {"curve", curve_json(result)}};
  summary["rome"] = lab_rome_settings();
  // On requests 1 to 100 of the shipped world: 99 forced one by one, 92 in one batch; and 75.
  summary["memit"] = {{"mom2_update_weight", 300}};
  summary["alphaedit"] = {{"L2", 1}};
  summary["context_templates"] = lab_context_templates(world, recipe.seed);
  return summary;
}

}  // namespace kedit::lab
