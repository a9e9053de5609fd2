#include "tests/bench/peer/ferry_sides.h"

#include <algorithm>

#include "tests/bench/peer/client.h"
#include "tests/bench/peer/meeting.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/check.h"

namespace ferry::bench {
namespace {

using test::check;

/// What a submission for several frames waits for: each timeline once, at the highest of their values.
struct Waits {
  std::vector<VkSemaphore> semaphores;
  std::vector<std::uint64_t> values;

  void add(VkSemaphore semaphore, std::uint64_t value) {
    const auto at = std::find(semaphores.begin(), semaphores.end(), semaphore) - semaphores.begin();
    if (at == std::ssize(semaphores)) {
      semaphores.push_back(semaphore);
      values.push_back(value);
    } else {
      values[static_cast<std::size_t>(at)] = std::max(values[static_cast<std::size_t>(at)], value);
    }
  }
};

class FerryProducer final : public ProducerSide {
 public:
  FerryProducer(const Device& device, const PairOptions& options, const std::string& meet, SharedMemory& board)
      : client_(device, device.gpu(), options.socket), drawer_(device, options.shape, options.depth, options.drawing) {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = options.stream.c_str();
    info.image.width_px = options.shape.width_px;
    info.image.height_px = options.shape.height_px;
    info.image.format = FERRY_FORMAT_RGBA8_UNORM;
    info.queue_policy = options.policy == "block" ? FERRY_QUEUE_BLOCK : FERRY_QUEUE_DROP;
    info.sync_mode = options.sync == "host" ? FERRY_SYNC_HOST : FERRY_SYNC_AUTOMATIC;
    info.frames_in_flight = options.depth;
    info.min_slots = options.slots;
    check(ferry_producer_create(client_.connection(), client_.device(), &info, &producer_), "ferry_producer_create");
    const int board_fd = board.fd().get();
    bring_descriptors(meet, {&board_fd, 1});
  }
  ~FerryProducer() override { ferry_producer_destroy(producer_); }

  std::int64_t produce(std::uint64_t sequence) override {
    const ferry_target target = begin();
    drawer_.record(sequence, target.image, After::kHandOver);
    const std::int64_t submitted_ns = platform::now_ns();
    drawer_.submit({{target.wait_semaphores, target.wait_count},
                    {target.wait_values, target.wait_count},
                    target.signal_semaphore,
                    target.signal_value});
    publish(target);
    return submitted_ns;
  }
  std::int64_t produce_together(std::uint64_t first, std::uint32_t count) override {
    if (count == 1) return produce(first);
    std::vector<ferry_target> targets;
    std::vector<VkImage> images;
    Waits waits;
    for (std::uint32_t i = 0; i < count; ++i) {
      const ferry_target target = begin();
      targets.push_back(target);
      images.push_back(target.image);
      for (std::uint32_t w = 0; w < target.wait_count; ++w) waits.add(target.wait_semaphores[w], target.wait_values[w]);
      if (target.signal_semaphore != targets.front().signal_semaphore)
        throw std::runtime_error("frames begun together signal different timelines");
    }
    drawer_.record_together(first, images, After::kHandOver);
    const std::int64_t submitted_ns = platform::now_ns();
    // The last one's value is past the others'. (The Khronos layer 1.3.239 never ends a host's wait for those.)
    drawer_.submit({waits.semaphores, waits.values, targets.back().signal_semaphore, targets.back().signal_value});
    for (const ferry_target& target : targets) publish(target);
    return submitted_ns;
  }
  std::vector<Drawn> drawn() override { return drawer_.drawn(); }
  std::uint32_t slots() const override {
    ferry_stream_state state{};
    state.struct_size = FERRY_STREAM_STATE_SIZE;
    check(ferry_producer_get_state(producer_, &state), "ferry_producer_get_state");
    return state.slot_count;
  }
  std::uint64_t allocations() const override { return allocations_; }

 private:
  ferry_target begin() {
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    const test::AllocationCount count;
    const std::int32_t begun = ferry_producer_begin(producer_, kPatienceNs, &target);
    allocations_ += count.allocations();
    check(begun, "ferry_producer_begin");
    return target;
  }
  void publish(const ferry_target& target) {
    const test::AllocationCount count;
    const std::int32_t published = ferry_producer_publish(producer_, target.id, nullptr);
    allocations_ += count.allocations();
    check(published, "ferry_producer_publish");
  }

