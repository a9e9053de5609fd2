#pragma once
// Reads a consumer's frames, all of them and every pixel, and compares them with what their numbers say.

#include <memory>

#include "tests/support/gpu.h"
#include "tests/support/gpu_gate.h"
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
  /// As count_wrong(frame, picture, kOnly) in two halves: start() submits the reading, which the GPU begins when finish()
  /// is called and not before. The frame may be released in between.
  void start(const ferry_frame& frame, const Picture& picture);
  std::uint64_t finish();
  /// As kOnly, but looks at nothing: for consumers that only keep pace.
  void pass(const ferry_frame& frame);
  /// As pass(), but with work that the GPU never gets done: it waits for what nobody will signal.
  void hang(const ferry_frame& frame);

 private:
  /// What a submission waits for beside the frame's acquire point.
  enum class After : std::uint8_t { kNothing, kGate, kNever };
  void record_and_submit(const ferry_frame& frame, const Picture& picture, Part part, bool read,
                         After after = After::kNothing);
  void fit(std::size_t wanted_bytes);
  std::uint64_t compare();

  const Gpu& gpu_;
  Engine engine_;
  std::unique_ptr<GpuBuffer> pixels_, result_, readback_;
  std::unique_ptr<PatternProgram> program_;
  Picture picture_;  // of the last reading
  ImageShape shape_;
  GpuGate gate_;
  bool gate_awaited_ = false;
  GpuCommands commands_;  // last: waits for what uses the others
};

}  // namespace ferry::test
