// Values and solves of locate-then-edit editors, each beside the way of the reference programs in
// one run; results must agree before a time counts. A random GPT-2 of the shape asked for.
//
//   kedit_bench_edit [value|batch|solve] [HIDDEN LAYERS EDIT_LAYER VOCAB STEPS]
//                                                   default: all; 768 12 5 50257 4
//                                                   (m = 6400: kedit_bench_edit solve 1600)
//   value  one ROME value: 21 texts of 13 to 24 tokens and the KL row
//   batch  32 MEMIT values, 6 texts each, side by side and one by one
//   solve  MEMIT's system at m = 4 HIDDEN for 1, 100 and 1,000 edits, against LU
#include "editors/locate/closed_form.hpp"
#include "editors/locate/value_optimiser.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/editors/locate/plain_value_optimiser.hpp"
#include "tests/support/temporary_directory.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace {

using namespace kedit;
using locate::FactRows;
using locate::LocatedText;
using locate::ValueProblem;

struct Shape {
  std::int64_t hidden = 768, layers = 12, edit_layer = 5, vocab = 50257, steps = 4;
};

std::shared_ptr<const Model> random_model(const Shape& shape) {
  const TemporaryDirectory directory;
  Json config = test::tiny_config("gpt2");
  config["n_embd"] = shape.hidden;
  config["n_head"] = std::max<std::int64_t>(1, shape.hidden / 64);
  config["n_layer"] = shape.layers;
  config["n_inner"] = nullptr;
  config["vocab_size"] = shape.vocab;
  write_file_atomically(directory / "config.json", to_text(config));
  const Architecture architecture = read_architecture(directory.path());
  DecoderWeights weights;
  std::mt19937_64 random(1);
  for (const decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    *slot.tensor = at::empty(slot.shape, at::kFloat);
    const bool is_norm = slot.shape.size() == 1 && slot.name.find("weight") != std::string::npos;
    test::fill_normal(*slot.tensor, is_norm ? 1.0 : 0.0, slot.shape.size() == 1 ? 0.02 : 0.05,
                      random);
  }
  weights.head = weights.token_embedding;
  return Model::from_weights(architecture, weights, test::byte_tokenizer());
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

template <class Act>
double cpu_of(Act act) {
  const double before = cpu_seconds();
  act();
  return cpu_seconds() - before;
}

/// A prompt of 12 tokens whose subject ends at the eighth, in contexts of the given lengths, with a
/// target of two tokens. Token ids are drawn: what they are costs nothing.
ValueProblem problem_of(const Shape& shape, const std::vector<std::int64_t>& contexts, Site site,
                        std::mt19937_64& random) {
  std::uniform_int_distribution<std::int64_t> id(0, shape.vocab - 1);
  const auto draw = [&](std::int64_t n) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < n; ++i) ids.push_back(id(random));
    return ids;
  };
  ValueProblem problem;
  problem.name = "drawn";
  problem.layer = shape.edit_layer;
  problem.site = site;
  const std::vector<std::int64_t> prompt = draw(12);
  FactRows fact;
  fact.target = draw(2);
  for (const std::int64_t length : contexts) {
    std::vector<std::int64_t> ids = draw(length);
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    ids.push_back(fact.target.front());
    fact.rows.push_back({std::move(ids), length + 7});
  }
  problem.facts.push_back(std::move(fact));
  problem.essence = {{prompt.begin() + 4, prompt.begin() + 8}, 3};
  return problem;
}

std::vector<std::int64_t> rome_contexts() {
  std::vector<std::int64_t> lengths(21, 6);
  lengths[0] = 0;
  std::fill(lengths.begin() + 11, lengths.end(), 11);
  return lengths;
}

std::vector<std::int64_t> memit_contexts() { return {0, 11, 11, 11, 11, 11}; }

locate::ValueOptions options_of(const Shape& shape) {
  locate::ValueOptions options;
  options.num_grad_steps = shape.steps;
  options.stop_loss = 0.0;
  options.learning_rate = 0.05;
  return options;
}

test::PlainOptimiser plain_of(const EditedModel& model, const ValueProblem& problem,
                              const locate::ValueOptions& options) {
  test::PlainOptimiser plain{model, problem.layer, options, problem.site, {}, {}, {}};
  for (const LocatedText& row : problem.facts.front().rows) {
    plain.rows.push_back(row.ids);
    plain.lookup.push_back(row.position);
  }
  plain.rows.push_back(problem.essence.ids);
  plain.rows.back().insert(plain.rows.back().end(), {1, 2});  // "is a"
  plain.lookup.push_back(problem.essence.position);
  plain.target = problem.facts.front().target;
  return plain;
}

/// Multiplications and additions a second of one large product.
double gemm_speed() {
  const at::Tensor a = at::ones({1024, 1024});
  a.mm(a);
  const double seconds = cpu_of([&] {
    for (int i = 0; i < 8; ++i) a.mm(a);
  });
  return 8 * 2.0 * 1024 * 1024 * 1024 / seconds;
}

/// What a step computes in products with weights: (rows x tokens), layers and logits of each pass.
double step_flops(const Shape& shape, double tokens, double passes_below, double logits) {
  const double layer = 12.0 * static_cast<double>(shape.hidden * shape.hidden);
  const double head = static_cast<double>(shape.hidden * shape.vocab);
  const auto above = static_cast<double>(shape.layers - 1 - shape.edit_layer);
  const auto below = static_cast<double>(shape.edit_layer + 1) * passes_below;
  return 2.0 * tokens * layer * (below + 2.0 * above) + 2.0 * 2.0 * logits * head;
}

void check(double error, double bound) {
  if (error < bound) return;
  fmt::print(stderr, "the results differ by {:.2e} relative: no time counts\n", error);
  std::exit(EXIT_FAILURE);
}

