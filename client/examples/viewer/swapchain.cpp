#include "client/examples/viewer/swapchain.h"

#include <algorithm>
#include <stdexcept>

namespace viewer {
namespace {

constexpr std::uint64_t kAcquireDeadlineNs = 1'000'000'000;

/// Numbers in the window are sRGB as they come: ImGui's colours are, and the frame's shader makes its own so.
vk::SurfaceFormatKHR choose_format(const std::vector<vk::SurfaceFormatKHR>& offered) {
  for (const auto wanted : {vk::Format::eB8G8R8A8Unorm, vk::Format::eR8G8B8A8Unorm})
    for (const auto& format : offered)
      if (format.format == wanted && format.colorSpace == vk::ColorSpaceKHR::eSrgbNonlinear) return format;
  if (offered.empty()) throw std::runtime_error("the window's surface offers no format");
  return offered.front();
}

}  // namespace

Swapchain::Swapchain(const examples::Gpu& gpu, vk::SurfaceKHR surface)
    : gpu_(gpu),
      surface_(surface),
      format_(choose_format(gpu.physical_device.getSurfaceFormatsKHR(surface))),
      pass_(make_pass()) {}

vk::UniqueRenderPass Swapchain::make_pass() const {
  const auto picture = vk::AttachmentDescription()
                           .setFormat(format_.format)
                           .setLoadOp(vk::AttachmentLoadOp::eClear)
                           .setStoreOp(vk::AttachmentStoreOp::eStore)
                           .setStencilLoadOp(vk::AttachmentLoadOp::eDontCare)
                           .setStencilStoreOp(vk::AttachmentStoreOp::eDontCare)
                           .setFinalLayout(vk::ImageLayout::ePresentSrcKHR);
  const vk::AttachmentReference picture_ref(0, vk::ImageLayout::eColorAttachmentOptimal);
  const auto subpass = vk::SubpassDescription().setColorAttachments(picture_ref);
  const auto stage = vk::PipelineStageFlagBits::eColorAttachmentOutput;  // where the submission waits for the image
  const auto after_acquire = vk::SubpassDependency(VK_SUBPASS_EXTERNAL, 0, stage, stage)
                                 .setDstAccessMask(vk::AccessFlagBits::eColorAttachmentWrite);
  return gpu_.device.createRenderPassUnique({{}, picture, subpass, after_acquire});
}

bool Swapchain::recreate(vk::Extent2D window_size) {
  const auto limits = gpu_.physical_device.getSurfaceCapabilitiesKHR(surface_);
  const bool follows_us = limits.currentExtent.width == UINT32_MAX;
  const vk::Extent2D extent = follows_us ? window_size : limits.currentExtent;
  images_.clear();
  extent_ = vk::Extent2D();
  if (extent.width == 0 || extent.height == 0) return false;

  const std::uint32_t most = limits.maxImageCount == 0 ? UINT32_MAX : limits.maxImageCount;
  const auto old = std::move(swapchain_);
  swapchain_ = gpu_.device.createSwapchainKHRUnique(vk::SwapchainCreateInfoKHR()
                                                        .setSurface(surface_)
                                                        .setMinImageCount(std::min(limits.minImageCount + 1, most))
                                                        .setImageFormat(format_.format)
                                                        .setImageColorSpace(format_.colorSpace)
                                                        .setImageExtent(extent)
                                                        .setImageArrayLayers(1)
                                                        .setImageUsage(vk::ImageUsageFlagBits::eColorAttachment)
                                                        .setPreTransform(limits.currentTransform)
                                                        .setPresentMode(vk::PresentModeKHR::eFifo)
                                                        .setClipped(VK_TRUE)
                                                        .setOldSwapchain(*old));
  extent_ = extent;
  for (const vk::Image image : gpu_.device.getSwapchainImagesKHR(*swapchain_)) {
    Image& made = images_.emplace_back();
    made.view = gpu_.device.createImageViewUnique(
        {{}, image, vk::ImageViewType::e2D, format_.format, {}, {vk::ImageAspectFlagBits::eColor, 0, 1, 0, 1}});
    made.framebuffer = gpu_.device.createFramebufferUnique({{}, *pass_, *made.view, extent.width, extent.height, 1});
    made.drawn = gpu_.device.createSemaphoreUnique({});
  }
  return true;
}

std::optional<std::uint32_t> Swapchain::acquire(vk::Semaphore available) {
  std::uint32_t image = 0;
  const auto result = gpu_.device.acquireNextImageKHR(*swapchain_, kAcquireDeadlineNs, available, {}, &image);
  if (result == vk::Result::eSuccess || result == vk::Result::eSuboptimalKHR) return image;
  if (result == vk::Result::eErrorOutOfDateKHR) return std::nullopt;
  throw std::runtime_error("no image of the window's within 1 s: " + vk::to_string(result));
}

bool Swapchain::present(std::uint32_t image) {
  const vk::PresentInfoKHR info(*images_[image].drawn, *swapchain_, image);
  const auto result = gpu_.queue.presentKHR(&info);
  if (result == vk::Result::eSuccess) return true;
  if (result == vk::Result::eSuboptimalKHR || result == vk::Result::eErrorOutOfDateKHR) return false;
  throw std::runtime_error("presenting failed: " + vk::to_string(result));
}

}  // namespace viewer
