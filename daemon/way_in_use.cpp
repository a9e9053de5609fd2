#include "daemon/way_in_use.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/names.h"
#include "proto/usage.h"

namespace ferry::daemon {

using proto::Result;

Result<void> can_import(const Party& consumer, const GenerationSpec& spec, const platform::TextureLayout& layout) {
  const auto transport = static_cast<wire::Transport>(layout.transport);
  const std::string in_use = platform::transport_name(layout.transport);
  if (std::find(consumer.transports.begin(), consumer.transports.end(), transport) == consumer.transports.end()) {
    std::vector<std::string> theirs;
    for (const auto listed : consumer.transports)
      theirs.emplace_back(platform::transport_name(static_cast<platform::Transport>(listed)));
    std::string text = fmt::format("{} on device '{}' cannot import by {}", consumer.who, consumer.device_name, in_use);
    for (const Party::Lack& lack : consumer.lacks)
      if (lack.transport == transport && !lack.reason.empty()) text += ": " + lack.reason;
    return incompatible(std::move(text), {consumer.who, "transport", std::move(theirs), {in_use}});
  }
  if (layout.transport == platform::Transport::kOpaqueFd && !(consumer.device == spec.agreement.device))
    return incompatible(fmt::format("opaque-fd needs equal UUIDs: {} is on '{}' ({}), the producer on {}", consumer.who,
                                    consumer.device_name, to_string(consumer.device), to_string(spec.agreement.device)),
                        {consumer.who, "device", {to_string(consumer.device)}, {to_string(spec.agreement.device)}});
  if (layout.transport != platform::Transport::kDmaBuf) return {};
  const std::uint32_t usage = spec.image.usage | proto::kUsageAlways;
  std::vector<std::uint64_t> modifiers;
  for (const platform::FormatModifier& known : consumer.modifiers)
    if (known.format == spec.image.format && (known.usage & usage) == usage) modifiers.push_back(known.modifier);
  if (std::find(modifiers.begin(), modifiers.end(), layout.modifier) != modifiers.end()) return {};
  const std::vector<std::string> theirs = modifier_names(modifiers);
  const std::string modifier = platform::modifier_name(layout.modifier);
  return incompatible(
      fmt::format("{} on device '{}' imports no {} in modifier {}; its list: {}", consumer.who, consumer.device_name,
                  proto::format_info(spec.image.format).name, modifier,
                  theirs.empty() ? "none" : fmt::format("{}", fmt::join(theirs, ", "))),
      {consumer.who, "modifier", theirs, {modifier}});
}

}  // namespace ferry::daemon