void bench_value(const Shape& shape, const EditedModel& model) {
  std::mt19937_64 random(7);
  const ValueProblem problem = problem_of(shape, rome_contexts(), Site::mlp_value, random);
  const auto options = options_of(shape);
  locate::ValueResult expected, found;
  const double plain = cpu_of([&] { expected = plain_of(model, problem, options).run(); });
  const double fast = cpu_of([&] { found = locate::optimise_value(model, problem, options, {}); });
  check(test::relative_error(found.delta, expected.delta), 1e-4);
  const double speed = gemm_speed();
  const auto steps = static_cast<double>(shape.steps);
  const double all_tokens = 22.0 * 24.0;
  const double tail_tokens = static_cast<double>(problem.row_count() * problem.tail_length());
  fmt::print("one ROME value, 21 texts and the KL row, {} steps; products run at {:.0f} GFLOP/s\n",
             shape.steps, speed / 1e9);
  fmt::print("  {:<34}{:>9.3f} CPU-s a step {:>8.1f} GFLOP\n", "whole texts, all layers",
             plain / steps, step_flops(shape, all_tokens, 1.0, all_tokens) / 1e9);
  fmt::print("  {:<34}{:>9.3f} CPU-s a step {:>8.1f} GFLOP   {:.1f} x\n", "tails, layers above",
             fast / steps, step_flops(shape, tail_tokens, 0.0, 43.0) / 1e9, plain / fast);
}

void bench_batch(const Shape& shape, const EditedModel& model) {
  constexpr int kProblems = 32;
  std::mt19937_64 random(8);
  std::vector<ValueProblem> problems;
  for (int i = 0; i < kProblems; ++i) {
    problems.push_back(problem_of(shape, memit_contexts(), Site::resid_post, random));
  }
  const auto options = options_of(shape);
  std::vector<locate::ValueResult> together, apart;
  const Stopwatch first;
  const double batch = cpu_of([&] { together = optimise_values(model, problems, options, {}); });
  const double batch_wall = first.seconds();
  const Stopwatch second;
  const double alone = cpu_of([&] {
    for (const ValueProblem& problem : problems) {
      apart.push_back(optimise_value(model, problem, options, {}));
    }
  });
  const double alone_wall = second.seconds();
  for (int i = 0; i < kProblems; ++i) {
    const auto at = static_cast<std::size_t>(i);
    check(test::relative_error(together[at].delta, apart[at].delta), 1e-4);
  }
  locate::ValueResult expected;
  const double plain = cpu_of([&] { expected = plain_of(model, problems[0], options).run(); });
  check(test::relative_error(together[0].delta, expected.delta), 1e-4);
  const double steps = static_cast<double>(shape.steps);
  fmt::print("{} MEMIT values, 6 texts and the KL row each, {} threads\n", kProblems,
             at::get_num_threads());
  fmt::print("  {:<34}{:>9.3f} CPU-s a step and value\n", "whole texts, one by one", plain / steps);
  fmt::print("  {:<34}{:>9.3f} CPU-s a step and value   {:.1f} x\n", "tails, one by one",
             alone / steps / kProblems, plain * kProblems / alone);
  fmt::print("  {:<34}{:>9.3f} CPU-s a step and value   {:.1f} x; {:.2f} x one by one in time\n",
             "tails, side by side", batch / steps / kProblems, plain * kProblems / batch,
             alone_wall / batch_wall);
}

void bench_solve(const Shape& shape) {
  const std::int64_t m = 4 * shape.hidden;
  std::mt19937_64 random(9);
  at::Tensor keys = at::empty({m, m}, at::kFloat);
  test::fill_normal(keys, 0.0, 1.0, random);
  const at::Tensor moment =
      (keys.t().matmul(keys) / static_cast<double>(m) + 0.1 * at::eye(m)).to(at::kDouble);
  locate::MomentFactor factor;
  const double factorising = cpu_of([&] { factor = locate::MomentFactor::factorise(moment); });
  fmt::print("MEMIT's system, m = {}, float64; C's factor, once a layer: {:.2f} CPU-s\n", m,
             factorising);
  for (const std::int64_t n : {1, 100, 1000}) {
    const at::Tensor k = keys.narrow(0, 0, n);
    at::Tensor expected, found;
    const double lu = cpu_of([&] {
      const at::Tensor columns = k.to(at::kDouble).t();
      expected = at::linalg_solve(15000.0 * moment + columns.matmul(columns.t()), columns);
    });
    const double ours =
        cpu_of([&] { found = locate::least_squares_directions(factor, k, 15000.0); });
    check(test::relative_error(found.t(), expected), 1e-5);
    fmt::print("  {:>5} edits: LU {:>8.2f} CPU-s, by the factor {:>8.3f} CPU-s   {:.0f} x\n", n, lu,
               ours, lu / ours);
  }
}

}  // namespace

int main(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  const bool named = first == "value" || first == "batch" || first == "solve";
  Shape shape;
  std::int64_t* fields[] = {&shape.hidden, &shape.layers, &shape.edit_layer, &shape.vocab,
                            &shape.steps};
  for (int i = named ? 2 : 1, field = 0; i < count && field < 5; ++i, ++field) {
    *fields[field] = std::atoll(words[i]);
  }
  fmt::print("gpt2 {} x {} layers, edit of layer {}, {} threads, float32\n", shape.hidden,
             shape.layers, shape.edit_layer, at::get_num_threads());
  if (!named || first != "solve") {
    const EditedModel model(random_model(shape));
    if (!named || first == "value") bench_value(shape, model);
    if (!named || first == "batch") bench_batch(shape, model);
  }
  if (!named || first == "solve") bench_solve(shape);
  return EXIT_SUCCESS;
}
