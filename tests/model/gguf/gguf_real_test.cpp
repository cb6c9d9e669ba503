// Quantised files of ten architectures and what the reference library says of them, where they are
// at hand.
#include "model/model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/base64.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace kedit;
using namespace kedit::testing;

namespace {

namespace fs = std::filesystem;

at::Tensor floats(const Json& base64, std::int64_t rows) {
  std::string bytes = from_base64(base64.get<std::string>());
  return at::from_blob(bytes.data(), {rows, static_cast<std::int64_t>(bytes.size()) / 4 / rows},
                       at::kFloat)
      .clone();
}

at::Tensor row_logits(const Model& model, const Json& asked) {
  const at::Tensor ids = at::tensor(asked.at("ids").get<std::vector<std::int64_t>>(), at::kLong);
  const at::Tensor all =
      forward(model.architecture(), model.weights(), input_of(ids.unsqueeze(0))).logits.squeeze(0);
  return all.index_select(0,
                          at::tensor(asked.at("rows").get<std::vector<std::int64_t>>(), at::kLong));
}

void check_model(const fs::path& folder, const Json& golden) {
  const auto model = Model::load(folder / "models" / golden.at("files").at(0).get<std::string>());
  CHECK(Json(model->source().tensor_types) == Json(golden.at("types")));
  const Json& info = golden.at("info");
  CHECK(model->architecture().family == info.at("family"));
  CHECK(model->parameters() == info.at("parameters"));
  for (const Json& asked : golden.at("logits")) {
    const at::Tensor expected =
        floats(asked.at("logits"), static_cast<std::int64_t>(asked.at("rows").size()));
    CHECK(max_difference(row_logits(*model, asked), expected) < 1e-4);
  }
  for (const Json& text : golden.at("tokens")) {
    INFO(text.at("text").dump());
    const auto ids = text.at("ids").get<std::vector<std::int64_t>>();
    const bool known = model->tokenizer().ids(text.at("text").get<std::string>()) == ids;
    // Where llama.cpp differs, either is right.
    CHECK((known || text.contains("llama_cpp")));
  }
}

}  // namespace

TEST_CASE("gguf: logits and ids of quantised files of ten architectures", "[real-data]") {
  const auto folder = test::real_data("gguf");
  if (!folder) return;
  std::size_t models = 0;
  for (const auto& entry : fs::directory_iterator(*folder / "golden")) {
    INFO(entry.path().filename().string());
    check_model(*folder, read_json(entry.path()));
    ++models;
  }
  CHECK(models >= 17);
}
