// Damaged checkpoints, each made from a good one, with the sentence that names the damage. None may
// crash, hang or allocate what the file does not hold.
#include "model/model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <sys/stat.h>

using namespace kedit;
using namespace kedit::testing;
namespace fs = std::filesystem;

namespace {

using Damage = std::function<void(const fs::path&)>;

struct Hostile {
  std::string name, model;
  Damage damage;
  std::string message;
};

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

std::string bytes_of(const fs::path& file) { return read_text_file(file); }

void put(const fs::path& file, const std::string& bytes) {
  fs::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
}

Damage contents(const std::string& file, const std::string& bytes) {
  return [=](const fs::path& directory) { put(directory / file, bytes); };
}

Damage without(const std::string& file) {
  return [=](const fs::path& directory) { fs::remove(directory / file); };
}

Damage as_folder(const std::string& file) {
  return [=](const fs::path& directory) {
    fs::remove(directory / file);
    fs::create_directory(directory / file);
  };
}

Damage as_pipe(const std::string& file) {
  return [=](const fs::path& directory) {
    fs::remove(directory / file);
    if (::mkfifo((directory / file).c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  };
}

Damage as_link(const std::string& file, const std::string& target) {
  return [=](const fs::path& directory) {
    fs::remove(directory / file);
    fs::create_symlink(target, directory / file);
  };
}

// The first `part` of the file, or with more than its bytes.
Damage cut(const std::string& file, double part) {
  return [=](const fs::path& directory) {
    const std::string whole = bytes_of(directory / file);
    put(directory / file,
        whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
  };
}

Damage resized(const std::string& file, std::int64_t by) {
  return [=](const fs::path& directory) {
    const auto size = static_cast<std::int64_t>(fs::file_size(directory / file));
    fs::resize_file(directory / file, static_cast<std::uintmax_t>(size + by));
  };
}

// One field of a JSON file, at a pointer; null removes it.
Damage field(const std::string& file, const std::string& pointer, const Json& value) {
  return [=](const fs::path& directory) {
    Json json = read_json(directory / file);
    json[Json::json_pointer(pointer)] = value;
    put(directory / file, to_text(json));
  };
}

Damage config(const std::string& key, const Json& value) {
  return field("config.json", "/" + key, value);
}

Damage no_field(const std::string& key) {
  return [=](const fs::path& directory) {
    Json json = read_json(directory / "config.json");
    json.erase(key);
    put(directory / "config.json", to_text(json));
  };
}

void write_raw(const fs::path& file, const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  put(file, bytes + header + data);
}

// The header changed, the data as it was.
Damage header(const std::function<void(Json&)>& change) {
  return [=](const fs::path& directory) {
    const std::string bytes = bytes_of(directory / kWeights);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    Json json = parse_json(bytes.substr(8, length), "header");
    change(json);
    write_raw(directory / kWeights, json.dump(), bytes.substr(8 + length));
  };
}

Damage header_field(const std::string& key, const Json& value) {
  return header([=](Json& json) { json["model.norm.weight"][key] = value; });
}

Damage header_text(const std::string& text, std::size_t data) {
  return [=](const fs::path& directory) {
    write_raw(directory / kWeights, text, std::string(data, '\0'));
  };
}

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

Damage tensors(const std::function<void(Tensors&)>& change) {
  return [=](const fs::path& directory) {
    Tensors all = all_tensors(directory / kWeights);
    change(all);
    write_safetensors(directory / kWeights, all);
  };
}

Damage tensor(const std::string& name, const std::function<at::Tensor(at::Tensor)>& change) {
  return tensors([=](Tensors& all) {
    for (auto& [known, value] : all) {
      if (known == name) value = change(value).contiguous();
    }
  });
}

Damage no_tensor(const std::string& name) {
  return tensors([=](Tensors& all) {
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const auto& entry) { return entry.first == name; }),
              all.end());
  });
}

Damage value_in(const std::string& name, double value, c10::ScalarType dtype) {
  return tensor(name, [=](at::Tensor t) {
    t = t.to(dtype);
    t.view({-1})[t.numel() - 1] = value;
    return t;
  });
}

const std::vector<Hostile>& damaged_files() {
  static const std::string nul(
      "{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[1],"
      "\"data_offsets\":[0,1]}}");
  static const std::vector<Hostile> rows = {
      {"no config", "llama", without("config.json"), "config.json: No such file or directory"},
      {"empty config", "llama", contents("config.json", ""), "config.json: line 1, column 1"},
      {"config cut", "llama", cut("config.json", 0.5), "config.json: line "},
      {"config is a folder", "llama", as_folder("config.json"), "config.json: expected a regular"},
      {"config is a pipe", "llama", as_pipe("config.json"), "config.json: expected a regular"},
      {"config links to itself", "llama", as_link("config.json", "config.json"),
       "config.json: Too many levels of symbolic links"},
      {"config is an array", "llama", contents("config.json", "[1]"),
       "config.json: /: expected an object, found an array of 1"},
      {"config with a key twice", "llama",
       contents("config.json", R"({"model_type":"llama","model_type":"gpt2"})"),
       "expected every key once, found \"model_type\" twice"},
      {"config is no UTF-8", "llama", contents("config.json", "{\"model_type\":\"\xff\xfe\"}"),
       "config.json: line 1"},
      {"config nests deeply", "llama",
       contents("config.json", std::string(2000, '[') + std::string(2000, ']')),
       "expected at most 32 levels of nesting"},
      {"generation config cut", "llama", cut("generation_config.json", 0.5),
       "generation_config.json: line "},
      {"generation config links to nothing", "llama",
       as_link("generation_config.json", "gone.json"),
       "generation_config.json: No such file or directory"},
      {"end of text as a string", "llama", field("generation_config.json", "/eos_token_id", "2"),
       "generation_config.json: /eos_token_id: expected an integer, found the string \"2\""},
      {"ends of text as strings", "llama", config("eos_token_id", {1, "2"}),
       "config.json: /eos_token_id/1: expected an integer"},

      {"no weights", "llama", without(kWeights),
       "expected model.safetensors or model.safetensors.index.json, found neither"},
      {"pickled weights only", "llama",
       [](const fs::path& d) { fs::rename(d / kWeights, d / "pytorch_model.bin"); },
       "found only pickled weights (.bin, .pt), which can run code when they are read; convert"},
      {"older pickled weights only", "llama",
       [](const fs::path& d) { fs::rename(d / kWeights, d / "consolidated.00.pth"); },
       "found only pickled weights"},
      {"weights are a pipe", "llama", as_pipe(kWeights),
       "model.safetensors: expected a regular file, found a pipe or a device"},
      {"weights are a folder", "llama", as_folder(kWeights),
       "model.safetensors: expected a regular file, found a directory"},
      {"weights link to themselves", "llama", as_link(kWeights, kWeights),
       "model.safetensors: Too many levels of symbolic links"},
      {"weights link to nothing", "llama", as_link(kWeights, "gone"),
       "model.safetensors: No such file or directory"},
      {"weights are a device", "llama", as_link(kWeights, "/dev/zero"),
       "model.safetensors: expected a regular file, found a pipe or a device"},
      {"empty weights", "llama", contents(kWeights, ""), "expected data, found an empty file"},
      {"weights of seven bytes", "llama", contents(kWeights, "1234567"),
       "expected a safetensors file of at least 8 bytes, found 7"},
      {"header of 2^63 bytes", "llama", contents(kWeights, std::string(7, '\0') + "\x80{}"),
       "header length: expected at most 33554432 bytes, found 9223372036854775808"},
      {"header longer than the file", "llama",
       contents(kWeights, std::string("\x40\0\0\0\0\0\0\0{}", 10)),
       "header length: expected at most the 2 bytes that follow, found 64"},
      {"header of no bytes", "llama", contents(kWeights, std::string(16, '\0')),
       "header: expected a JSON object, found none"},
      {"header is no JSON", "llama", header_text("{\"a\":]", 0), "line 1"},
      {"header is an array", "llama", header_text("[]", 0), "header: expected a JSON object"},
      {"a byte short", "llama", resized(kWeights, -1), "begin <= end <= "},
      {"a byte too many", "llama", resized(kWeights, 1), "bytes of data as its header says, found"},
      {"half the file", "llama", cut(kWeights, 0.5), "begin <= end <= "},
      {"half the header", "llama", contents(kWeights, std::string("\x10\0\0\0\0\0\0\0{\"a\":", 13)),
       "header length: expected at most the 5 bytes that follow, found 16"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_headers() {
  static const std::string one = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  static const std::vector<Hostile> rows = {
      {"overlap", "llama", header([](Json& json) {
         auto& offsets = json["model.norm.weight"]["data_offsets"];
         offsets[0] = offsets[0].get<std::int64_t>() - 4;
         offsets[1] = offsets[1].get<std::int64_t>() - 4;
       }),
       "(no overlap, no gap), found "},
      {"hole", "llama",
       header_text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                   3),
       "tensor b: expected its data to begin at 1 (no overlap, no gap), found 2"},
      {"end before begin", "llama", header_field("data_offsets", {96, 0}),
       "/model.norm.weight/data_offsets: expected begin <= end"},
      {"end outside", "llama", header_field("data_offsets", {0, 1ULL << 40}),
       "/model.norm.weight/data_offsets: expected begin <= end"},
      {"negative offset", "llama", header_field("data_offsets", {-96, 0}),
       "/model.norm.weight/data_offsets/0: expected a non-negative integer, found -96"},
      {"offset with a point", "llama", header_field("data_offsets", {0.0, 96.0}),
       "/model.norm.weight/data_offsets/0: expected a non-negative integer"},
      {"offset of 2^63", "llama", header_field("data_offsets", {0, 1ULL << 63}),
       "/model.norm.weight/data_offsets/1: expected an integer up to 2^62"},
      {"three offsets", "llama", header_field("data_offsets", {0, 96, 192}),
       "/model.norm.weight/data_offsets: expected two offsets"},
      {"product of sides overflows", "llama",
       header_field("shape", {1ULL << 40, 1ULL << 40, 1ULL << 40}),
       "/model.norm.weight/shape: expected a shape of at most"},
      {"negative side", "llama", header_field("shape", {-24}),
       "/model.norm.weight/shape/0: expected a non-negative integer, found -24"},
      {"side as a string", "llama", header_field("shape", {"24"}),
       "/model.norm.weight/shape/0: expected a non-negative integer, found the string \"24\""},
      {"shape is a number", "llama", header_field("shape", 24),
       "/model.norm.weight/shape: expected an array, found 24"},
      {"shape of another size", "llama", header_field("shape", {23}),
       "/model.norm.weight/data_offsets: expected 92 bytes for F32 [23]"},
      {"nine dimensions", "llama", header_field("shape", {24, 1, 1, 1, 1, 1, 1, 1, 1}),
       "/model.norm.weight/shape: expected at most 8 dimensions"},
      {"unknown dtype", "llama", header_field("dtype", "F8_E4M3"),
       "/model.norm.weight/dtype: expected a dtype among F32"},
      {"dtype as a number", "llama", header_field("dtype", 32),
       "/model.norm.weight/dtype: expected a string, found 32"},
      {"no dtype", "llama", header([](Json& json) { json["model.norm.weight"].erase("dtype"); }),
       "/model.norm.weight/dtype: expected a value, found none"},
      {"no shape", "llama", header([](Json& json) { json["model.norm.weight"].erase("shape"); }),
       "/model.norm.weight/shape: expected a value, found none"},
      {"no offsets", "llama",
       header([](Json& json) { json["model.norm.weight"].erase("data_offsets"); }),
       "/model.norm.weight/data_offsets: expected a value, found none"},
      {"an entry is a list", "llama", header([](Json& json) { json["model.norm.weight"] = {1}; }),
       "/model.norm.weight: expected an object, found an array of 1"},
      {"a tensor twice", "llama", header_text("{\"a\":" + one + ",\"a\":" + one + "}", 1),
       "expected every key once, found \"a\" twice"},
      {"NUL in a name", "llama", header_text("{\"a\\u0000b\":" + one + "}", 1), "/a"},
      {"empty name", "llama", header_text("{\"\":" + one + "}", 1),
       "expected a tensor name of 1 to 4096 bytes without NUL"},
      {"name of 5000 bytes", "llama",
       header_text("{\"" + std::string(5000, 'x') + "\":" + one + "}", 1),
       "expected a tensor name of 1 to 4096 bytes without NUL"},
      {"metadata of numbers", "llama", header([](Json& json) {
         json["__metadata__"] = {{"format", 7}};
       }),
       "/__metadata__/format: expected a string, found 7"},
      {"metadata is a list", "llama",
       header([](Json& json) { json["__metadata__"] = Json::array(); }),
       "/__metadata__: expected an object"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_tensors() {
  const auto kFloat = c10::ScalarType::Float;
  static const std::vector<Hostile> rows = {
      {"transposed", "llama", tensor("lm_head.weight", [](at::Tensor t) { return t.t(); }),
       "tensor lm_head.weight: expected shape [61, 24], found [24, 61]"},
      {"another rank", "llama",
       tensor("model.norm.weight", [](at::Tensor t) { return t.unsqueeze(0); }),
       "tensor model.norm.weight: expected shape [24], found [1, 24]"},
      {"no norm in a layer", "llama", no_tensor("model.layers.1.input_layernorm.weight"),
       "tensor model.layers.1.input_layernorm.weight: expected shape [24], found no such tensor"},
      {"no embedding", "llama", no_tensor("model.embed_tokens.weight"),
       "tensor model.embed_tokens.weight: expected shape [61, 24], found no such tensor"},
      {"no head, not tied", "llama", no_tensor("lm_head.weight"),
       "tensor lm_head.weight: expected shape [61, 24], found no such tensor"},
      {"no bias", "gpt2", no_tensor("transformer.h.1.mlp.c_proj.bias"),
       "tensor transformer.h.1.mlp.c_proj.bias: expected shape [24], found no such tensor"},
      {"no tensors at all", "llama", tensors([](Tensors& all) { all.clear(); }),
       "found no such tensor"},
      {"integers", "llama", tensor("lm_head.weight", [](at::Tensor t) { return t.to(at::kInt); }),
       "tensor lm_head.weight: expected float32, bfloat16 or float16, found Int (quantised"},
      {"bytes", "llama",
       tensor("model.layers.0.mlp.up_proj.weight", [](at::Tensor t) { return t.to(at::kByte); }),
       "tensor model.layers.0.mlp.up_proj.weight: expected float32, bfloat16 or float16"},
      {"NaN", "llama", value_in("model.embed_tokens.weight", NAN, kFloat),
       "tensor model.embed_tokens.weight: expected finite numbers, found NaN or infinity"},
      {"infinity in a layer", "llama",
       value_in("model.layers.2.self_attn.v_proj.weight", HUGE_VAL, kFloat),
       "tensor model.layers.2.self_attn.v_proj.weight: expected finite numbers"},
      {"float16 NaN", "llama", value_in("model.norm.weight", NAN, c10::ScalarType::Half),
       "tensor model.norm.weight: expected finite numbers"},
      {"bfloat16 infinity", "gpt2",
       value_in("transformer.h.0.attn.c_attn.weight", -HUGE_VAL, c10::ScalarType::BFloat16),
       "tensor transformer.h.0.attn.c_attn.weight: expected finite numbers"},
      {"float64 NaN", "gpt2", value_in("transformer.ln_f.bias", NAN, c10::ScalarType::Double),
       "tensor transformer.ln_f.bias: expected finite numbers"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_indexes() {
  static const std::string entry = "/weight_map/model.norm.weight";
  static const std::vector<Hostile> rows = {
      {"shard missing", "mistral", without("model-00002-of-00003.safetensors"),
       "model-00002-of-00003.safetensors: No such file or directory"},
      {"shard empty", "mistral", contents("model-00002-of-00003.safetensors", ""),
       "model-00002-of-00003.safetensors: expected data, found an empty file"},
      {"shard is a pipe", "mistral", as_pipe("model-00001-of-00003.safetensors"),
       "model-00001-of-00003.safetensors: expected a regular file, found a pipe"},
      {"shard links to itself", "mistral",
       as_link("model-00003-of-00003.safetensors", "model-00003-of-00003.safetensors"),
       "model-00003-of-00003.safetensors: Too many levels of symbolic links"},
      {"shard outside", "mistral", field(kIndex, entry, "../x.safetensors"),
       "/weight_map: expected bare file names, found \"../x.safetensors\""},
      {"absolute shard", "mistral", field(kIndex, entry, "/etc/passwd"),
       "/weight_map: expected bare file names, found \"/etc/passwd\""},
      {"shard in a folder", "mistral", field(kIndex, entry, "a/b.safetensors"),
       "/weight_map: expected bare file names"},
      {"shard is the folder", "mistral", field(kIndex, entry, "."),
       "/weight_map: expected bare file names, found \".\""},
      {"shard without a name", "mistral", field(kIndex, entry, ""),
       "/weight_map: expected bare file names, found \"\""},
      {"NUL in a shard's name", "mistral", field(kIndex, entry, std::string("a\0b", 3)),
       "/weight_map: expected bare file names"},
      {"shard as a number", "mistral", field(kIndex, entry, 7),
       "/weight_map/model.norm.weight: expected a string, found 7"},
      {"no map", "mistral", contents(kIndex, "{\"metadata\":{}}"),
       "/weight_map: expected a value, found none"},
      {"map is a list", "mistral", field(kIndex, "/weight_map", Json{1, 2}),
       "/weight_map: expected an object"},
      {"index cut", "mistral", cut(kIndex, 0.7), "model.safetensors.index.json: line "},
      {"index is a folder", "mistral", as_folder(kIndex),
       "model.safetensors.index.json: expected a regular"},
      {"index is a pipe", "mistral", as_pipe(kIndex),
       "model.safetensors.index.json: expected a regular"},
      {"tensor of no shard", "mistral",
       field(kIndex, "/weight_map/ghost", "model-00001-of-00003.safetensors"),
       "tensor ghost: expected it here as the index says, found no such tensor"},
      {"tensor in two shards", "mistral",
       [](const fs::path& d) {
         fs::copy_file(d / "model-00001-of-00003.safetensors", d / "copy.safetensors");
         const Json map = read_json(d / kIndex)["weight_map"];
         for (const auto& [name, file] : map.items()) {
           if (file == "model-00001-of-00003.safetensors") {
             field(kIndex, "/weight_map/" + name, "copy.safetensors")(d);
             return;
           }
         }
       },
       "expected it in one shard, found it in two"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_configs() {
  const Json llama3 = {{"rope_type", "llama3"}, {"factor", 8.0}, {"high_freq_factor", 4.0}};
  static const std::vector<Hostile> rows = {
      {"no family", "llama", no_field("model_type"), "/model_type: expected a value, found none"},
      {"family as a number", "llama", config("model_type", 7), "/model_type: expected a string"},
      {"unknown family", "llama", config("model_type", "mamba"),
       "/model_type: expected a supported family (gpt2, gptj, gpt_neox, opt, llama, mistral, "
       "qwen2, qwen3, gemma, gemma2, gemma3_text, phi3, olmo2), found the string \"mamba\""},
      {"no width", "llama", no_field("hidden_size"), "/hidden_size: expected a value, found none"},
      {"width as a string", "llama", config("hidden_size", "24"),
       "/hidden_size: expected an integer, found the string \"24\""},
      {"width with a point", "llama", config("hidden_size", 24.5),
       "/hidden_size: expected an integer, found 24.5"},
      {"width as a truth", "llama", config("hidden_size", true),
       "/hidden_size: expected an integer, found true"},
      {"negative width", "llama", config("hidden_size", -24),
       "/hidden_size: expected an integer from 1 to 2^31, found -24"},
      {"no width at all", "llama", config("hidden_size", 0),
       "/hidden_size: expected an integer from 1 to 2^31, found 0"},
      {"width of 2^40", "llama", config("hidden_size", std::int64_t{1} << 40),
       "/hidden_size: expected an integer from 1 to 2^31"},
      {"width of 2^64", "llama", config("hidden_size", ~0ULL), "/hidden_size: expected an integer"},
      {"huge vocabulary", "llama", config("vocab_size", 2147483648LL),
       "tensor model.embed_tokens.weight: expected shape [2147483648, 24], found [61, 24]"},
      {"two thousand million layers", "llama", config("num_hidden_layers", 2000000000),
       "/num_hidden_layers: expected at most 10000 layers"},
      {"more layers than weights", "llama", config("num_hidden_layers", 10000),
       "tensor model.layers.3.input_layernorm.weight: expected shape [24], found no such tensor"},
      {"no heads", "llama", config("num_attention_heads", 0),
       "/num_attention_heads: expected an integer from 1 to 2^31, found 0"},
      {"key heads that do not divide", "llama", config("num_key_value_heads", 4),
       "/num_key_value_heads: expected a divisor of num_attention_heads = 6, found 4"},
      {"odd heads", "llama", config("head_dim", 7),
       "/head_dim: expected an even number of rotated elements up to the head's 7, found 7"},
      {"heads times width overflows", "llama",
       [](const fs::path& d) {
         config("num_attention_heads", 2147483648LL)(d);
         config("num_key_value_heads", 2147483648LL)(d);
         config("head_dim", 2147483648LL)(d);
       },
       "expected heads times their width up to 2^31, found 2147483648 times 2147483648"},
      {"epsilon of 0", "llama", config("rms_norm_eps", 0.0),
       "/rms_norm_eps: expected a positive number"},
      {"epsilon as a string", "llama", config("rms_norm_eps", "1e-5"),
       "/rms_norm_eps: expected a number"},
      {"negative base", "llama", config("rope_theta", -1), "/rope_theta: expected a positive"},
      {"unknown activation", "llama", config("hidden_act", "softsign"),
       "/hidden_act: expected an activation among"},
      {"tied as a string", "llama", config("tie_word_embeddings", "no"),
       "/tie_word_embeddings: expected true or false, found the string \"no\""},
      {"class names as a number", "llama", config("architectures", 7),
       "/architectures: expected an array, found 7"},
      {"rotation as a list", "llama", config("rope_scaling", {1}),
       "/rope_scaling: expected an object"},
      {"dynamic rotation", "llama", config("rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}),
       "/rope_scaling/type: expected a rotary scaling among default, linear, llama3, yarn, "
       "longrope (others are not supported), found the string \"dynamic\""},
      {"rotation named twice", "llama",
       config("rope_scaling", {{"type", "linear"}, {"rope_type", "yarn"}, {"factor", 2.0}}),
       "/rope_scaling/type: expected the same as rope_type, \"yarn\""},
      {"linear rotation without a factor", "llama", config("rope_scaling", {{"type", "linear"}}),
       "/rope_scaling/factor: expected a value, found none"},
      {"yarn without a factor", "llama", config("rope_scaling", {{"rope_type", "yarn"}}),
       "/rope_scaling/factor: expected a value, found none"},
      {"llama3 without a field", "llama", config("rope_scaling", llama3),
       "/rope_scaling/low_freq_factor: expected a value, found none"},
      {"two rotations", "llama",
       [](const fs::path& d) {
         config("rope_scaling", {{"type", "linear"}, {"factor", 2.0}})(d);
         config("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 500.0}})(d);
       },
       "/rope_scaling: expected the same as rope_parameters"},
      {"a list of frequencies too short", "phi3-longrope",
       field("config.json", "/rope_scaling/short_factor", Json{1.0, 2.0}),
       "/rope_scaling/short_factor: expected 8 numbers, one a rotary frequency"},
      {"a frequency of 0", "phi3-longrope", field("config.json", "/rope_scaling/long_factor/3", 0),
       "/rope_scaling/long_factor/3: expected a positive number, found 0"},
      {"more than the head rotates", "gpt_neox", config("rotary_pct", 1.5),
       "/rotary_pct: expected at most 1, found 1.5"},
      {"part of the head rotates", "llama", config("partial_rotary_factor", 0.5),
       "/partial_rotary_factor: expected 1 (a llama model that rotates a part is not supported)"},
      {"quantised", "llama", config("quantization_config", {{"bits", 4}}),
       "/quantization_config: expected no quantisation"},
      {"quantised, other writer", "llama", config("quantization", {{"bits", 4}}),
       "/quantization: expected no quantisation"},
      {"mixture of experts", "mistral", config("num_local_experts", 8),
       "/num_local_experts: expected none (mixtures of experts are not supported), found 8"},
      {"latent attention", "llama", config("kv_lora_rank", 512),
       "/kv_lora_rank: expected none (multi-head latent attention is not supported)"},
      {"scaled logits", "llama", config("logit_scale", 0.0625),
       "/logit_scale: expected 1 (other factors are not supported), found 0.0625"},
      {"capped attention", "llama", config("attn_logit_softcapping", 50.0),
       "/attn_logit_softcapping: expected null (a llama model with it is not supported)"},
      {"looks both ways", "gemma3_text", config("use_bidirectional_attention", true),
       "/use_bidirectional_attention: expected false"},
      {"layer kinds too few", "gemma2", config("layer_types", {"full_attention"}),
       "/layer_types: expected one kind for each of 2 layers, found an array of 1"},
      {"unknown layer kind", "gemma2",
       config("layer_types", {"full_attention", "linear_attention"}),
       "/layer_types/1: expected \"full_attention\" or \"sliding_attention\""},
      {"window of 0", "mistral", config("sliding_window", 0),
       "/sliding_window: expected an integer from 1 to 2^31, found 0"},
      {"windows without a window", "qwen2",
       config("layer_types", {"full_attention", "sliding_attention"}),
       "/layer_types/1: expected \"full_attention\" (the file gives no sliding window)"},
      {"negative cap", "gemma2", config("final_logit_softcapping", -30.0),
       "/final_logit_softcapping: expected a positive number, found -30"},
      {"embedding of another width", "opt", config("word_embed_proj_dim", 12),
       "/word_embed_proj_dim: expected hidden_size = 24 (projected embeddings are not supported)"},
      {"norms without weights", "opt", config("layer_norm_elementwise_affine", false),
       "/layer_norm_elementwise_affine: expected true (false is not supported)"},
      {"rotation as null", "gptj", config("rotary_dim", nullptr),
       "/rotary_dim: expected an integer, found null"},
      {"width not of the heads", "gpt2", config("n_head", 5),
       "/n_embd: expected a multiple of n_head = 5, found 24"},
      {"scores scaled by layer", "gpt2", config("scale_attn_by_inverse_layer_idx", true),
       "/scale_attn_by_inverse_layer_idx: expected false"},
      {"inner width of 2^31", "phi3", config("intermediate_size", 2147483648LL),
       "tensor model.layers.0.mlp.gate_up_proj.weight: expected shape [4294967296, 32]"},
  };
  return rows;
}

void check_all(const std::vector<Hostile>& rows) {
  for (const auto& row : rows) {
    const TemporaryDirectory directory;
    copy_model(row.model, directory.path());
    row.damage(directory.path());
    const std::string message = thrown_message<ModelError>([&] { Model::load(directory.path()); });
    INFO(row.name << ": " << message);
    CHECK(contains(message, row.message));
    CHECK(contains(message, directory.path().string()));
    CHECK(message.find('\n') == std::string::npos);
  }
}

}  // namespace

TEST_CASE("files that are no files, empty, cut or of another kind are refused") {
  check_all(damaged_files());
}

TEST_CASE("headers that contradict themselves or the file are refused by tensor and field") {
  check_all(damaged_headers());
}

TEST_CASE("tensors that are missing, of another shape or dtype, or not finite are named") {
  check_all(damaged_tensors());
}

TEST_CASE("an index that leaves its directory or does not fit its shards is refused") {
  check_all(damaged_indexes());
}

TEST_CASE("configurations that are damaged or of other mathematics are refused by field") {
  check_all(damaged_configs());
}
