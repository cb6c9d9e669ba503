#include "apps/commands.hpp"
#include "model/checkpoint/convert.hpp"
#include "model/device.hpp"
#include "model/gguf/gguf_file.hpp"

#include <fmt/format.h>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

// What is stored without blocks is mapped, and gets another type while it is written; what is
// dequantised is so into that type.
LoadOptions loading(Context& context, const fs::path& model) {
  LoadOptions options;
  options.keep_types = true;
  if (gguf::is_gguf(model)) options.dtype = context.options.text("dtype");
  options.warn = [&context](const std::string& sentence) { context.warn(sentence); };
  options.allow_nonfinite = context.options.flag("allow-nonfinite");
  return options;
}

int run_convert(Context& context) {
  const fs::path out = context.options.path("out");
  const std::string dtype = context.options.text("dtype");
  const fs::path in = context.model_path();
  const auto model = Model::load(in, loading(context, in));
  const checkpoint::ConvertOptions options{parse_dtype(dtype),
                                           context.options.flag("allow-nonfinite")};
  const auto files = checkpoint::convert_model(*model, out, options, context.run());
  context.finish_progress();
  const std::string stored = dtype == "auto" ? model->stored_dtype() : dtype;
  const Json document = {{"out", out.string()},
                         {"family", model->architecture().family},
                         {"parameters", model->parameters()},
                         {"dtype", stored},
                         {"files", files}};
  Table table({{"model"}, {out.string()}});
  table.row({"family", model->architecture().family});
  table.row({"parameters", short_count(model->parameters())});
  table.row({"weights", stored});
  for (std::size_t i = 0; i < files.size(); ++i) table.row({i == 0 ? "files" : "", files[i]});
  return context.answer(document, table.text(context.style()));
}

}  // namespace

Command convert_command() {
  Command convert;
  convert.name = "model convert";
  convert.summary = "write a model as a Hugging Face directory";
  convert.options = {
      text("dtype", "NAME", "type of the weights in the file; auto: as they are read")
          .otherwise("auto")
          .one_of({"auto", "float32", "bfloat16", "float16"}),
      flag("allow-nonfinite", "accept weights that are infinite or not a number")};
  convert.arguments = {
      text("model", "IN", "Hugging Face directory, GGUF file or name of a fetched model")
          .required(),
      text("out", "OUT", "directory to make; it must not exist, or be empty").required()};
  convert.description =
      "Weights, configuration, tokenizer and chat template, as the reference library reads them. "
      "Quantised weights are written as the numbers that they mean. OUT is whole or not there.";
  convert.example = "kedit model convert SmolLM2.gguf smollm2 --dtype float16";
  convert.stops_gently = true;
  convert.run = run_convert;
  return convert;
}

}  // namespace kedit::cli
