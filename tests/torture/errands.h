#pragma once
// People with something for the broker to do, so that it comes to the place where it is to die. What becomes of them is
// of no interest.

#include <vector>

#include "tests/torture/ledger.h"
#include "tests/torture/world.h"

namespace ferry::torture {

class Errands {
 public:
  /// Sends them to the broker of @p world, as @p fault needs them.
  Errands(World& world, const Fault& fault);
  void end() { people_.clear(); }

 private:
  test::ChildProcess& send(const char* program, Arguments arguments);
  test::ChildProcess& producer(Arguments more);

  World& world_;
  std::vector<std::unique_ptr<test::ChildProcess>> people_;
};

}  // namespace ferry::torture
