#include "tests/support/counting_vulkan.h"

#include <array>
#include <atomic>
#include <string_view>

#include "tests/support/counted_functions.h"

namespace ferry::test {
namespace {

constexpr std::array<std::string_view, kCounted> kNames{
#define FERRY_TEST_NAME(name) "vk" #name,
    FERRY_TEST_COUNTED_FUNCTIONS(FERRY_TEST_NAME)
#undef FERRY_TEST_NAME
};

std::array<std::atomic<std::uint64_t>, kCounted> counts{};
PFN_vkGetInstanceProcAddr real_instance_function = nullptr;
PFN_vkGetDeviceProcAddr real_device_function = nullptr;

template <std::size_t Index, class Function>
struct Trampoline;
template <std::size_t Index, class Return, class... Arguments>
struct Trampoline<Index, Return(VKAPI_PTR*)(Arguments...)> {
  static inline Return(VKAPI_PTR* next)(Arguments...) = nullptr;
  static Return VKAPI_PTR call(Arguments... arguments) {
    counts[Index].fetch_add(1, std::memory_order_relaxed);
    return next(arguments...);
  }
};

PFN_vkVoidFunction counting(std::string_view name, PFN_vkVoidFunction real) {
  if (real == nullptr) return nullptr;
#define FERRY_TEST_REPLACE(function)                                                               \
  if (name == "vk" #function) {                                                                    \
    using Counting = Trampoline<static_cast<std::size_t>(Counted::k##function), PFN_vk##function>; \
    Counting::next = reinterpret_cast<PFN_vk##function>(real);                                     \
    return reinterpret_cast<PFN_vkVoidFunction>(&Counting::call);                                  \
  }
  FERRY_TEST_COUNTED_FUNCTIONS(FERRY_TEST_REPLACE)
#undef FERRY_TEST_REPLACE
  return real;
}

PFN_vkVoidFunction VKAPI_PTR device_function(VkDevice device, const char* name) {
  return counting(name, real_device_function(device, name));
}

PFN_vkVoidFunction VKAPI_PTR instance_function(VkInstance instance, const char* name) {
  const std::string_view wanted = name;
  if (wanted == "vkGetInstanceProcAddr") return reinterpret_cast<PFN_vkVoidFunction>(&instance_function);
  if (wanted == "vkGetDeviceProcAddr") {
    real_device_function = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real_instance_function(instance, name));
    return reinterpret_cast<PFN_vkVoidFunction>(&device_function);
  }
  return counting(wanted, real_instance_function(instance, name));
}

}  // namespace

std::map<std::string, std::uint64_t> counted_vulkan_calls() {
  std::map<std::string, std::uint64_t> result;
  for (std::size_t i = 0; i < kCounted; ++i)
    if (const auto count = counts[i].load(std::memory_order_relaxed); count != 0)
      result[std::string(kNames[i])] = count;
  return result;
}

void reset_counted_vulkan_calls() {
  for (auto& count : counts) count = 0;
}

PFN_vkGetInstanceProcAddr count_vulkan_calls(PFN_vkGetInstanceProcAddr next) {
  real_instance_function = next;
  return &instance_function;
}

}  // namespace ferry::test