  Client client_;
  ferry_producer* producer_ = nullptr;
  std::uint64_t allocations_ = 0;
  Drawer drawer_;
};

class FerryConsumer final : public ConsumerSide {
 public:
  FerryConsumer(const Device& device, const PairOptions& options)
      // Barriers go to and from the family of the queue that touches the image.
      : client_(device, options.read_on == ReadOn::kGraphics ? device.gpu() : device.second(), options.socket),
        device_(device.vk()),
        when_(options.read_when),
        reader_(device, options.shape, options.read_on, options.depth + 1, options.drawing.timed) {
    if (when_ == ReadWhen::kAhead || when_ == ReadWhen::kNever)
      throw std::runtime_error("Ferry gives out no frame before its drawing is submitted, and none unread here");
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = options.stream.c_str();
    info.mode = options.mode == "every" ? FERRY_CONSUMER_EVERY : FERRY_CONSUMER_LATEST;
    info.queue_depth = options.mode == "every" ? options.queue_depth : 0;
    if (options.together > 1) info.max_holds = options.together;
    info.timeout_ns = kPatienceNs;
    check(ferry_consumer_attach(client_.connection(), client_.device(), &info, &consumer_), "ferry_consumer_attach");
  }
  ~FerryConsumer() override { ferry_consumer_destroy(consumer_); }

  std::optional<Taken> take(std::int64_t timeout_ns) override {
    const auto frame = acquire(timeout_ns);
    if (!frame) return std::nullopt;
    if (when_ == ReadWhen::kComplete) wait_complete(*frame);
    const std::size_t reading = reader_.start(
        frame->image, Origin::kShared,
        {{&frame->wait_semaphore, 1}, {&frame->wait_value, 1}, frame->signal_semaphore, frame->signal_value});
    release(*frame);
    return Taken{frame->sequence, reading};
  }
  std::vector<Taken> take_together(std::uint32_t count, std::int64_t timeout_ns) override {
    if (count == 1) return ConsumerSide::take_together(count, timeout_ns);
    std::vector<ferry_frame> frames;
    std::vector<VkImage> images;
    Waits waits;
    while (frames.size() < count) {
      const auto frame = acquire(timeout_ns);
      if (!frame) return {};
      frames.push_back(*frame);
      images.push_back(frame->image);
      waits.add(frame->wait_semaphore, frame->wait_value);
      if (frame->signal_semaphore != frames.front().signal_semaphore)
        throw std::runtime_error("frames acquired together signal different timelines");
    }
    if (when_ == ReadWhen::kComplete) wait_complete(frames.back());
    // The last one's value is past the others'.
    const auto readings = reader_.start_together(
        images, Origin::kShared, {waits.semaphores, waits.values, frames.back().signal_semaphore, frames.back().signal_value});
    std::vector<Taken> taken;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      release(frames[i]);
      taken.push_back({frames[i].sequence, readings[i]});
    }
    return taken;
  }
  Reader& reader() override { return reader_; }
  std::uint64_t allocations() const override { return allocations_; }

 private:
  std::optional<ferry_frame> acquire(std::int64_t timeout_ns) {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    const test::AllocationCount count;
    const std::int32_t code = ferry_consumer_acquire(consumer_, timeout_ns, &frame);
    allocations_ += count.allocations();
    if (code == FERRY_ERROR_TIMEOUT || code == FERRY_ERROR_WOULD_BLOCK) return std::nullopt;
    check(code, "ferry_consumer_acquire");
    return frame;
  }
  void release(const ferry_frame& frame) {
    const test::AllocationCount count;
    const std::int32_t code = ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_SIGNALLED);
    allocations_ += count.allocations();
    check(code, "ferry_consumer_release");
  }
  void wait_complete(const ferry_frame& frame) {
    const vk::Semaphore drawn = frame.wait_semaphore;
    if (device_.waitSemaphores({{}, drawn, frame.wait_value}, static_cast<std::uint64_t>(kPatienceNs)) !=
        vk::Result::eSuccess)
      throw std::runtime_error("a drawing did not end in 30 s");
  }

  Client client_;
  const vk::Device device_;
  const ReadWhen when_;
  ferry_consumer* consumer_ = nullptr;
  std::uint64_t allocations_ = 0;
  Reader reader_;
};

}  // namespace

std::unique_ptr<ProducerSide> make_ferry_producer(const Device& device, const PairOptions& options,
                                                  const std::string& meet, SharedMemory& board) {
  return std::make_unique<FerryProducer>(device, options, meet, board);
}

std::unique_ptr<ConsumerSide> make_ferry_consumer(const Device& device, const PairOptions& options,
                                                  const std::string& meet, SharedMemory& board) {
  board = SharedMemory::map(std::move(MeetingPoint(meet).wait_for_descriptors().at(0)), sizeof(Board));
  return std::make_unique<FerryConsumer>(device, options);
}

}  // namespace ferry::bench
