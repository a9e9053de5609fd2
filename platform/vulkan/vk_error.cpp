#include "platform/vulkan/vk_error.h"

#include <fmt/format.h>

namespace ferry::platform {
namespace {

proto::ErrorCode code_of(VkResult result) {
  switch (result) {
    case VK_TIMEOUT:
      return proto::ErrorCode::kTimeout;
    case VK_ERROR_DEVICE_LOST:
      return proto::ErrorCode::kDeviceLost;
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_MEMORY_MAP_FAILED:
    case VK_ERROR_TOO_MANY_OBJECTS:
      return proto::ErrorCode::kOutOfMemory;
    case VK_ERROR_INITIALIZATION_FAILED:
    case VK_ERROR_LAYER_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_INCOMPATIBLE_DRIVER:
    case VK_ERROR_FORMAT_NOT_SUPPORTED:
      return proto::ErrorCode::kUnsupported;
    case VK_ERROR_INVALID_EXTERNAL_HANDLE:
      return proto::ErrorCode::kProtocolViolation;
    default:
      return proto::ErrorCode::kSystem;
  }
}

}  // namespace

std::string vk_result_name(VkResult result) {
  switch (result) {
#define FERRY_VK_NAME(name) \
  case name:                \
    return #name;
    FERRY_VK_NAME(VK_SUCCESS)
    FERRY_VK_NAME(VK_NOT_READY)
    FERRY_VK_NAME(VK_TIMEOUT)
    FERRY_VK_NAME(VK_INCOMPLETE)
    FERRY_VK_NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
    FERRY_VK_NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
    FERRY_VK_NAME(VK_ERROR_INITIALIZATION_FAILED)
    FERRY_VK_NAME(VK_ERROR_DEVICE_LOST)
    FERRY_VK_NAME(VK_ERROR_MEMORY_MAP_FAILED)
    FERRY_VK_NAME(VK_ERROR_LAYER_NOT_PRESENT)
    FERRY_VK_NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
    FERRY_VK_NAME(VK_ERROR_FEATURE_NOT_PRESENT)
    FERRY_VK_NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
    FERRY_VK_NAME(VK_ERROR_TOO_MANY_OBJECTS)
    FERRY_VK_NAME(VK_ERROR_FORMAT_NOT_SUPPORTED)
    FERRY_VK_NAME(VK_ERROR_FRAGMENTED_POOL)
    FERRY_VK_NAME(VK_ERROR_UNKNOWN)
    FERRY_VK_NAME(VK_ERROR_INVALID_EXTERNAL_HANDLE)
#undef FERRY_VK_NAME
    default:
      return fmt::format("VkResult {}", static_cast<int>(result));
  }
}

proto::Error vk_error(VkResult result, std::string_view call, std::string_view context) {
  std::string text = fmt::format("{}: {}", call, vk_result_name(result));
  if (!context.empty()) text += fmt::format(" ({})", context);
  return {code_of(result), std::move(text)};
}

}  // namespace ferry::platform
