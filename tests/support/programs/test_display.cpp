// A consumer that is a display: every frame is shown by the kernel's vkms as it lies, and compared with what that wrote back.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "platform/clock.h"
#include "platform/sync_file.h"
#include "tests/support/check.h"
#include "tests/support/display.h"
#include "tests/support/pattern.h"
#include "tests/support/programs/control.h"
#include "tests/support/session.h"

namespace ferry::test {
namespace {

constexpr std::int64_t kPatienceNs = 60'000'000'000;

struct Options {
  SessionOptions session;
  std::string name;
  std::uint64_t until_sequence = 0;
  std::string wait = "host";  ///< who waits for the frame: the host, the display by the dma-buf's fences, or nobody
};

/// A dma-buf that was given out.
class Exported {
 public:
  Exported(ferry_consumer* consumer, std::uint64_t sequence, std::uint32_t flags) {
    check(ferry_consumer_export(consumer, sequence, flags, &dma_buf), "ferry_consumer_export");
    fd_.reset(dma_buf.fd);
  }
  ferry_dma_buf dma_buf = FERRY_DMA_BUF_INIT;

 private:
  platform::UniqueFd fd_;
};

class DisplayProgram {
 public:
  explicit DisplayProgram(const Options& options)
      : options_(options), session_(options.session), display_(Display::open()) {
    if (!display_) throw std::runtime_error("this machine has no vkms");
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = options.name.c_str();
    info.mode = FERRY_CONSUMER_EVERY;
    check(ferry_consumer_attach(session_.connection(), session_.device(), &info, &consumer_), "ferry_consumer_attach");
    report("attached");
  }
  ~DisplayProgram() { ferry_consumer_destroy(consumer_); }
  DisplayProgram(const DisplayProgram&) = delete;
  DisplayProgram& operator=(const DisplayProgram&) = delete;

  void run() {
    while (!commands_.stopped() && on_show_ < options_.until_sequence) {
      ferry_frame frame{};
      frame.struct_size = FERRY_FRAME_SIZE;
      const std::int32_t code = ferry_consumer_acquire(consumer_, 200'000'000, &frame);
      if (code == FERRY_ERROR_TIMEOUT) continue;
      check(code, "ferry_consumer_acquire");
      show(frame);
    }
    if (on_show_ != 0) check(ferry_consumer_release(consumer_, on_show_, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
    report("done", {{"frames", frames_}, {"wrong_frames", wrong_frames_}, {"validation_errors", session_.validation_errors()}});
  }

 private:
  void show(const ferry_frame& frame) {
    if (options_.wait == "host") wait_for(frame);
    const Exported image(consumer_, frame.sequence, options_.wait == "display" ? std::uint32_t{FERRY_EXPORT_FENCE} : 0u);
    const platform::UniqueFd shown = display_->show(image.dma_buf, frame.width_px, frame.height_px);
    report("committed", {{"sequence", frame.sequence}});
    if (auto done = platform::wait_for_fence(shown, platform::deadline_after(kPatienceNs)); !done)
      throw std::runtime_error("the display: " + done.error().message);
    // Only now it reads the frame before no more.
    if (on_show_ != 0) check(ferry_consumer_release(consumer_, on_show_, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
    on_show_ = frame.sequence;
    const std::uint64_t wrong = wrong_pixels(frame);
    ++frames_;
    wrong_frames_ += wrong != 0 ? 1 : 0;
    report("frame", {{"sequence", frame.sequence}, {"wrong_pixels", wrong}, {"width_px", frame.width_px}});
  }

  void wait_for(const ferry_frame& frame) const {
    VkSemaphoreWaitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &frame.wait_semaphore;
    info.pValues = &frame.wait_value;
    check_vk(session_.gpu().WaitSemaphores(session_.gpu().device(), &info, kPatienceNs), "vkWaitSemaphores");
  }

  /// In red, green and blue: a display has no use for alpha.
  std::uint64_t wrong_pixels(const ferry_frame& frame) const {
    constexpr std::uint32_t kColour = 0x00ffffff;
    const PatternWords words({seed_of(options_.name), frame.sequence}, {frame.width_px, frame.height_px, frame.format});
    const std::vector<std::uint32_t> shown = display_->shown();
    std::uint64_t wrong = 0;
    for (std::uint32_t i = 0; i < shown.size(); ++i) wrong += ((shown[i] ^ words.word(i)) & kColour) != 0 ? 1 : 0;
    return wrong;
  }

  Options options_;
  Session session_;
  std::unique_ptr<Display> display_;
  ferry_consumer* consumer_ = nullptr;
  Commands commands_;
  std::uint64_t on_show_ = 0;  ///< 0: no frame yet
  std::uint64_t frames_ = 0, wrong_frames_ = 0;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Shows the pictures of test_producer on a display of the kernel's, and compares them");
  app.add_option("--socket", options.session.socket);
  app.add_option("--name", options.name)->required();
  app.add_option("--until-sequence", options.until_sequence)->required();
  app.add_option("--wait", options.wait)->check(CLI::IsMember({"host", "display", "nobody"}));
  app.add_flag("--lend-queue", options.session.lend_queue);
  CLI11_PARSE(app, argc, argv);
  DisplayProgram(options).run();
  return 0;
}

}  // namespace
}  // namespace ferry::test

int main(int argc, char** argv) {
  try {
    return ferry::test::run(argc, argv);
  } catch (const std::exception& e) {
    ferry::test::report("failed", {{"code", 0}, {"text", e.what()}});
  }
  return 1;
}
