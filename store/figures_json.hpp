#pragma once

#include "edits/figures.hpp"
#include "json/json.hpp"

namespace kedit {

/// An edit's figures as the store keeps them (`edits.diagnostics`, schema.md) and reports show
/// them: a `canonical` object; empty parts are left out, numbers that are not finite become null.
/// Throws `DeltaError` when a named number or term has the name of another part.
Json figures_to_json(const EditFigures& figures);

/// The reading side. Named numbers and curves are kept; anything else that this version does not
/// know (a newer program's) is passed over. Throws `JsonError` for a known part of the wrong kind.
EditFigures figures_from_json(const JsonView& json);

}  // namespace kedit
