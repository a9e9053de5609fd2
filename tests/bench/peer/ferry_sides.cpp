#include "tests/bench/peer/ferry_sides.h"

#include "tests/bench/peer/client.h"
#include "tests/bench/peer/meeting.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/check.h"

namespace ferry::bench {
namespace {

using test::check;

class FerryProducer final : public ProducerSide {
 public:
  FerryProducer(const Device& device, const PairOptions& options, const std::string& meet, SharedMemory& board)
      : client_(device, device.gpu(), options.socket), drawer_(device, options.shape, options.depth) {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = options.stream.c_str();
    info.image.width_px = options.shape.width_px;
    info.image.height_px = options.shape.height_px;
    info.image.format = FERRY_FORMAT_RGBA8_UNORM;
    info.queue_policy = options.policy == "block" ? FERRY_QUEUE_BLOCK : FERRY_QUEUE_DROP;
    info.sync_mode = options.sync == "host" ? FERRY_SYNC_HOST : FERRY_SYNC_AUTOMATIC;
    info.frames_in_flight = options.depth;
    check(ferry_producer_create(client_.connection(), client_.device(), &info, &producer_), "ferry_producer_create");
    const int board_fd = board.fd().get();
    bring_descriptors(meet, {&board_fd, 1});
  }
  ~FerryProducer() override { ferry_producer_destroy(producer_); }

  std::int64_t produce(std::uint64_t sequence) override {
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    {
      const test::AllocationCount count;
      const std::int32_t begun = ferry_producer_begin(producer_, kPatienceNs, &target);
      allocations_ += count.allocations();
      check(begun, "ferry_producer_begin");
    }
    drawer_.record(sequence, target.image, After::kHandOver);
    const std::int64_t submitted_ns = platform::now_ns();
    drawer_.submit({{target.wait_semaphores, target.wait_count},
                    {target.wait_values, target.wait_count},
                    target.signal_semaphore,
                    target.signal_value});
    const test::AllocationCount count;
    const std::int32_t published = ferry_producer_publish(producer_, target.id, nullptr);
    allocations_ += count.allocations();
    check(published, "ferry_producer_publish");
    return submitted_ns;
  }
  std::uint32_t slots() const override {
    ferry_stream_state state{};
    state.struct_size = FERRY_STREAM_STATE_SIZE;
    check(ferry_producer_get_state(producer_, &state), "ferry_producer_get_state");
    return state.slot_count;
  }
  std::uint64_t allocations() const override { return allocations_; }

 private:
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
        reader_(device, options.shape, options.read_on, options.depth + 1) {
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = options.stream.c_str();
    info.mode = options.mode == "every" ? FERRY_CONSUMER_EVERY : FERRY_CONSUMER_LATEST;
    info.queue_depth = options.mode == "every" ? options.queue_depth : 0;
    info.timeout_ns = kPatienceNs;
    check(ferry_consumer_attach(client_.connection(), client_.device(), &info, &consumer_), "ferry_consumer_attach");
  }
  ~FerryConsumer() override { ferry_consumer_destroy(consumer_); }

  std::optional<Taken> take(std::int64_t timeout_ns) override {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    std::int32_t code;
    {
      const test::AllocationCount count;
      code = ferry_consumer_acquire(consumer_, timeout_ns, &frame);
      allocations_ += count.allocations();
    }
    if (code == FERRY_ERROR_TIMEOUT || code == FERRY_ERROR_WOULD_BLOCK) return std::nullopt;
    check(code, "ferry_consumer_acquire");
    const std::size_t reading =
        reader_.start(frame.image, Origin::kShared,
                      {{&frame.wait_semaphore, 1}, {&frame.wait_value, 1}, frame.signal_semaphore, frame.signal_value});
    const test::AllocationCount count;
    code = ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_SIGNALLED);
    allocations_ += count.allocations();
    check(code, "ferry_consumer_release");
    return Taken{frame.sequence, reading};
  }
  Reader& reader() override { return reader_; }
  std::uint64_t allocations() const override { return allocations_; }

 private:
  Client client_;
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
