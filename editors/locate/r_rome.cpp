#include "editors/locate/r_rome.hpp"

#include <ATen/ATen.h>

namespace kedit::locate {
namespace {

/// Which keys the insertion is solved with, by the settings' names.
enum class KeyRule { original, prompt, averaged };

KeyRule key_rule(const SettingsReader& reader) {
  if (reader.boolean("original_implementation")) return KeyRule::original;
  const bool prompt = reader.boolean("enable_prompt_keys");
  if (prompt == reader.boolean("enable_random_prefix_keys")) {
    reader.at("enable_prompt_keys").fail("one of enable_prompt_keys and enable_random_prefix_keys");
  }
  return prompt ? KeyRule::prompt : KeyRule::averaged;
}

}  // namespace

void RRomeEditor::check_own_settings(const SettingsReader& reader) const { key_rule(reader); }

RomeEditor::Insertion RRomeEditor::insertion(const SubjectKeys& found,
                                             const LocateSettings& settings) const {
  Insertion insertion = RomeEditor::insertion(found, settings);
  switch (key_rule(SettingsReader(settings.resolved))) {
    case KeyRule::original:
      break;
    case KeyRule::prompt:
      insertion.selector = insertion.key;
      break;
    case KeyRule::averaged:
      insertion.key = insertion.selector;
      insertion.output = found.outputs.mean(0);
      break;
  }
  return insertion;
}

}  // namespace kedit::locate
