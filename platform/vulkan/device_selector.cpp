#include "platform/vulkan/device_selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "proto/names.h"

namespace ferry::platform {
namespace {

constexpr std::string_view kDecimalDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::string without_dashes(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
  return text;
}

bool is_number(std::string_view selector) {
  return !selector.empty() && selector.find_first_not_of(kDecimalDigits) == std::string_view::npos;
}

/// "3090" in "GeForce RTX 3090", but "3" neither in "HBM3" nor in "22.3.6".
bool has_word(std::string_view name, std::string_view word) {
  const auto is_part_of_one = [&](std::size_t at) {
    return at < name.size() && (std::isalnum(static_cast<unsigned char>(name[at])) != 0 || name[at] == '.');
  };
  for (std::size_t at = name.find(word); at != std::string_view::npos; at = name.find(word, at + 1))
    if ((at == 0 || !is_part_of_one(at - 1)) && !is_part_of_one(at + word.size())) return true;
  return false;
}

template <class Matches>
std::optional<std::size_t> first_match(std::span<const DeviceCapabilities> devices, Matches matches) {
  const auto found = std::find_if(devices.begin(), devices.end(), matches);
  if (found == devices.end()) return std::nullopt;
  return static_cast<std::size_t>(found - devices.begin());
}

}  // namespace

int device_rank(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 4;
    default:
      return 3;
  }
}

std::optional<std::size_t> select_device(std::span<const DeviceCapabilities> devices, std::string_view selector) {
  if (selector.empty()) return devices.empty() ? std::nullopt : std::optional<std::size_t>(0);

  const std::string wanted = lower_case(selector);
  const std::string digits = without_dashes(wanted);
  if (digits.size() == 2 * VK_UUID_SIZE && digits.find_first_not_of(kHexDigits) == std::string::npos)
    return first_match(devices,
                       [&](const DeviceCapabilities& d) { return without_dashes(to_string(d.device_uuid)) == digits; });

  if (is_number(wanted)) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), index);
    if (error == std::errc{} && index < devices.size()) return index;
    // As a word: an index that is off by one must not choose by a digit of somebody's name.
    return first_match(devices, [&](const DeviceCapabilities& d) { return has_word(d.name, wanted); });
  }
  return first_match(devices,
                     [&](const DeviceCapabilities& d) { return lower_case(d.name).find(wanted) != std::string::npos; });
}

proto::Error no_such_device(std::span<const DeviceCapabilities> devices, std::string_view selector) {
  if (devices.empty()) return {proto::ErrorCode::kNotFound, "this machine has no Vulkan device"};
  std::string list;
  for (std::size_t i = 0; i < devices.size(); ++i)
    list += fmt::format("{}'{}' (index {}, UUID {})", i == 0 ? "" : ", ", devices[i].name, i, to_string(devices[i].device_uuid));
  const std::string wanted = is_number(selector) ? fmt::format("has index {0}, and none has the word '{0}' in its name", selector)
                                                 : fmt::format("matches '{}'", proto::printable(selector));
  return {proto::ErrorCode::kNotFound, fmt::format("no device {}; this machine has {}", wanted, list)};
}

}  // namespace ferry::platform
