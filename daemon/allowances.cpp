#include "daemon/allowances.h"

#include <fmt/format.h>

#include "proto/names.h"

namespace ferry::daemon {
namespace {

constexpr const char* kMemory = "bytes of texture memory";
constexpr const char* kDescriptors = "descriptors";
constexpr const char* kMessages = "bytes of messages and requests";

}  // namespace

Allowances::Allowances(const Limits& limits, uid_t own)
    : limits_(limits),
      own_uid_(own),
      all_{std::make_shared<Budget>(kMemory, "texture_memory_bytes", limits.texture_memory_bytes),
           std::make_shared<Budget>(kDescriptors, "max_descriptors", limits.max_descriptors), FdBin::create(),
           std::make_shared<Budget>(kMessages, "message_memory_bytes", limits.message_memory_bytes)} {}

Allowances::Sizes Allowances::of_user(uid_t uid) const {
  const auto or_share = [&](std::uint64_t set, std::uint64_t all) {
    return set != 0 ? set : uid == own_uid_ ? all : all / 2;
  };
  return {or_share(limits_.texture_memory_bytes_per_uid, limits_.texture_memory_bytes),
          or_share(limits_.max_descriptors_per_uid, limits_.max_descriptors), limits_.message_memory_bytes_per_uid};
}

Allowance Allowances::shared(const std::string& key, const Allowance& parent, const Sizes& sizes,
                             const std::string& whose) {
  std::erase_if(shared_, [](const auto& one) { return one.second.has_nothing(); });
  Weak& known = shared_[key];
  Allowance strong{known.memory.lock(), known.descriptors.lock(), known.bin.lock(), known.messages.lock()};
  if (!strong.bin) strong.bin = FdBin::create();
  // Who may have everything meets everybody's limit, and is told of that one.
  const auto within = [&](const char* unit, const char* limit, std::uint64_t size, const std::shared_ptr<Budget>& all) {
    const char* per_uid = size == all->limit() ? "" : "_per_uid";
    return std::make_shared<Budget>(unit, limit + (per_uid + whose), size, all);
  };
  if (!strong.memory) strong.memory = within(kMemory, "texture_memory_bytes", sizes.memory, parent.memory);
  if (!strong.descriptors) strong.descriptors = within(kDescriptors, "max_descriptors", sizes.descriptors, parent.descriptors);
  if (!strong.messages) strong.messages = within(kMessages, "message_memory_bytes", sizes.messages, parent.messages);
  known = {strong.memory, strong.descriptors, strong.messages, strong.bin};
  return strong;
}

Allowance Allowances::for_session(const TrustDomain& domain) {
  const Sizes sizes = of_user(domain.uid);
  const std::string user = fmt::format("{}", domain.uid);
  Allowance mine = shared(user, all_, sizes, "");
  if (!domain.sandbox.empty()) {
    mine = shared(user + " sandboxes", mine,
                  {share_of_sandboxes(sizes.memory), share_of_sandboxes(sizes.descriptors), share_of_sandboxes(sizes.messages)},
                  fmt::format(" of the sandboxes of uid {}", domain.uid));
    mine = shared(fmt::format("{} sandbox {}", domain.uid, domain.sandbox), mine,
                  {share_of_sandbox(sizes.memory), share_of_sandbox(sizes.descriptors), share_of_sandbox(sizes.messages)},
                  fmt::format(" of {}", to_string(domain)));
  }
  return {std::make_shared<Budget>(kMemory, "texture_memory_bytes_per_session",
                                   limits_.texture_memory_bytes_per_session, std::move(mine.memory)),
          std::move(mine.descriptors), std::move(mine.bin), std::move(mine.messages)};
}

}  // namespace ferry::daemon
