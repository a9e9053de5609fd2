#include "tests/unit/daemon/fake_gpu.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "proto/usage.h"

namespace ferry::daemon::test {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

class FakeTexture final : public platform::ExportedTexture {
 public:
  explicit FakeTexture(std::uint64_t size_bytes, platform::Transport transport = platform::Transport::kOpaqueFd,
                       std::uint64_t modifier = platform::kNoModifier)
      : fd_(memfd_create("fake-texture", MFD_CLOEXEC)) {
    layout_.transport = transport;
    layout_.modifier = modifier;
    if (transport == platform::Transport::kDmaBuf) layout_.plane_count = 1;
    layout_.allocation_size_bytes = size_bytes;
  }
  const platform::TextureLayout& layout() const override { return layout_; }
  const platform::UniqueFd& fd() const override { return fd_; }

 private:
  platform::TextureLayout layout_;
  platform::UniqueFd fd_;
};

/// Takes the last modifier that it may, as a driver that likes its own layouts better than LINEAR.
class FakeDmaBufs final : public platform::TextureExporter {
 public:
  FakeDmaBufs(FakeGpu& gpu, std::uint64_t modifier) : gpu_(gpu), modifier_(modifier) {}
  platform::Transport transport() const override { return platform::Transport::kDmaBuf; }
  Result<std::vector<std::unique_ptr<platform::ExportedTexture>>> allocate(const platform::TextureDesc& desc,
                                                                           std::uint32_t count) override {
    if (auto fault = gpu_.take_fault()) return *fault;
    const std::uint64_t size_bytes = std::uint64_t{desc.width_px} * desc.height_px * 4;
    std::vector<std::unique_ptr<platform::ExportedTexture>> textures;
    for (std::uint32_t i = 0; i < count; ++i)
      textures.push_back(std::make_unique<FakeTexture>(size_bytes, transport(), modifier_));
    return textures;
  }

 private:
  FakeGpu& gpu_;
  std::uint64_t modifier_;
};

}  // namespace

std::unique_ptr<platform::TextureExporter> FakeGpu::dma_buf_exporter(std::vector<std::uint64_t> modifiers,
                                                                   std::uint32_t owner_queue_family) {
  if (!capabilities_.dma_buf || modifiers.empty()) return nullptr;
  newest_owner_ = owner_queue_family;
  return std::make_unique<FakeDmaBufs>(*this, modifiers.back());
}

void FakeGpu::add_modifiers(proto::Format format, const std::vector<std::uint64_t>& modifiers, bool exports) {
  capabilities_.dma_buf = true;
  for (const std::uint64_t modifier : modifiers)
    capabilities_.modifiers.push_back({format, modifier, 1, proto::kUsageAll, exports});
}

FakeTimeline::FakeTimeline() : fd_(memfd_create("fake-timeline", MFD_CLOEXEC)) {}

Result<void> FakeTimeline::signal(std::uint64_t value) {
  if (value <= *value_) return Error{ErrorCode::kInternal, "a timeline may not be signalled twice or backwards"};
  *value_ = value;
  return {};
}

Result<void> FakeTimeline::wait(std::uint64_t value, std::int64_t) const {
  return *value_ >= value ? Result<void>{} : Result<void>{Error{ErrorCode::kTimeout, "not reached"}};
}

FakeGpu::FakeGpu(std::uint8_t number, bool has_timelines) {
  capabilities_.device_uuid.fill(number);
  capabilities_.driver_uuid.fill(0xdd);
  capabilities_.name = "Fake GPU";
  capabilities_.driver = "fake 1.0";
  capabilities_.opaque_fd = true;
  capabilities_.timeline_fd = has_timelines;
  if (!has_timelines) capabilities_.timeline_fd_reason = "fake 1.0 cannot export timeline semaphores";
}

Result<std::vector<std::unique_ptr<platform::ExportedTexture>>> FakeGpu::allocate(const platform::TextureDesc& desc,
                                                                                  std::uint32_t count) {
  if (fails_now()) return fault_;
  const std::uint64_t size_bytes =
      proto::format_info(desc.format).image_bytes(desc.width_px, desc.height_px);
  std::vector<std::unique_ptr<platform::ExportedTexture>> textures;
  for (std::uint32_t i = 0; i < count; ++i) textures.push_back(std::make_unique<FakeTexture>(size_bytes));
  return textures;
}

Result<std::unique_ptr<platform::ExportedTimeline>> FakeGpu::create() {
  if (fails_now()) return fault_;
  auto timeline = std::make_unique<FakeTimeline>();
  const auto file = platform::identify_file(timeline->fd());
  if (!file) return file.error();
  counters_.push_back(timeline->counter());
  files_.push_back(*file);
  return std::unique_ptr<platform::ExportedTimeline>(std::move(timeline));
}

Result<std::unique_ptr<platform::ImportedTexture>> FakeGpu::import(platform::UniqueFd fd, const platform::TextureDesc&,
                                                                   const platform::TextureLayout&) {
  if (fails_now()) return fault_;
  if (fcntl(fd.get(), F_GET_SEALS) < 0) return Error{ErrorCode::kProtocolViolation, "the descriptor is no memory"};
  return std::unique_ptr<platform::ImportedTexture>{};
}

Result<std::unique_ptr<platform::Timeline>> FakeGpu::import(platform::UniqueFd fd) {
  if (fails_now()) return fault_;
  const auto file = platform::identify_file(fd);
  for (std::size_t i = 0; i < files_.size(); ++i)
    if (file && files_[i].same_file(*file))
      return std::unique_ptr<platform::Timeline>(std::make_unique<FakeTimeline>(counters_[i], std::move(fd)));
  return Error{ErrorCode::kProtocolViolation, "the descriptor is no timeline"};
}

Result<std::unique_ptr<platform::Timeline>> FakeGpu::create_local() {
  return std::unique_ptr<platform::Timeline>(std::make_unique<FakeTimeline>());
}

}  // namespace ferry::daemon::test
