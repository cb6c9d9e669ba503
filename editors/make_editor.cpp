#include "editors/editor.hpp"
#include "editors/locate/rome.hpp"
#include "editors/reasoning/in_context.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit {

const std::vector<EditorInfo>& known_editors() {
  static const std::vector<EditorInfo> editors{
      {"rome", "Meng et al., Locating and Editing Factual Associations in GPT, NeurIPS 2022",
       "paper and reference program; numbers agree with the program's own",
       "rank-one change of one MLP matrix per layer, one edit at a time", true, false,
       locate::rome_setting_keys()},
      {"in-context",
       "IKE and the in-context baselines of Cohen et al. 2023, Zhong et al. 2023",
       "prompt form is kedit's own",
       "keeps the edited facts and puts them in front of the question; changes no weight",
       false,
       false,
       {}},
  };
  return editors;
}

std::unique_ptr<Editor> make_editor(std::string_view name, const EditorSettings& settings) {
  if (name == "rome") return std::make_unique<locate::RomeEditor>(settings);
  if (name == "in-context") return std::make_unique<reasoning::InContextEditor>(settings);

  std::vector<std::string> names;
  for (const EditorInfo& editor : known_editors()) names.push_back(editor.name);
  const auto nearest = nearest_name(name, names);
  throw EditError(fmt::format("choosing the editor: expected {}, found \"{}\"{}",
                              fmt::join(names, " or "), name,
                              nearest ? fmt::format("; did you mean {}?", *nearest) : ""));
}

}  // namespace kedit
