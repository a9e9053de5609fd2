#pragma once
// Whether a run of a target has left descriptors open.

#include <string>
#include <vector>

namespace ferry::fuzz {

/// What is open but pipes: nothing here makes one, and UBSan keeps one to try whether memory can be read.
std::vector<std::string> open_descriptors();
/// Ends the run, after it has said what is open, unless that is the same as @p before within 5 s: some are closed by a thread.
void require_the_same(const std::vector<std::string>& before);

}  // namespace ferry::fuzz
