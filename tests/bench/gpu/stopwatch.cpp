#include "tests/bench/gpu/stopwatch.h"

#include <array>
#include <stdexcept>

namespace ferry::bench {

Stopwatch::Stopwatch(const Device& device, const test::Gpu& gpu)
    : device_(device), ns_per_tick_(device.physical().getProperties().limits.timestampPeriod) {
  const auto family = device.physical().getQueueFamilyProperties().at(gpu.queue_family_index());
  if (family.timestampValidBits == 0 || !device.resets_queries())
    throw std::runtime_error("no timestamps on this queue of " + device.name());
  queries_ = device.vk().createQueryPoolUnique({{}, vk::QueryType::eTimestamp, 2});
}

void Stopwatch::reset() { device_.vk().resetQueryPool(*queries_, 0, 2); }

void Stopwatch::begin(VkCommandBuffer commands, vk::PipelineStageFlagBits stage) const {
  vk::CommandBuffer(commands).writeTimestamp(stage, *queries_, 0);
}

void Stopwatch::end(VkCommandBuffer commands) const {
  vk::CommandBuffer(commands).writeTimestamp(vk::PipelineStageFlagBits::eBottomOfPipe, *queries_, 1);
}

GpuSpan Stopwatch::read() const {
  std::array<std::uint64_t, 2> ticks{};
  const vk::Result result =
      device_.vk().getQueryPoolResults(*queries_, 0, 2, sizeof ticks, ticks.data(), sizeof ticks[0],
                                       vk::QueryResultFlagBits::e64 | vk::QueryResultFlagBits::eWait);
  vk::resultCheck(result, "vkGetQueryPoolResults");
  // Ticks that count from 1970 need more bits than a double has.
  const auto ns = [&](std::uint64_t tick) { return static_cast<std::int64_t>(static_cast<long double>(tick) * ns_per_tick_); };
  return {ns(ticks[0]), ns(ticks[1])};
}

}  // namespace ferry::bench
