#include "tests/bench/peer/sides.h"

#include <stdexcept>

#include "tests/bench/gpu/shared_objects.h"
#include "tests/bench/peer/cpu_sides.h"
#include "tests/bench/peer/ferry_sides.h"
#include "tests/bench/peer/one_image_sides.h"
#include "tests/bench/peer/raw_sides.h"

namespace ferry::bench {
namespace {

/// Frames of one process on one queue: barriers order them, and nothing else is needed.
struct OwnImages {
  std::vector<Image> images;
  std::uint64_t drawn = 0;
};

class OwnProducer final : public ProducerSide {
 public:
  OwnProducer(const Device& device, const PairOptions& options, std::shared_ptr<OwnImages> own)
      : own_(std::move(own)), drawer_(device, options.shape, options.depth, options.drawing) {}
  std::int64_t produce(std::uint64_t sequence) override {
    drawer_.record(sequence, *own_->images[sequence % own_->images.size()].image, After::kKeep);
    const std::int64_t submitted_ns = platform::now_ns();
    drawer_.submit({});
    own_->drawn = sequence;
    return submitted_ns;
  }
  std::vector<Drawn> drawn() override { return drawer_.drawn(); }

 private:
  std::shared_ptr<OwnImages> own_;
  Drawer drawer_;
};

class OwnConsumer final : public ConsumerSide {
 public:
  OwnConsumer(const Device& device, const PairOptions& options, std::shared_ptr<OwnImages> own)
      : own_(std::move(own)), reader_(device, options.shape, ReadOn::kGraphics, options.depth + 1, options.drawing.timed) {}
  std::optional<Taken> take(std::int64_t) override {
    const std::uint64_t sequence = own_->drawn;
    return Taken{sequence, reader_.start(*own_->images[sequence % own_->images.size()].image, Origin::kOwn, {})};
  }
  Reader& reader() override { return reader_; }

 private:
  std::shared_ptr<OwnImages> own_;
  Reader reader_;
};

[[noreturn]] void no_rival(const std::string& name) { throw std::runtime_error("no rival: " + name); }

}  // namespace

std::unique_ptr<ProducerSide> make_producer(const Device& device, const PairOptions& options, const std::string& meet,
                                            SharedMemory& board) {
  board = SharedMemory::create(sizeof(Board));
  if (options.rival == "ferry") return make_ferry_producer(device, options, meet, board);
  if (options.rival == "raw" || options.rival == "raw-early") return make_raw_producer(device, options, meet, board);
  if (options.rival == "cpu") return make_cpu_producer(device, options, meet, board);
  if (options.rival == "unsynced" || options.rival == "lock")
    return make_one_image_producer(device, options, meet, board);
  no_rival(options.rival);
}

std::unique_ptr<ConsumerSide> make_consumer(const Device& device, const PairOptions& options, const std::string& meet,
                                            SharedMemory& board) {
  if (options.rival == "ferry") return make_ferry_consumer(device, options, meet, board);
  if (options.rival == "raw" || options.rival == "raw-early") return make_raw_consumer(device, options, meet, board);
  if (options.rival == "cpu") return make_cpu_consumer(device, options, meet, board);
  if (options.rival == "unsynced" || options.rival == "lock")
    return make_one_image_consumer(device, options, meet, board);
  no_rival(options.rival);
}

Sides make_one_process(const Device& device, const PairOptions& options) {
  auto own = std::make_shared<OwnImages>();
  for (std::uint32_t i = 0; i < slots_of(options); ++i) own->images.push_back(make_local_image(device, options.shape));
  return {std::make_unique<OwnProducer>(device, options, own), std::make_unique<OwnConsumer>(device, options, own)};
}

}  // namespace ferry::bench
