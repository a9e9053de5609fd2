#include "daemon/handed_back.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace ferry::daemon {
namespace {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

/// Its memory is the driver's as long as the descriptor is open: the broker needs no image of its own.
class HandedBackTexture final : public platform::ExportedTexture {
 public:
  HandedBackTexture(UniqueFd fd, const platform::TextureLayout& layout) : fd_(std::move(fd)), layout_(layout) {}
  const platform::TextureLayout& layout() const override { return layout_; }
  const UniqueFd& fd() const override { return fd_; }

 private:
  UniqueFd fd_;
  platform::TextureLayout layout_;
};

class HandedBackTimeline final : public platform::ExportedTimeline {
 public:
  HandedBackTimeline(UniqueFd fd, std::unique_ptr<platform::Timeline> timeline)
      : fd_(std::move(fd)), timeline_(std::move(timeline)) {}
  VkSemaphore semaphore() const override { return timeline_->semaphore(); }
  Result<std::uint64_t> value() const override { return timeline_->value(); }
  Result<void> signal(std::uint64_t value) override { return timeline_->signal(value); }
  Result<void> wait(std::uint64_t value, std::int64_t timeout_ns) const override {
    return timeline_->wait(value, timeout_ns);
  }
  const UniqueFd& fd() const override { return fd_; }

 private:
  UniqueFd fd_;
  std::unique_ptr<platform::Timeline> timeline_;
};

/// For an import to swallow.
Result<UniqueFd> duplicate_of(const UniqueFd& fd) {
  UniqueFd copy = fd.duplicate();
  if (!copy) return Error{ErrorCode::kSystem, fmt::format("duplicate of a descriptor: {}", std::strerror(errno))};
  return copy;
}

}  // namespace

Result<std::unique_ptr<platform::ExportedTexture>> take_handed_back_texture(UniqueFd fd,
                                                                            const platform::TextureDesc& desc,
                                                                            const platform::TextureLayout& layout,
                                                                            platform::VulkanDevice* device) {
  if (layout.transport == platform::Transport::kHostMemory) {
    if (auto checked = platform::check_host_memory_slot(fd, desc, layout); !checked) return std::move(checked).error();
  } else {
    auto copy = duplicate_of(fd);
    if (!copy) return std::move(copy).error();
    auto imported = device->texture_importer().import(std::move(*copy), desc, layout);
    if (!imported) return std::move(imported).error();
  }
  return std::unique_ptr<platform::ExportedTexture>(std::make_unique<HandedBackTexture>(std::move(fd), layout));
}

Result<std::unique_ptr<platform::ExportedTimeline>> import_handed_back_timeline(UniqueFd fd,
                                                                                platform::VulkanDevice& device) {
  auto copy = duplicate_of(fd);
  if (!copy) return std::move(copy).error();
  auto imported = device.timeline_importer().import(std::move(*copy));
  if (!imported) return std::move(imported).error();
  return std::unique_ptr<platform::ExportedTimeline>(
      std::make_unique<HandedBackTimeline>(std::move(fd), std::move(*imported)));
}

}  // namespace ferry::daemon
