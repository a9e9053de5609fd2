#pragma once
// shaders/pattern.comp as a compute pipeline over a pair of buffers.

#include "tests/support/gpu.h"
#include "tests/support/pattern.h"

namespace ferry::test {

class PatternProgram {
 public:
  /// @p words: the picture; @p result: four bytes for the count of wrong words. Both outlive this.
  PatternProgram(const Gpu& gpu, const GpuBuffer& words, const GpuBuffer& result);
  ~PatternProgram();
  PatternProgram(const PatternProgram&) = delete;
  PatternProgram& operator=(const PatternProgram&) = delete;

  enum class Task : std::uint32_t { kFill = 0, kCompare = 1 };
  void record(VkCommandBuffer commands, Task task, const Picture& picture, const ImageShape& shape) const;

 private:
  const Gpu& gpu_;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
  VkDescriptorPool pool_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
};

}  // namespace ferry::test
