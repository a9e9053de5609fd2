#pragma once
// One stream in plain memory: the producer's page, the broker's verdicts, and consumers with a page each.

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "proto/frame_taker.h"
#include "proto/slot_chooser.h"

namespace ferry::proto::testing {

inline constexpr GenerationId kFirst{1};
inline constexpr std::uint32_t kWidthPx = 64, kHeightPx = 48;

struct TestConsumer {
  std::unique_ptr<LeasePage> page;
  LeasePageWriter writer;
  LeaseView view;
  FrameTaker taker;
};

/// What GPUs do, told by the test; one lease is to blame for all that is stuck.
struct TestReads final : PendingReads {
  Reads reads_of(std::uint32_t slot, VerdictPageReader, std::span<std::uint64_t, kMaxLeases / 64> blockers) override {
    if (of_slot[slot] == Reads::kStuck) blockers[stuck_lease / 64] |= std::uint64_t{1} << (stuck_lease % 64);
    return of_slot[slot];
  }
  std::array<Reads, kMaxSlots> of_slot{};
  std::uint32_t stuck_lease = 0;
};

class TestStream {
 public:
  explicit TestStream(std::uint32_t slots, QueuePolicy policy = QueuePolicy::kDrop)
      : chooser(StreamPageWriter(*page), policy), slot_count_(slots), policy_(policy) {
    chooser.start_generation(kFirst, slots);
  }

  /// Known to broker and producer, and ready to read generation kFirst.
  TestConsumer& add_consumer(ConsumerMode mode, std::uint32_t queue_depth = 0) {
    TestConsumer& consumer = add_stranger(mode, queue_depth);
    StreamPageWriter(*page).admit(consumer.view.index, consumer.view.id);
    return consumer;
  }

  /// The same, not admitted yet.
  TestConsumer& add_stranger(ConsumerMode mode, std::uint32_t queue_depth = 0) {
    const auto index = static_cast<std::uint32_t>(consumers_.size());
    const LeaseId id{100 + index};
    auto lease_page = std::make_unique<LeasePage>();
    const LeasePageWriter writer(*lease_page);
    const LeaseView view{LeasePageReader(*lease_page), index, id, mode, queue_depth};
    const FrameTaker taker = new_taker(view, writer);
    VerdictPageWriter(*verdict).set_lease(index, id);
    consumers_.push_back(std::make_unique<TestConsumer>(TestConsumer{std::move(lease_page), writer, view, taker}));
    views.push_back(view);
    return *consumers_.back();
  }

  /// One that has not begun to read, for a lease that may have.
  FrameTaker new_taker(const LeaseView& lease, LeasePageWriter writer) const {
    FrameTaker taker(StreamPageReader(*page), writer, lease.index, lease.id, lease.mode, lease.queue_depth, policy_);
    taker.add_generation(kFirst, slot_count_, kWidthPx, kHeightPx);
    return taker;
  }

  void retire(const TestConsumer& consumer) { VerdictPageWriter(*verdict).clear_lease(consumer.view.index); }

  std::optional<SlotChooser::Choice> choose() { return chooser.choose(VerdictPageReader(*verdict), views, blockers, reads); }

  FrameRecord next_record(std::uint32_t slot, GenerationId g = kFirst) {
    FrameRecord record{};
    record.sequence = ++newest;
    record.generation = raw(g);
    record.slot = slot;
    record.orientation = Orientation::kNormal;
    return record;
  }

  /// Chooses a slot and publishes into it; the slot, or nothing when none is free.
  std::optional<std::uint32_t> publish() {
    const auto choice = choose();
    if (!choice) return std::nullopt;
    chooser.publish(next_record(choice->slot, chooser.generation()));
    return choice->slot;
  }

  bool blocks(const TestConsumer& consumer) const {
    return (blockers[consumer.view.index / 64] >> (consumer.view.index % 64) & 1) != 0;
  }

  const std::unique_ptr<StreamPage> page = std::make_unique<StreamPage>();
  const std::unique_ptr<VerdictPage> verdict = std::make_unique<VerdictPage>();
  std::vector<LeaseView> views;
  std::array<std::uint64_t, kMaxLeases / 64> blockers{};
  TestReads reads;
  std::uint64_t newest = 0;
  SlotChooser chooser;

 private:
  std::uint32_t slot_count_;
  QueuePolicy policy_;
  std::vector<std::unique_ptr<TestConsumer>> consumers_;
};

}  // namespace ferry::proto::testing
