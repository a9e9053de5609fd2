#include "daemon/allowances.h"

namespace ferry::daemon {
namespace {

constexpr const char* kMemory = "bytes of texture memory";
constexpr const char* kDescriptors = "descriptors";
constexpr const char* kMessages = "bytes of messages and requests";

}  // namespace

Allowances::Allowances(const Limits& limits)
    : limits_(limits),
      all_{std::make_shared<Budget>(kMemory, "texture_memory_bytes", limits.texture_memory_bytes),
           std::make_shared<Budget>(kDescriptors, "max_descriptors", limits.max_descriptors), FdBin::create(),
           std::make_shared<Budget>(kMessages, "message_memory_bytes", limits.message_memory_bytes)} {}

Allowance Allowances::of_user(uid_t uid) {
  std::erase_if(users_, [](const auto& user) { return user.second.has_nothing(); });
  OfUser& user = users_[uid];
  Allowance strong{user.memory.lock(), user.descriptors.lock(), user.bin.lock(), user.messages.lock()};
  if (!strong.bin) strong.bin = FdBin::create();
  if (!strong.memory)
    strong.memory = std::make_shared<Budget>(kMemory, "texture_memory_bytes_per_uid",
                                             limits_.texture_memory_bytes_per_uid, all_.memory);
  if (!strong.descriptors)
    strong.descriptors = std::make_shared<Budget>(kDescriptors, "max_descriptors_per_uid",
                                                  limits_.max_descriptors_per_uid, all_.descriptors);
  if (!strong.messages)
    strong.messages = std::make_shared<Budget>(kMessages, "message_memory_bytes_per_uid",
                                               limits_.message_memory_bytes_per_uid, all_.messages);
  user = {strong.memory, strong.descriptors, strong.messages, strong.bin};
  return strong;
}

Allowance Allowances::for_session(uid_t uid) {
  Allowance user = of_user(uid);
  return {std::make_shared<Budget>(kMemory, "texture_memory_bytes_per_session",
                                   limits_.texture_memory_bytes_per_session, std::move(user.memory)),
          std::move(user.descriptors), std::move(user.bin), std::move(user.messages)};
}

}  // namespace ferry::daemon
