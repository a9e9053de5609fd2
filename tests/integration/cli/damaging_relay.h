#pragma once
// Between a stream and who looks at it: publishes its frames, pixels and metadata, once more in another stream, changed on
// the way.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/picture_producer.h"
#include "tests/support/session.h"

namespace ferry::test {

/// A frame on its way.
struct PassingFrame {
  std::uint64_t sequence;  ///< that it is going to have
  std::vector<std::byte>& pixels;
  ferry_frame_metadata& metadata;
};

class DamagingRelay {
 public:
  /// Waits for stream @p from, of pictures of @p shape; makes stream @p to, whose consumers of mode `every` miss nothing.
  DamagingRelay(Session& session, const std::string& from, const std::string& to, const ImageShape& shape);
  ~DamagingRelay();
  DamagingRelay(const DamagingRelay&) = delete;
  DamagingRelay& operator=(const DamagingRelay&) = delete;

  /// Waits a while for the next frame and for room for it, and passes it on. @p damage: changes it.
  void pass(const std::function<void(PassingFrame&)>& damage);

 private:
  void read(const ferry_frame& frame);
  void write(const ferry_target& target);

  const Gpu& gpu_;
  ImageShape shape_;
  GpuBuffer readback_, upload_;
  GpuCommands commands_;
  std::vector<std::byte> pixels_;
  ferry_consumer* consumer_ = nullptr;
  ferry_producer* producer_ = nullptr;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace ferry::test
