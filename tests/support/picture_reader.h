#pragma once
// Reads a consumer's frames, all of them and every pixel, and compares them with what their numbers say.

#include <memory>

#include "tests/support/gpu.h"
#include "tests/support/pattern.h"
#include "tests/support/pattern_program.h"
#include "tests/support/picture_writer.h"

namespace ferry::test {

class PictureReader {
 public:
  PictureReader(const Gpu& gpu, Engine engine);
  ~PictureReader();

  /// Which of a frame's readings this is: the first one takes the image over, the last one hands it back.
  enum class Part : std::uint8_t { kOnly, kFirst, kMiddle, kLast };

  /// Reads the whole image and waits for it. Returns how many of its words are not @p picture's. After kOnly and kLast
  /// the frame may be released as FERRY_RELEASE_SIGNALLED.
  std::uint64_t count_wrong(const ferry_frame& frame, const Picture& picture, Part part);
  /// As kOnly, but looks at nothing: for consumers that only keep pace.
  void pass(const ferry_frame& frame);
  /// As pass(), but with work that the GPU never gets done: it waits for what nobody will signal.
  void hang(const ferry_frame& frame);

 private:
  void record_and_submit(const ferry_frame& frame, const Picture& picture, Part part, bool read, bool hang = false);
  void fit(std::size_t wanted_bytes);

  const Gpu& gpu_;
  Engine engine_;
  std::unique_ptr<GpuBuffer> pixels_, result_, readback_;
  std::unique_ptr<PatternProgram> program_;
  GpuCommands commands_;  // last: waits for what uses the others
};

}  // namespace ferry::test
