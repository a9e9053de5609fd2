#include "daemon/allowances.h"

#include <fmt/format.h>

#include "proto/names.h"

namespace ferry::daemon {
namespace {

constexpr const char* kMemory = "bytes of texture memory";
constexpr const char* kDescriptors = "descriptors";

}  // namespace

Allowances::Allowances(const Limits& limits, uid_t own)
    : limits_(limits),
      own_uid_(own),
      all_{std::make_shared<Budget>(kMemory, "texture_memory_bytes", limits.texture_memory_bytes),
           std::make_shared<Budget>(kDescriptors, "max_descriptors", limits.max_descriptors)} {}

Allowances::Sizes Allowances::of_user(uid_t uid) const {
  const auto or_share = [&](std::uint64_t set, std::uint64_t all) {
    return set != 0 ? set : uid == own_uid_ ? all : all / 2;
  };
  return {or_share(limits_.texture_memory_bytes_per_uid, limits_.texture_memory_bytes),
          or_share(limits_.max_descriptors_per_uid, limits_.max_descriptors)};
}

Allowance Allowances::shared(const std::string& key, const Allowance& parent, const Sizes& sizes,
                             const std::string& whose) {
  std::erase_if(shared_, [](const auto& one) { return one.second.memory.expired() && one.second.descriptors.expired(); });
  Weak& known = shared_[key];
  Allowance strong{known.memory.lock(), known.descriptors.lock()};
  if (!strong.memory)
    strong.memory =
        std::make_shared<Budget>(kMemory, "texture_memory_bytes_per_uid" + whose, sizes.memory, parent.memory);
  if (!strong.descriptors)
    strong.descriptors =
        std::make_shared<Budget>(kDescriptors, "max_descriptors_per_uid" + whose, sizes.descriptors, parent.descriptors);
  known = {strong.memory, strong.descriptors};
  return strong;
}

Allowance Allowances::for_session(const TrustDomain& domain) {
  const Sizes sizes = of_user(domain.uid);
  const std::string user = fmt::format("{}", domain.uid);
  Allowance mine = shared(user, all_, sizes, "");
  if (!domain.sandbox.empty()) {
    mine = shared(user + " sandboxes", mine,
                  {share_of_sandboxes(sizes.memory), share_of_sandboxes(sizes.descriptors)},
                  fmt::format(" of the sandboxes of uid {}", domain.uid));
    mine = shared(fmt::format("{} sandbox {}", domain.uid, domain.sandbox), mine,
                  {share_of_sandbox(sizes.memory), share_of_sandbox(sizes.descriptors)},
                  fmt::format(" of {}", to_string(domain)));
  }
  return {std::make_shared<Budget>(kMemory, "texture_memory_bytes_per_session",
                                   limits_.texture_memory_bytes_per_session, std::move(mine.memory)),
          std::move(mine.descriptors)};
}

}  // namespace ferry::daemon
