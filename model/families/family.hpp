#pragma once

#include "json/json.hpp"
#include "model/architecture.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

/// What a family file needs: readers of config.json fields that say which field is wrong. The only
/// place where families have names.
namespace kedit::families {

struct Family {
  std::string_view model_type;
  std::string_view class_name;  ///< The reference library's class, written into config.json.
  void (*read)(const JsonView& config, Architecture& out);
  void (*write)(const Architecture& architecture, Json& out);
};

Family gpt2();
Family llama();
Family qwen2();

/// A size: an integer from 1 to 2^31. The first form is required; the second has a default for an
/// absent or null field.
std::int64_t read_size(const JsonView& config, std::string_view key);
std::int64_t read_size(const JsonView& config, std::string_view key, std::int64_t absent);
/// A number of layers: an integer from 1 to 10,000, so that a hostile file cannot ask for more.
std::int64_t read_layer_count(const JsonView& config, std::string_view key);
double read_positive(const JsonView& config, std::string_view key, double absent);
bool read_flag(const JsonView& config, std::string_view key, bool absent);
Activation read_activation(const JsonView& config, std::string_view key, std::string_view absent);
std::string_view activation_name(Activation activation);

/// Refuses a field that is there and changes the mathematics in a way the decoder cannot compute.
void require_flag(const JsonView& config, std::string_view key, bool supported);

/// rope_theta, where older and newer files keep it; refuses every kind of scaled rotation.
double read_rope_theta(const JsonView& config);

/// hidden_size, num_attention_heads, ... of the Llama-type families, and their tensor names.
void read_llama_shape(const JsonView& config, Architecture& out);
void write_llama_shape(const Architecture& architecture, Json& out);

}  // namespace kedit::families
