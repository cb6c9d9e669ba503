// A float32 checkpoint of about 1 GB in the page cache: seconds to the first weight, to all
// weights, to all weights checked for NaN and infinity, and to the fingerprint, with and without a
// memory of an earlier start; and the most anonymous memory that any of it took, which is what
// loading costs besides the page cache.
//
//   kedit_bench_loading [THREADS] [DIRECTORY FOR THE CHECKPOINT]
#include "bench/anonymous_peak.hpp"
#include "model/checkpoint/checkpoint_files.hpp"
#include "model/checkpoint/load.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

namespace {

using namespace kedit;
using bench::AnonymousPeak;
namespace fs = std::filesystem;

void write_large_checkpoint(const fs::path& directory) {
  const Json config = {{"model_type", "llama"},      {"hidden_size", 2048},
                       {"intermediate_size", 8192},  {"num_hidden_layers", 4},
                       {"num_attention_heads", 16},  {"vocab_size", 4096},
                       {"tie_word_embeddings", true}};
  const Architecture a = architecture_from_config(config, "the benchmark");
  const DecoderWeights weights = resolve_weights(
      a,
      [&](const std::string& name) -> at::Tensor {
        const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
        if (has("norm")) return at::ones({a.hidden});
        if (has("embed")) return at::full({a.vocab, a.hidden}, 0.01);
        if (has("gate") || has("up_proj")) return at::full({a.intermediate, a.hidden}, 0.01);
        if (has("down")) return at::full({a.hidden, a.intermediate}, 0.01);
        return at::full({a.hidden, a.hidden}, 0.01);
      },
      "the benchmark");
  write_checkpoint(directory, a, weights);
}

// As if the checkpoint had been written an hour ago: fresh files are not remembered.
void settle(const fs::path& directory) {
  const auto then = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const char* name : {"model.safetensors", "config.json"}) {
    fs::last_write_time(directory / name, then);
  }
}

void check_value(const at::Tensor& weight) {
  if (weight.view({-1})[0].item<float>() != 0.01F) throw std::runtime_error("a wrong weight");
}

void report(const char* what, const std::function<void()>& work) {
  double best = 1e30;
  std::int64_t most = 0;
  for (int repeat = 0; repeat < 7; ++repeat) {
    AnonymousPeak peak;
    const auto begin = std::chrono::steady_clock::now();
    work();
    const auto end = std::chrono::steady_clock::now();
    most = std::max(most, peak.stop());
    best = std::min(best, std::chrono::duration<double>(end - begin).count());
  }
  fmt::print("{:<44} {:7.4f} s, {:6.2f} MB anonymous\n", what, best,
             static_cast<double>(most) * 1e-6);
}

}  // namespace

int main(int count, char** words) {
  at::set_num_threads(count > 1 ? std::max(1, std::atoi(words[1])) : 1);
  const fs::path directory =
      count > 2 ? fs::path(words[2]) : fs::temp_directory_path() / "kedit-loading-bench";
  write_large_checkpoint(directory);
  const double bytes = static_cast<double>(fs::file_size(directory / "model.safetensors"));
  fmt::print("{:.2f} GB float32, page cache warm, {} threads, best of 7\n", bytes * 1e-9,
             at::get_num_threads());
  LoadOptions trusting;
  trusting.allow_nonfinite = true;
  const std::string first = "model.embed_tokens.weight";
  report("to the first weight",
         [&] { check_value(checkpoint::CheckpointFiles(directory).find(first)); });
  report("all weights, not checked",
         [&] { check_value(Model::load(directory, trusting)->weight(first)); });
  report("all weights, checked for NaN and infinity",
         [&] { check_value(Model::load(directory)->weight(first)); });
  LoadOptions remembering;
  remembering.cache = directory / "cache";
  settle(directory);
  report("fingerprint, nothing remembered", [&] {
    fs::remove_all(remembering.cache);
    Model::load(directory, remembering)->fingerprint();
  });
  report("fingerprint, remembered", [&] {
    const auto model = Model::load(directory, remembering);
    if (model->fingerprint().empty() || !model->remembered()) {
      throw std::runtime_error("not remembered");
    }
  });
  LoadOptions half = trusting;
  half.dtype = "bfloat16";
  report("all weights, converted to bfloat16", [&] { Model::load(directory, half); });
  fs::remove_all(directory);
  return EXIT_SUCCESS;
}
