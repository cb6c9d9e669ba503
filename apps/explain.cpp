#include "apps/commands.hpp"
#include "editors/editor.hpp"
#include "editors/setting_infos.hpp"
#include "editors/shipped_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kedit::cli {
namespace {

const EditorInfo& editor_of(const std::string& name) {
  if (const EditorInfo* info = find_editor(name)) return *info;
  try {
    make_editor(name);  // says which there are
  } catch (const EditError& error) {
    throw UsageError(error.what());
  }
  throw std::logic_error("an editor that can be made is not listed: " + name);
}

// ---- All editors ----------------------------------------------------------------

int explain_all(Context& context) {
  Json editors = Json::array();
  Table table({{"editor"}, {"paper"}, {"evidence"}, {"what it does"}});
  for (const EditorInfo& info : known_editors()) {
    editors.push_back({{"name", info.name},
                       {"paper", info.paper},
                       {"evidence", info.evidence},
                       {"summary", info.summary},
                       {"changes_weights", info.changes_weights},
                       {"solves_batches", info.solves_batches}});
    table.row({info.name, info.paper, info.evidence, info.summary});
  }
  return context.answer({{"editors", std::move(editors)}}, table.text(context.style()));
}

// ---- One editor -------------------------------------------------------------------

std::string default_text(const Json& fallback) {
  if (fallback.is_null()) return "-";
  return fallback.is_string() ? fallback.get<std::string>() : to_text(fallback);
}

Json setting_json(const SettingInfo& info) {
  return {{"key", info.key},
          {"unit", info.unit},
          {"default", info.fallback},
          {"origin", info.origin},
          {"effect", info.effect}};
}

Json shipped_json(const ShippedSettings& shipped) {
  return {{"name", shipped.name},     {"family", shipped.family},  {"layers", shipped.layers},
          {"hidden", shipped.hidden}, {"origin", shipped.origins}, {"settings", shipped.values}};
}

std::string editor_text(const EditorInfo& info, const Style& style) {
  std::string text = fmt::format("{}: {}\npaper: {}\nevidence: {}\n", info.name, info.summary,
                                 info.paper, info.evidence);
  const auto& settings = setting_infos(info.name);
  if (settings.empty()) return text + "It has no settings.\n";
  Table table({{"setting"}, {"default"}, {"unit"}, {"effect"}});
  for (const SettingInfo& one : settings) {
    table.row({one.key, default_text(one.fallback), one.unit, one.effect});
  }
  text += "\n" + table.text(style);
  const auto& shipped = shipped_settings(info.name);
  if (shipped.empty()) return text;
  std::vector<std::string> names;
  for (const ShippedSettings& one : shipped) names.push_back(one.name);
  return text + fmt::format(
                    "\npublished settings (taken for models of that shape, or by "
                    "--settings NAME): {}\n",
                    fmt::join(names, ", "));
}

int explain_editor(Context& context, const EditorInfo& info) {
  Json settings = Json::array();
  for (const SettingInfo& one : setting_infos(info.name)) settings.push_back(setting_json(one));
  Json shipped = Json::array();
  for (const ShippedSettings& one : shipped_settings(info.name)) {
    shipped.push_back(shipped_json(one));
  }
  return context.answer({{"editor", info.name},
                         {"paper", info.paper},
                         {"evidence", info.evidence},
                         {"summary", info.summary},
                         {"settings", std::move(settings)},
                         {"published", std::move(shipped)}},
                        editor_text(info, context.style()));
}

// ---- One setting, one set of published settings ------------------------------------

int explain_setting(Context& context, const EditorInfo& editor, const std::string& key) {
  for (const SettingInfo& info : setting_infos(editor.name)) {
    if (info.key != key) continue;
    Json document = setting_json(info);
    document["editor"] = editor.name;
    std::string text =
        fmt::format("{}: {}\nunit: {}\ndefault: {}\norigin: {}\n", info.key, info.effect,
                    info.unit.empty() ? "-" : info.unit, default_text(info.fallback), info.origin);
    document["published"] = Json::object();
    for (const ShippedSettings& one : shipped_settings(editor.name)) {
      if (!one.values.contains(key)) continue;
      document["published"][one.name] = {{"value", one.values.at(key)},
                                         {"origin", one.origin(key)}};
      text +=
          fmt::format("{}: {} ({})\n", one.name, default_text(one.values.at(key)), one.origin(key));
    }
    return context.answer(document, text);
  }
  const auto keys = setting_keys(editor.name);
  const auto nearest = nearest_name(key, keys);
  throw UsageError(fmt::format("explaining {}: expected one of its settings, found \"{}\"{}",
                               editor.name, key,
                               nearest ? fmt::format("; did you mean {}?", *nearest)
                                       : fmt::format("; see kedit explain {}", editor.name)));
}

int explain_published(Context& context, const EditorInfo& editor, const std::string& name) {
  const ShippedSettings* found = nullptr;
  try {
    found = &find_shipped_settings(editor.name, name);
  } catch (const SettingsError& error) {
    throw UsageError(error.what());
  }
  Table table({{"setting"}, {"value"}, {"origin"}});
  for (const auto& [key, value] : found->values.items()) {
    table.row({key, default_text(value), found->origin(key)});
  }
  Json document = shipped_json(*found);
  document["editor"] = editor.name;
  return context.answer(document, table.text(context.style()));
}

int run_explain(Context& context) {
  const Values& options = context.options;
  const auto words = options.list("what");
  if (words.empty()) {
    if (options.given("settings")) throw UsageError("--settings: expected an editor before it");
    return explain_all(context);
  }
  const EditorInfo& editor = editor_of(words[0]);
  if (words.size() > 2) throw UsageError("expected an editor and a setting, found more words");
  if (words.size() == 2) return explain_setting(context, editor, words[1]);
  if (options.given("settings")) {
    return explain_published(context, editor, options.text("settings"));
  }
  return explain_editor(context, editor);
}

}  // namespace

std::vector<Command> explain_commands() {
  Command explain;
  explain.name = "explain";
  explain.summary = "what an editor or one of its settings does";
  explain.arguments = {
      text("what", "EDITOR [SETTING]", "an editor, and one of its settings").repeated()};
  explain.options = {text("settings", "NAME", "show these published settings of the editor")};
  explain.description =
      "Without an editor: all of them, with paper and evidence. Of an editor: every setting with "
      "its "
      "unit, default, effect and origin, and the published settings that come with kedit.";
  explain.example = "kedit explain memit mom2_update_weight";
  explain.run = run_explain;
  return {explain};
}

}  // namespace kedit::cli
