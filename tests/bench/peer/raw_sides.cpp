#include "tests/bench/peer/raw_sides.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/bench/gpu/shared_objects.h"
#include "tests/bench/peer/meeting.h"

namespace ferry::bench {
namespace {

class RawProducer final : public ProducerSide {
 public:
  RawProducer(const Device& device, const PairOptions& options, const std::string& meet, SharedMemory& board)
      : timelines_(device.exports_timelines()),
        board_(board_of(board)),
        acquire_(make_timeline(device, timelines_)),
        release_(make_timeline(device, timelines_)),
        drawer_(device, options.shape, options.depth, options.drawing) {
    std::vector<platform::UniqueFd> fds;
    for (std::uint32_t i = 0; i < slots_of(options); ++i) {
      images_.push_back(make_shared_image(device, options.shape));
      fds.push_back(export_image(device, images_.back()));
    }
    if (timelines_)
      for (const vk::Semaphore timeline : {*acquire_, *release_}) fds.push_back(export_timeline(device, timeline));
    std::vector<int> numbers{board.fd().get()};
    for (const auto& fd : fds) numbers.push_back(fd.get());
    bring_descriptors(meet, numbers);
  }

  std::int64_t produce(std::uint64_t sequence) override { return produce_together(sequence, 1); }
  std::int64_t produce_together(std::uint64_t first, std::uint32_t count) override {
    const std::size_t slots = images_.size();
    const std::uint64_t last = first + count - 1;
    const std::uint64_t before = last > slots ? last - slots : 0;  // the newest frame that is overwritten
    const Milestone& free = timelines_ ? board_.taken : board_.done;
    if (!free.wait(before, platform::now_ns() + kPatienceNs)) throw std::runtime_error("the consumer has stopped");
    together_.clear();
    for (std::uint64_t sequence = first; sequence <= last; ++sequence)
      together_.push_back(*images_[sequence % slots].image);
    drawer_.record_together(first, together_, After::kHandOver);
    const std::int64_t submitted_ns = platform::now_ns();
    if (timelines_) {
      const VkSemaphore release = *release_;
      drawer_.submit({{&release, 1}, {&before, 1}, *acquire_, last});
    } else {
      drawer_.submit({});
      drawer_.wait();
    }
    board_.published.reach(last);
    return submitted_ns;
  }
  std::uint32_t slots() const override { return static_cast<std::uint32_t>(images_.size()); }
  std::vector<Drawn> drawn() override { return drawer_.drawn(); }

 private:
  const bool timelines_;
  Board& board_;
  std::vector<Image> images_;
  std::vector<VkImage> together_;
  vk::UniqueSemaphore acquire_, release_;
  Drawer drawer_;  // last: waits for what uses the others
};

class RawConsumer final : public ConsumerSide {
 public:
  RawConsumer(const Device& device, const PairOptions& options, std::vector<platform::UniqueFd> fds,
              SharedMemory& board)
      : device_(device.vk()),
        timelines_(device.exports_timelines()),
        early_(options.rival == "raw-early" || options.read_when == ReadWhen::kAhead),
        when_(options.read_when),
        board_(board_of(board)),
        reader_(device, options.shape, options.read_on, options.depth + 1, options.drawing.timed) {
    if (early_ && !timelines_) throw std::runtime_error("reading early needs timelines that cross processes");
    for (std::uint32_t i = 0; i < slots_of(options); ++i)
      images_.push_back(import_image(device, options.shape, std::move(fds.at(1 + i))));
    if (!timelines_) return;
    acquire_ = import_timeline(device, std::move(fds.at(1 + images_.size())));
    release_ = import_timeline(device, std::move(fds.at(2 + images_.size())));
  }

  std::optional<Taken> take(std::int64_t timeout_ns) override {
    const std::vector<Taken> taken = take_together(1, timeout_ns);
    return taken.empty() ? std::nullopt : std::optional(taken.front());
  }
  std::vector<Taken> take_together(std::uint32_t count, std::int64_t timeout_ns) override {
    const std::uint64_t last = next_ + count - 1;
    if (when_ == ReadWhen::kAhead) sleep_until(board_.due_ns(last) - kAheadNs);
    if (!early_ && !board_.published.wait(last, platform::now_ns() + timeout_ns)) return {};
    std::vector<Taken> taken = when_ == ReadWhen::kNever ? leave(last) : start(last);
    next_ = last + 1;
    board_.taken.reach(last);
    return taken;
  }

  Reader& reader() override { return reader_; }

 private:
  static void sleep_until(std::int64_t at_ns) {
    std::this_thread::sleep_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at_ns)));
  }

  /// Frames next_ to @p last, given back as they came.
  std::vector<Taken> leave(std::uint64_t last) {
    if (timelines_) {
      // Only a frame that is complete: who overwrites it next must find it drawn.
      wait_complete(last);
      device_.signalSemaphore({*release_, last});
    }
    std::vector<Taken> left;
    for (std::uint64_t sequence = next_; sequence <= last; ++sequence) left.push_back({sequence, kNotRead});
    return left;
  }

  void wait_complete(std::uint64_t sequence) {
    if (device_.waitSemaphores({{}, *acquire_, sequence}, static_cast<std::uint64_t>(kPatienceNs)) != vk::Result::eSuccess)
      throw std::runtime_error("a drawing did not end in 30 s");
  }

  /// Frames next_ to @p last, in one submission.
  std::vector<Taken> start(std::uint64_t last) {
    std::vector<VkImage> images;
    for (std::uint64_t sequence = next_; sequence <= last; ++sequence)
      images.push_back(*images_[sequence % images_.size()].image);
    std::vector<std::size_t> readings;
    if (!timelines_) {
      readings = start(images, {});
    } else {
      if (when_ == ReadWhen::kComplete) wait_complete(last);
      const VkSemaphore acquire = *acquire_;
      readings = start(images, {{&acquire, 1}, {&last, 1}, *release_, last});
    }
    std::vector<Taken> taken;
    for (std::size_t i = 0; i < readings.size(); ++i) taken.push_back({next_ + i, readings[i]});
    return taken;
  }
  std::vector<std::size_t> start(const std::vector<VkImage>& images, const Points& points) {
    if (images.size() == 1) return {reader_.start(images.front(), Origin::kShared, points)};
    return reader_.start_together(images, Origin::kShared, points);
  }

  const vk::Device device_;
  const bool timelines_, early_;
  const ReadWhen when_;
  Board& board_;
  std::vector<Image> images_;
  vk::UniqueSemaphore acquire_, release_;
  std::uint64_t next_ = 1;
  Reader reader_;  // last: waits for what uses the others
};

}  // namespace

std::unique_ptr<ProducerSide> make_raw_producer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board) {
  return std::make_unique<RawProducer>(device, options, meet, board);
}

std::unique_ptr<ConsumerSide> make_raw_consumer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board) {
  auto fds = MeetingPoint(meet).wait_for_descriptors();
  board = SharedMemory::map(std::move(fds.at(0)), sizeof(Board));
  return std::make_unique<RawConsumer>(device, options, std::move(fds), board);
}

}  // namespace ferry::bench
