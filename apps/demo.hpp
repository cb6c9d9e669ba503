#pragma once

#include "apps/command.hpp"

namespace kedit::cli {

/// The store of a demo: the default one is made anew each time, a named one must not exist yet.
Store fresh_store(Context& context);

/// kedit demo --real: famous facts of a pretrained model.
int run_real_demo(Context& context);

}  // namespace kedit::cli
