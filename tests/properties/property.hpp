#pragma once

#include "tests/support/catch.hpp"

#include <rapidcheck.h>
#include <string>

/// Checks a property on random values (RC_PARAMS: seed, max_success); rapidcheck prints the
/// smallest counterexample that it finds.
template <class Property>
void check_property(const std::string& name, const Property& property) {
  CHECK(rc::check(name, property));
}
