#include "tests/bench/peer/raw_sides.h"

#include <stdexcept>

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
        drawer_(device, options.shape, options.depth) {
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

  std::int64_t produce(std::uint64_t sequence) override {
    const std::size_t slots = images_.size();
    const std::uint64_t before = sequence > slots ? sequence - slots : 0;  // the frame that is overwritten
    const Milestone& free = timelines_ ? board_.taken : board_.done;
    if (!free.wait(before, platform::now_ns() + kPatienceNs)) throw std::runtime_error("the consumer has stopped");
    drawer_.record(sequence, *images_[sequence % slots].image, After::kHandOver);
    const std::int64_t submitted_ns = platform::now_ns();
    if (timelines_) {
      const VkSemaphore release = *release_;
      drawer_.submit({{&release, 1}, {&before, 1}, *acquire_, sequence});
    } else {
      drawer_.submit({});
      drawer_.wait();
    }
    board_.published.reach(sequence);
    return submitted_ns;
  }
  std::uint32_t slots() const override { return static_cast<std::uint32_t>(images_.size()); }

 private:
  const bool timelines_;
  Board& board_;
  std::vector<Image> images_;
  vk::UniqueSemaphore acquire_, release_;
  Drawer drawer_;  // last: waits for what uses the others
};

class RawConsumer final : public ConsumerSide {
 public:
  RawConsumer(const Device& device, const PairOptions& options, std::vector<platform::UniqueFd> fds,
              SharedMemory& board)
      : timelines_(device.exports_timelines()),
        early_(options.rival == "raw-early"),
        board_(board_of(board)),
        reader_(device, options.shape, options.read_on, options.depth + 1) {
    if (early_ && !timelines_) throw std::runtime_error("raw-early needs timelines that cross processes");
    for (std::uint32_t i = 0; i < slots_of(options); ++i)
      images_.push_back(import_image(device, options.shape, std::move(fds.at(1 + i))));
    if (!timelines_) return;
    acquire_ = import_timeline(device, std::move(fds.at(1 + images_.size())));
    release_ = import_timeline(device, std::move(fds.at(2 + images_.size())));
  }

  std::optional<Taken> take(std::int64_t timeout_ns) override {
    if (!early_ && !board_.published.wait(next_, platform::now_ns() + timeout_ns)) return std::nullopt;
    const Taken taken{next_, start(next_)};
    board_.taken.reach(next_++);
    return taken;
  }

  Reader& reader() override { return reader_; }

 private:
  std::size_t start(std::uint64_t sequence) {
    const VkImage image = *images_[sequence % images_.size()].image;
    if (!timelines_) return reader_.start(image, Origin::kShared, {});
    const VkSemaphore acquire = *acquire_;
    return reader_.start(image, Origin::kShared, {{&acquire, 1}, {&sequence, 1}, *release_, sequence});
  }

  const bool timelines_, early_;
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
