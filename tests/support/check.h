#pragma once
// Failures of Ferry and of Vulkan as exceptions: a test or a helper program has nothing better to do with them.

#include <vulkan/vulkan_core.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "ferry/ferry.h"

namespace ferry::test {

class FerryFailure : public std::runtime_error {
 public:
  FerryFailure(const char* call, std::int32_t code)
      : std::runtime_error(std::string(call) + ": " + ferry_error_name(code) + ": " + ferry_last_error()),
        code_(code) {}
  std::int32_t code() const { return code_; }

 private:
  std::int32_t code_;
};

inline void check(std::int32_t code, const char* call) {
  if (code != FERRY_OK) throw FerryFailure(call, code);
}

class VulkanFailure : public std::runtime_error {
 public:
  VulkanFailure(const char* call, VkResult result)
      : std::runtime_error(std::string(call) + ": VkResult " + std::to_string(result)), result_(result) {}
  VkResult result() const { return result_; }

 private:
  VkResult result_;
};

inline void check_vk(VkResult result, const char* call) {
  if (result != VK_SUCCESS) throw VulkanFailure(call, result);
}

}  // namespace ferry::test
