#pragma once
// A producer of pictures (pattern.h) that brings its own dma-bufs, and draws into them as it likes.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ferry/ferry.h"
#include "tests/support/pattern.h"
#include "tests/support/picture_writer.h"
#include "tests/support/session.h"
#include "tests/support/udmabuf.h"

namespace ferry::test {

/// In LINEAR: where the pixels lie in each buffer.
struct OwnLayout {
  ImageShape shape{64, 48, FERRY_FORMAT_RGBA8_UNORM};
  std::uint32_t count = 8;
  std::uint64_t padding_bytes = 0;  ///< behind each row
  std::uint64_t offset_bytes = 0;
};

class OwnSlots {
 public:
  explicit OwnSlots(const OwnLayout& layout);

  const OwnLayout& layout() const { return layout_; }
  /// For a call, as long as this lives. @p flags: FERRY_OWN_*.
  ferry_own_slots describe(std::uint32_t flags = 0) const;
  /// To be spoilt by a test.
  std::vector<ferry_dma_buf>& described() { return described_; }
  const Udmabuf& buffer(std::uint32_t slot) const { return buffers_[slot]; }
  /// By the processor, into the buffer itself; whatever lies between the rows changes, too.
  void draw(std::uint32_t slot, const Picture& picture) const;

 private:
  OwnLayout layout_;
  std::uint64_t row_pitch_bytes_;
  std::vector<Udmabuf> buffers_;
  std::vector<ferry_dma_buf> described_;
};

class OwnSlotsProducer {
 public:
  struct Options {
    std::string name = "cam";
    std::uint32_t sync_mode = FERRY_SYNC_AUTOMATIC;
    std::uint32_t flags = 0;  ///< FERRY_OWN_*
  };
  OwnSlotsProducer(Session& session, const OwnLayout& layout, const Options& options);
  ~OwnSlotsProducer();
  OwnSlotsProducer(const OwnSlotsProducer&) = delete;
  OwnSlotsProducer& operator=(const OwnSlotsProducer&) = delete;

  /// One frame. kGpu: through the image; kCpu: around Vulkan, and signalled by an empty submission.
  void produce(Engine engine);
  /// Slots of another layout, from the next begin() on.
  void replace(const OwnLayout& layout);

  // The steps of a frame that is drawn around Vulkan.
  ferry_target begin();
  const OwnSlots& slots() const { return *slots_; }
  Picture picture() const { return {seed_, next_sequence_}; }
  void publish(const ferry_target& target);

  ferry_producer* handle() const { return producer_; }
  std::uint64_t last_sequence() const { return next_sequence_ - 1; }

 private:
  void signal(const ferry_target& target);

  Session& session_;
  std::uint32_t seed_, flags_;
  PictureWriter writer_;
  std::unique_ptr<OwnSlots> slots_;
  ferry_producer* producer_ = nullptr;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace ferry::test
