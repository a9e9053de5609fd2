#include "tests/support/gpu_gate.h"

#include "tests/support/check.h"

namespace ferry::test {

GpuGate::GpuGate(const Gpu& gpu) : gpu_(gpu) {
  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  create.pNext = &type;
  check_vk(gpu.CreateSemaphore(gpu.device(), &create, nullptr, &semaphore_), "vkCreateSemaphore");
}

GpuGate::~GpuGate() { gpu_.DestroySemaphore(gpu_.device(), semaphore_, nullptr); }

void GpuGate::open() {
  VkSemaphoreSignalInfo signal{};
  signal.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
  signal.semaphore = semaphore_;
  signal.value = next_value();
  check_vk(gpu_.SignalSemaphore(gpu_.device(), &signal), "vkSignalSemaphore");
  ++opened_;
}

}  // namespace ferry::test
