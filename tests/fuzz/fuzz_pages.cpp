// Pages that their writers fill with anything while the others read them: begin(), acquire(), evictions, promises.

#include <algorithm>
#include <array>
#include <memory>

#include "daemon/eviction.h"
#include "daemon/promises.h"
#include "daemon/status_report.h"
#include "proto/frame_taker.h"
#include "proto/histogram.h"
#include "proto/slot_chooser.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"

using namespace ferry;
using namespace ferry::proto;

namespace {

constexpr std::uint32_t kWidthPx = 64, kHeightPx = 48, kSlots = 5;
constexpr GenerationId kGeneration{1};

/// Any word of the page but the header, which whoever maps it has checked.
template <class Page>
void scribble(Page& page, fuzz::Input& input) {
  const std::size_t words = (sizeof page - kCacheLine) / 8;
  const std::size_t at = kCacheLine / 8 + input.number<std::uint16_t>() % words;
  const std::uint64_t value = input.interesting();
  std::memcpy(reinterpret_cast<char*>(&page) + at * 8, &value, 8);
}

/// A record with any fields, under a number that its cell has.
void publish_anything(StreamPage& page, fuzz::Input& input) {
  FrameRecord record{};
  record.sequence = input.interesting();
  record.generation = input.below(3);
  record.slot = input.below(8);
  record.orientation = static_cast<Orientation>(input.below(10));
  record.damage_count = input.below(10);
  record.user_size_bytes = input.below(140);
  record.crop = {input.below(80), input.below(80), input.below(80), input.below(80)};
  record.acquire_point = input.interesting();
  record.produced_ns = input.interesting();
  if (input.below(2) == 0) {
    FrameCell& cell = page.ring[record.sequence % kRingFrames];
    std::uint64_t words[std::size(FrameCell{}.words)];
    std::memcpy(words, &record, sizeof words);
    for (std::size_t i = 0; i < std::size(words); ++i) cell.words[i] = words[i];
    cell.sequence = record.sequence;
    page.published = record.sequence;
    page.slot_sequence[record.generation % kGenerationsOnPage][record.slot] = record.sequence;
  } else if (record.slot < kMaxSlots) {
    StreamPageWriter(page).publish(record);
  }
}

void check_taken(const FrameTaker& taker, const FrameTaker::Taken& taken) {
  FERRY_REQUIRE(taken.record.slot < kSlots);
  FERRY_REQUIRE(taker.knows(GenerationId{taken.record.generation}));
  FERRY_REQUIRE(frame_record_valid(taken.record, kWidthPx, kHeightPx));
  FERRY_REQUIRE(taken.record.sequence != 0);
}

/// A consumer of a lying producer.
void read_lies(fuzz::Input& input) {
  const auto stream = std::make_unique<StreamPage>();
  const auto lease = std::make_unique<LeasePage>();
  constexpr LeaseId kLease{7};
  const ConsumerMode mode = input.below(2) == 0 ? ConsumerMode::kLatest : ConsumerMode::kEvery;
  const QueuePolicy policy = input.below(2) == 0 ? QueuePolicy::kDrop : QueuePolicy::kBlock;
  FrameTaker taker(StreamPageReader(*stream), LeasePageWriter(*lease), 0, kLease, mode, 4, policy);
  taker.add_generation(kGeneration, kSlots, kWidthPx, kHeightPx);
  StreamPageWriter(*stream).admit(0, kLease);
  GenerationId newest = kGeneration;
  while (!input.empty()) {
    switch (input.below(5)) {
      case 0:
        scribble(*stream, input);
        break;
      case 1:
        publish_anything(*stream, input);
        break;
      case 2:
        stream->published = input.interesting();
        break;
      case 3:
        newest = GenerationId{raw(newest) + 1};
        taker.add_generation(newest, kSlots, kWidthPx, kHeightPx);
        FERRY_REQUIRE(taker.knows(newest));
        break;
      default: {
        FrameTaker::Taken taken{};
        if (taker.try_take(taken) == FrameTaker::Outcome::kTaken) {
          check_taken(taker, taken);
          LeasePageWriter(*lease).let_go(GenerationId{taken.record.generation}, taken.record.slot, input.interesting());
        }
      }
    }
    (void)daemon::acquire_points(*stream, kGeneration);
    (void)daemon::frame_rate_mhz(StreamPageReader(*stream), 1'000'000'000);
  }
}

/// GPUs that do what the input says: two bits a slot.
struct GpusOfLiars final : proto::PendingReads {
  proto::Reads reads_of(std::uint32_t slot, VerdictPageReader, std::span<std::uint64_t, kMaxLeases / 64> blockers) override {
    const auto reads = static_cast<proto::Reads>(std::min<std::uint64_t>(bits >> (2 * (slot % 32)) & 3, 2));
    if (reads == proto::Reads::kStuck) blockers[0] |= 1;
    return reads;
  }
  std::uint64_t bits = 0;
};

/// A producer of lying consumers: it may be starved, never led astray.
void write_beside_lies(fuzz::Input& input) {
  const auto stream = std::make_unique<StreamPage>();
  const auto verdict = std::make_unique<VerdictPage>();
  std::array<std::unique_ptr<LeasePage>, 2> pages{std::make_unique<LeasePage>(), std::make_unique<LeasePage>()};
  std::vector<LeaseView> views;
  for (std::uint32_t i = 0; i < pages.size(); ++i) {
    VerdictPageWriter(*verdict).set_lease(i, LeaseId{i + 1});
    views.push_back({LeasePageReader(*pages[i]), i, LeaseId{i + 1},
                     i == 0 ? ConsumerMode::kLatest : ConsumerMode::kEvery, 4});
  }
  SlotChooser chooser(StreamPageWriter(*stream), input.below(2) == 0 ? QueuePolicy::kDrop : QueuePolicy::kBlock);
  chooser.start_generation(kGeneration, kSlots);
  std::array<std::uint64_t, kMaxLeases / 64> blockers{};
  GpusOfLiars reads;
  std::uint64_t newest = 0;
  while (!input.empty()) {
    if (input.below(3) != 0) {
      scribble(*pages[input.below(2)], input);
      continue;
    }
    if (input.below(4) == 0) reads.bits = input.interesting();
    const auto choice = chooser.choose(VerdictPageReader(*verdict), views, blockers, reads);
    FERRY_REQUIRE((blockers[0] & ~std::uint64_t{3}) == 0 && blockers[1] == 0);
    if (!choice) {
      FERRY_REQUIRE(blockers[0] != 0);  // somebody is named
      continue;
    }
    FERRY_REQUIRE(choice->slot < kSlots && (choice->previous_sequence == 0 || choice->previous_sequence < newest));
    for (const LeaseView& view : views) FERRY_REQUIRE(!view.page.holds(kGeneration, choice->slot));
    FrameRecord record{};
    record.sequence = ++newest;
    record.generation = raw(kGeneration);
    record.slot = choice->slot;
    record.orientation = Orientation::kNormal;
    chooser.publish(record);
  }
}

/// The broker, which judges from pages that both sides fill with lies.
void judge_lies(fuzz::Input& input) {
  const auto stream = std::make_unique<StreamPage>();
  auto shared = std::make_shared<daemon::SharedPage<LeasePage>>();
  const auto fd = platform::OwnedPage<LeasePage>::create(PageKind::kLease, "fuzz-lease");
  FERRY_REQUIRE(fd);
  auto owned = std::move(const_cast<proto::Result<platform::OwnedPage<LeasePage>>&>(fd)).value();
  auto mapped = platform::PeerPage<LeasePage>::map(owned.fd(), PageKind::kLease);
  FERRY_REQUIRE(mapped);
  shared->mapping = std::move(*mapped);
  daemon::Lease lease;
  lease.id = LeaseId{1};
  lease.need = {ConsumerMode::kEvery, 2, 4};
  lease.page = shared;
  while (!input.empty()) {
    if (input.below(3) != 0)
      scribble(owned.page(), input);
    else
      publish_anything(*stream, input);
    const auto now_ns = static_cast<std::int64_t>(input.interesting() >> 1);
    const auto conduct = daemon::observe(lease, StreamPageReader(*stream), kGeneration, input.below(2) == 0, now_ns);
    FERRY_REQUIRE(conduct.held <= kMaxSlots && conduct.idle_ns >= 0 && conduct.overdue_ns >= 0);
    FERRY_REQUIRE(daemon::choose_evictions({&conduct, 1}, 1000, 1000, input.below(2) == 0).size() <= 1);
    const std::uint64_t current = input.interesting();
    const auto points = daemon::release_points(owned.page());
    const std::uint64_t highest = daemon::highest_plausible(points, current);
    FERRY_REQUIRE(highest >= current && highest - current < std::uint64_t{1} << 31);
    LatencyHistogram latency;
    for (std::uint32_t i = 0; i < LatencyHistogram::kBuckets; ++i) latency.counts[i] = owned.page().latency[i];
    FERRY_REQUIRE(latency.percentile_ns(0.5) <= latency.percentile_ns(0.99));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  switch (input.below(3)) {
    case 0:
      read_lies(input);
      break;
    case 1:
      write_beside_lies(input);
      break;
    default:
      judge_lies(input);
  }
  return 0;
}
