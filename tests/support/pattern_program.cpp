#include "tests/support/pattern_program.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "shaders/pattern.comp.h"
#include "tests/support/check.h"

namespace ferry::test {
namespace {

constexpr std::uint32_t kLocalSize = 256;
constexpr std::uint32_t kMaxGroups = 65535;  // what every device can dispatch; the shader strides over the rest

struct Push {
  std::uint32_t base, mask, count, compare;
};

}  // namespace

PatternProgram::PatternProgram(const Gpu& gpu, const GpuBuffer& words, const GpuBuffer& result) : gpu_(gpu) {
  std::array<VkDescriptorSetLayoutBinding, 2> bindings{};
  for (std::uint32_t i = 0; i < bindings.size(); ++i)
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo set_layout{};
  set_layout.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  set_layout.bindingCount = bindings.size();
  set_layout.pBindings = bindings.data();
  check_vk(gpu.CreateDescriptorSetLayout(gpu.device(), &set_layout, nullptr, &set_layout_),
           "vkCreateDescriptorSetLayout");

  const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(Push)};
  VkPipelineLayoutCreateInfo layout{};
  layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &set_layout_;
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &push;
  check_vk(gpu.CreatePipelineLayout(gpu.device(), &layout, nullptr, &layout_), "vkCreatePipelineLayout");

  VkShaderModuleCreateInfo module_info{};
  module_info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  module_info.codeSize = sizeof kPatternComp;
  module_info.pCode = kPatternComp;
  VkShaderModule module = VK_NULL_HANDLE;
  check_vk(gpu.CreateShaderModule(gpu.device(), &module_info, nullptr, &module), "vkCreateShaderModule");
  VkComputePipelineCreateInfo pipeline{};
  pipeline.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  pipeline.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  pipeline.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  pipeline.stage.module = module;
  pipeline.stage.pName = "main";
  pipeline.layout = layout_;
  const VkResult made = gpu.CreateComputePipelines(gpu.device(), VK_NULL_HANDLE, 1, &pipeline, nullptr, &pipeline_);
  gpu.DestroyShaderModule(gpu.device(), module, nullptr);
  check_vk(made, "vkCreateComputePipelines");

  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, bindings.size()};
  VkDescriptorPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  pool.maxSets = 1;
  pool.poolSizeCount = 1;
  pool.pPoolSizes = &size;
  check_vk(gpu.CreateDescriptorPool(gpu.device(), &pool, nullptr, &pool_), "vkCreateDescriptorPool");
  VkDescriptorSetAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  allocate.descriptorPool = pool_;
  allocate.descriptorSetCount = 1;
  allocate.pSetLayouts = &set_layout_;
  check_vk(gpu.AllocateDescriptorSets(gpu.device(), &allocate, &set_), "vkAllocateDescriptorSets");

  const std::array<VkDescriptorBufferInfo, 2> buffers{
      {{words.handle(), 0, VK_WHOLE_SIZE}, {result.handle(), 0, VK_WHOLE_SIZE}}};
  VkWriteDescriptorSet write{};
  write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
  write.dstSet = set_;
  write.descriptorCount = buffers.size();
  write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  write.pBufferInfo = buffers.data();
  gpu.UpdateDescriptorSets(gpu.device(), 1, &write, 0, nullptr);
}

PatternProgram::~PatternProgram() {
  gpu_.DestroyDescriptorPool(gpu_.device(), pool_, nullptr);
  gpu_.DestroyPipeline(gpu_.device(), pipeline_, nullptr);
  gpu_.DestroyPipelineLayout(gpu_.device(), layout_, nullptr);
  gpu_.DestroyDescriptorSetLayout(gpu_.device(), set_layout_, nullptr);
}

void PatternProgram::record(VkCommandBuffer commands, Task task, const Picture& picture,
                            const ImageShape& shape) const {
  if (size_bytes(shape) % 4 != 0) throw std::invalid_argument("no whole words: not for the GPU");
  const PatternWords words(picture, shape);
  const Push push{words.base(), words.mask(), static_cast<std::uint32_t>(size_bytes(shape) / 4),
                  static_cast<std::uint32_t>(task)};
  gpu_.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
  gpu_.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0, nullptr);
  gpu_.CmdPushConstants(commands, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof push, &push);
  gpu_.CmdDispatch(commands, std::min((push.count + kLocalSize - 1) / kLocalSize, kMaxGroups), 1, 1);
}

}  // namespace ferry::test
