// What it costs a processor to wait for the GPU on the host, and how late each way of waiting notices.

#include <fmt/format.h>
#include <sys/prctl.h>

#include <cstdio>
#include <ctime>
#include <functional>
#include <thread>

#include "platform/clock.h"
#include "platform/growing_nap.h"
#include "tests/bench/gpu/shared_objects.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"
#include "tests/support/gpu.h"

namespace ferry::bench {

using nlohmann::json;

namespace {

constexpr std::uint64_t kNever = UINT64_MAX;

std::int64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// Work of about so many milliseconds, submitted once for each call, with a timeline and a fence that say when it is
/// done.
class Work {
 public:
  /// @p through_import: signals the timeline as a client does, through the handle that it imported.
  Work(const Device& device, double wanted_ms, bool through_import)
      : device_(device),
        buffer_(device.gpu(), device.is_software() ? 1 << 24 : 1 << 28, test::GpuBuffer::Kind::kDeviceLocal),
        pool_(device.vk().createCommandPoolUnique({{}, device.gpu().queue_family_index()})),
        timeline_(make_timeline(device, device.exports_timelines())),
        fence_(device.vk().createFenceUnique({})) {
    if (device.exports_timelines()) imported_ = import_timeline(device, export_timeline(device, *timeline_));
    signalled_ = through_import && imported_ ? *imported_ : *timeline_;
    commands_ = std::move(device.vk().allocateCommandBuffersUnique({*pool_, vk::CommandBufferLevel::ePrimary, 2}));
    record(*commands_[0], 4);
    submit(*commands_[0]);
    finish();
    const std::int64_t start_ns = platform::now_ns();
    submit(*commands_[0]);
    finish();
    const double one_ms = static_cast<double>(platform::now_ns() - start_ns) / 1e6 / 4;
    record(*commands_[1], std::max(1, static_cast<int>(wanted_ms / one_ms)));
  }
  void submit() { submit(*commands_[1]); }
  void wait_fence() const { (void)device_.vk().waitForFences(*fence_, VK_TRUE, kNever); }
  /// Before the next submit().
  void finish() {
    wait_fence();
    device_.vk().resetFences(*fence_);
  }
  void wait_timeline() const { (void)device_.vk().waitSemaphores({{}, *timeline_, value_}, kNever); }
  /// As another process sees it.
  void wait_imported() const {
    (void)device_.vk().waitSemaphores({{}, imported_ ? *imported_ : *timeline_, value_}, kNever);
  }
  bool import_done() const {
    return device_.vk().getSemaphoreCounterValue(imported_ ? *imported_ : *timeline_) >= value_;
  }
  bool timeline_done() const { return device_.vk().getSemaphoreCounterValue(*timeline_) >= value_; }

 private:
  void record(vk::CommandBuffer commands, int times) {
    commands.begin(vk::CommandBufferBeginInfo{});
    for (int i = 0; i < times; ++i) {
      commands.fillBuffer(buffer_.handle(), 0, VK_WHOLE_SIZE, static_cast<std::uint32_t>(i) * 0x9E3779B1u);
      const vk::MemoryBarrier next(vk::AccessFlagBits::eTransferWrite, vk::AccessFlagBits::eTransferWrite);
      commands.pipelineBarrier(vk::PipelineStageFlagBits::eTransfer, vk::PipelineStageFlagBits::eTransfer, {}, next, {},
                               {});
    }
    commands.end();
  }
  void submit(vk::CommandBuffer commands) {
    ++value_;
    const vk::TimelineSemaphoreSubmitInfo points({}, value_);
    vk::SubmitInfo info({}, {}, commands, signalled_, &points);
    vk::Queue(device_.gpu().queue()).submit(info, *fence_);
  }

  const Device& device_;
  test::GpuBuffer buffer_;
  vk::UniqueCommandPool pool_;
  vk::UniqueSemaphore timeline_, imported_;  ///< one timeline, exported and imported where the driver can
  vk::Semaphore signalled_;
  vk::UniqueFence fence_;
  std::vector<vk::UniqueCommandBuffer> commands_;
  std::uint64_t value_ = 0;
};

/// To the microsecond: the kernel's slack of 50 us is taken away meanwhile.
void nap(std::int64_t ns) {
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  const timespec time{0, static_cast<long>(ns)};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
  ::prctl(PR_SET_TIMERSLACK, 0UL);
}

void nap_growing(const Work& work) {
  const std::int64_t start_ns = platform::now_ns();
  while (!work.import_done())
    std::this_thread::sleep_for(std::chrono::nanoseconds(platform::growing_nap_ns(platform::now_ns() - start_ns)));
}

}  // namespace

json measure_host_wait(const RunOptions& options) {
  const Device device({});
  json rows = json::array();
  for (const double wanted_ms : {0.2, 2.0, 20.0}) {
    Work work(device, wanted_ms, false), client_work(device, wanted_ms, true);
    const auto nap_until_done = [&](std::int64_t nap_ns) {
      return [&work, nap_ns] {
        while (!work.timeline_done()) nap(nap_ns);
      };
    };
    struct Way {
      const char* name;
      Work& work;
      std::function<void()> wait;
      std::vector<double> wall_us{}, cpu_us{};
    } ways[] = {{"vkWaitSemaphores", work, [&] { work.wait_timeline(); }},
                {"vkWaitSemaphores, imported", work, [&] { work.wait_imported(); }},
                {"vkWaitSemaphores, imported, signalled through it", client_work, [&] { client_work.wait_imported(); }},
                {"as libferry waits for imported ones", client_work, [&] { nap_growing(client_work); }},
                {"vkWaitForFences", work, [&] { work.wait_fence(); }},
                {"counter, naps of 20 us", work, nap_until_done(20'000)},
                {"counter, naps of 50 us", work, nap_until_done(50'000)},
                {"counter, naps of 200 us", work, nap_until_done(200'000)},
                {"counter, spinning", work, [&] {
                   while (!work.timeline_done()) {
                   }
                 }}};
    for (int round = 0; round < options.rounds * 4; ++round)
      for (Way& way : ways) {
        const std::int64_t start_ns = platform::now_ns();
        way.work.submit();
        const std::int64_t submit_cpu_ns = thread_cpu_ns();
        way.wait();
        way.cpu_us.push_back(static_cast<double>(thread_cpu_ns() - submit_cpu_ns) / 1000);
        way.wall_us.push_back(static_cast<double>(platform::now_ns() - start_ns) / 1000);
        way.work.finish();
      }
    for (const Way& way : ways) {
      rows.push_back({{"work_ms", wanted_ms},
                      {"way", way.name},
                      {"wall_us", summary(way.wall_us)},
                      {"cpu_us", summary(way.cpu_us)}});
      fmt::print(stderr, "host wait {:>5} ms {:<50} wall {:>9.1f} us, processor {:>9.1f} us (p50)\n", wanted_ms,
                 way.name, percentile(way.wall_us, 0.5), percentile(way.cpu_us, 0.5));
    }
  }
  return rows;
}

}  // namespace ferry::bench
