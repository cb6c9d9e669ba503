#pragma once

#include "lab/world/world.hpp"
#include "tests/datasets/fixtures.hpp"

#include <memory>

namespace kedit::test {

inline std::shared_ptr<const lab::World> lab_world() {
  static const auto world = std::make_shared<const lab::World>(lab::invent_world(1));
  return world;
}

}  // namespace kedit::test
