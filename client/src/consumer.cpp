#include "client/src/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "client/src/implicit_read.h"
#include "client/src/wire_convert.h"
#include "platform/clock.h"
#include "platform/futex.h"
#include "proto/names.h"
#include "proto/test_point.h"

namespace ferry::client {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::FrameTaker;
using proto::Result;

namespace {

// How long close() waits for the GPU to finish reading.
constexpr std::int64_t kCloseTimeoutNs = 2'000'000'000;
constexpr std::int64_t kReasonPatienceNs = 100'000'000;
// How long an imported fence may be pending before this device is made to wait for no more of them.
constexpr std::int64_t kFencePatienceNs = 1'000'000'000;
constexpr std::uint64_t kChannelKey = 1, kWakeKey = 2;

#ifdef FERRY_TEST_IGNORE_RELEASE_POINTS  // tests/: proves that the tearing test sees it
constexpr bool kHeedsReleasePoints = false;
#else
constexpr bool kHeedsReleasePoints = true;
#endif

proto::QueuePolicy from_wire(wire::QueuePolicy policy) {
  return policy == wire::QueuePolicy::Block ? proto::QueuePolicy::kBlock : proto::QueuePolicy::kDrop;
}

Error invalid(std::string text) { return {ErrorCode::kInvalidArgument, std::move(text)}; }

}  // namespace

Consumer::Consumer(std::shared_ptr<Connection> connection, DevicePtr device, std::string name, proto::ConsumerMode mode,
                   std::uint32_t max_holds, std::uint32_t queue_depth, platform::OwnedPage<proto::LeasePage> page,
                   platform::WaitSet wait_set, platform::ChannelPair wake)
    : connection_(std::move(connection)),
      device_(std::move(device)),
      name_(std::move(name)),
      mode_(mode),
      max_holds_(max_holds),
      queue_depth_(queue_depth),
      page_(std::move(page)),
      page_writer_(page_.page()),
      wait_set_(std::move(wait_set)),
      wake_(std::move(wake)),
      unfinished_([this] {
        std::lock_guard lock(mutex_);
        wake_application();
      }) {
  page_writer_.set_cursor(FrameTaker::kNotReading);
  connection_->sign(page_.page().writer);
}

Consumer::~Consumer() { (void)close(); }

Result<std::shared_ptr<Consumer>> Consumer::attach(std::shared_ptr<Connection> connection, DevicePtr device,
                                                   const ferry_attach_info& info) {
  wire::DeviceT described = device->describe();
  for (;;) {
    // The first import is the test whether a way works here; one that does not is not offered again.
    std::optional<FailedWay> failed;
    auto attached = try_attach(connection, device, info, described, failed);
    if (attached || !failed || !give_up(described, *failed, attached.error().message)) return attached;
  }
}

Result<std::shared_ptr<Consumer>> Consumer::try_attach(const std::shared_ptr<Connection>& connection, DevicePtr device,
                                                       const ferry_attach_info& info, const wire::DeviceT& described,
                                                       std::optional<FailedWay>& failed) {
  if (info.name == nullptr) return invalid("ferry_attach_info.name is NULL");
  if (auto ok = proto::check_stream_name(info.name); !ok) return std::move(ok).error();
  if (info.mode > FERRY_CONSUMER_EVERY)
    return invalid(fmt::format("mode {} is none of ferry_consumer_mode's (0 to {}) for stream '{}'", info.mode,
                               FERRY_CONSUMER_EVERY + 0, info.name));
  if (info.max_holds > proto::kMaxHolds)
    return invalid(fmt::format("max_holds {} exceeds the limit {} for stream '{}'", info.max_holds, proto::kMaxHolds, info.name));
  if (info.queue_depth > proto::kMaxQueueDepth)
    return invalid(fmt::format("queue_depth {} exceeds the limit {} for stream '{}'", info.queue_depth, proto::kMaxQueueDepth,
                               info.name));
  const auto mode = info.mode == 0 ? proto::ConsumerMode::kLatest : static_cast<proto::ConsumerMode>(info.mode);
  const std::uint32_t max_holds = info.max_holds == 0 ? 2 : info.max_holds;
  const std::uint32_t queue_depth = info.queue_depth == 0 ? 4 : info.queue_depth;

  auto page = platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "ferry-lease");
  if (!page) return std::move(page).error();
  auto wait_set = platform::WaitSet::create();
  if (!wait_set) return std::move(wait_set).error();
  auto wake = platform::create_channel();
  if (!wake) return std::move(wake).error();
  if (auto added = wait_set->add(wake->consumer_end, kWakeKey); !added) return std::move(added).error();

  wire::AttachT request;
  request.name = info.name;
  request.device = std::make_unique<wire::DeviceT>(described);
  request.mode = static_cast<wire::ConsumerMode>(mode);
  request.max_holds = max_holds;
  request.queue_depth = mode == proto::ConsumerMode::kEvery ? queue_depth : 0;
  request.wait = info.timeout_ns != 0;
  wire::BodyUnion body;
  body.Set(std::move(request));

  const int page_fd = page->fd().get();
  std::shared_ptr<Consumer> consumer(new Consumer(connection, std::move(device), info.name, mode, max_holds, queue_depth,
                                                  std::move(*page), std::move(*wait_set), std::move(*wake)));
  // Held until start() is through: what the broker says right after its answer waits for it (on_message).
  std::unique_lock lock(consumer->mutex_);
  auto attached = connection->ask(std::move(body), {&page_fd, 1}, wire::Body::Attached,
                                  info.timeout_ns != 0 ? info.timeout_ns : connection->timeout_ns(), consumer);
  if (!attached) {
    consumer->closed_ = true;
    Error error = std::move(attached).error();
    if (error.code == ErrorCode::kTimeout && info.timeout_ns != 0)
      error.message = fmt::format("stream '{}' did not appear within {} ms", info.name, info.timeout_ns / 1'000'000);
    return error;
  }
  auto started = consumer->start(std::move(*attached), failed);
  lock.unlock();
  if (!started) {
    (void)consumer->close();
    return std::move(started).error();
  }
  return consumer;
}

Result<void> Consumer::start(Message message, std::optional<FailedWay>& failed) {
  const wire::AttachedT& attached = *message.envelope->body.AsAttached();
  stream_ = proto::StreamId{attached.stream};
  lease_ = proto::LeaseId{attached.lease};
  lease_index_ = attached.lease_index;
  if (lease_index_ >= proto::kMaxLeases || !attached.generation)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("the broker's Attached has lease index {} (limit {}) and {} generation", lease_index_,
                             proto::kMaxLeases, attached.generation ? "a" : "no")};
  auto verdict = platform::PeerPage<proto::VerdictPage>::map(message.fds[0], proto::PageKind::kVerdict);
  if (!verdict) return std::move(verdict).error();
  verdict_page_ = std::make_shared<const platform::PeerPage<proto::VerdictPage>>(std::move(*verdict));
  auto stream = platform::PeerPage<proto::StreamPage>::map(message.fds[1], proto::PageKind::kStream);
  if (!stream) return std::move(stream).error();
  stream_page_ = std::make_shared<const StreamPageKept>(StreamPageKept{std::move(*stream), std::move(message.fds[1])});
  channel_ = std::move(message.fds[2]);
  if (auto added = wait_set_.add(channel_, kChannelKey); !added) return added;
  orphaned_ = attached.state == wire::StreamState::Orphaned;
  if (orphaned_) events_.push(FERRY_EVENT_ORPHANED, "the stream has no producer");

  platform::TimelineImporter& timelines = device_->vulkan().timeline_importer();
  std::size_t next = 3;
  has_fence_channel_ = attached.has_fence_channel;
  if (has_fence_channel_) inbox_.open(std::move(message.fds[next++]));
  if (attached.has_release_timeline) {
    release_timeline_fd_ = std::make_shared<const UniqueFd>(message.fds[next].duplicate());
    if (!*release_timeline_fd_)
      return Error{ErrorCode::kSystem, fmt::format("duplicate of a descriptor: {}", std::strerror(errno))};
  }
  auto release = attached.has_release_timeline ? timelines.import(std::move(message.fds[next++])) : timelines.create_local();
  if (!release) return std::move(release).error();
  release_timeline_ = std::move(*release);

  policy_ = from_wire(attached.queue_policy);
  taker_.emplace(proto::StreamPageReader(stream_page_->page()), page_writer_, lease_index_, lease_, mode_, queue_depth_,
                 policy_);
  taker_->set_orphaned(attached.state == wire::StreamState::Orphaned || attached.state == wire::StreamState::Closed);
  if (orphaned_) leave_out_what_died();
  completed_only_ = attached.completed_only;
  taker_->set_completed_only(completed_only_);
  auto generation = Generation::import(device_, *attached.generation, message.fds, next);
  if (!generation) {
    failed = way_of(*attached.generation);
    return std::move(generation).error();
  }
  add_generation(std::move(*generation));
  return {};
}

/// The thread that a generation needs, if it is not there yet.
void Consumer::adopt_sync(const Generation& generation) {
  if (generation.has_local_points() && !completions_)
    completions_ = std::make_unique<CompletionQueue<HostRelease>>([this](HostRelease& done, const Result<void>& reached) {
      std::lock_guard lock(mutex_);
      // A point that will never be reached keeps its slot held: the lease ends with its owner's device.
      if (!reached) return lose_device(reached.error());
      let_go(done.generation, done.slot, 0);
    });
}

// ---- the hot path ------------------------------------------------------------------------------------------------

Result<Wait> Consumer::acquire(std::int64_t timeout_ns, ferry_frame& out) {
  const std::int64_t deadline_ns = platform::deadline_after(timeout_ns);
  std::unique_lock lock(mutex_);
  if (held_count_ >= max_holds_) {
    // Nothing to wait for until one is released: release() makes the descriptor readable again.
    if (fd_wanted_) {
      drain_fd();
      fd_waits_for_release_ = true;
    }
    return Error{ErrorCode::kLimitExceeded, fmt::format("{} frames of stream '{}' are held already, as many as max_holds "
                                                        "declares: release one", held_count_, name_)};
  }
  for (;;) {
    // Read before looking: whatever moves after this makes the sleep end at once.
    const StreamPagePtr stream = stream_page_;  // may be exchanged while this thread sleeps on them
    const VerdictPagePtr verdict = verdict_page_;
    const platform::FutexWord words[] = {
        {&stream->page().doorbell, stream->page().doorbell.load(std::memory_order_seq_cst)},
        {&verdict->page().doorbell, verdict->page().doorbell.load(std::memory_order_seq_cst)},
        {&wake_word_, wake_word_.load(std::memory_order_seq_cst)}};

    FrameTaker::Taken taken;
    FrameTaker::Outcome outcome = try_take(taken);
    if (outcome != FrameTaker::Outcome::kTaken && timeout_ns != 0) {
      // PAIR frame-publish: announce the sleep, then look once more. Who publishes does it the other way round.
      page_writer_.set_sleeping(true);
      outcome = try_take(taken);
      if (outcome == FrameTaker::Outcome::kTaken) page_writer_.set_sleeping(false);
    } else if (outcome != FrameTaker::Outcome::kTaken && fd_wanted_) {
      drain_fd();
      page_writer_.arm(++arm_ticket_);  // PAIR frame-publish, as above
      outcome = try_take(taken);
    }
    auto awake = [&] { page_writer_.set_sleeping(false); };
    if (outcome == FrameTaker::Outcome::kTaken) {
      // A producer that knows of this lease's end looks at its holds no more: what was just taken may be overwritten.
      if (!is_alive()) {
        page_writer_.let_go(proto::GenerationId{taken.record.generation}, taken.record.slot, 0);
        return *ended();
      }
      if (!can_come(*find_imported(proto::GenerationId{taken.record.generation}), taken.record.acquire_point)) {
        page_writer_.let_go(proto::GenerationId{taken.record.generation}, taken.record.slot, 0);
        return Error{ErrorCode::kProtocolViolation,
                     fmt::format("the producer of stream '{}' promises point {} for frame {}, which no timeline can reach",
                                 name_, taken.record.acquire_point, taken.record.sequence)};
      }
      const std::shared_ptr<Generation> generation = find_imported(proto::GenerationId{taken.record.generation})->generation;
      UniqueFd fence;
      if (generation->sync() == wire::SyncMode::SyncFd &&
          proto::StreamPageReader(stream_page_->page()).completed() < taken.record.sequence) {
        auto stands_for_it = inbox_.take(taken.record.sequence);
        if (!stands_for_it) {
          page_writer_.let_go(proto::GenerationId{taken.record.generation}, taken.record.slot, 0);
          if (stands_for_it.error().code != ErrorCode::kNotFound) return std::move(stands_for_it).error();
          continue;  // its work has failed since the look at it: with it the frame is gone
        }
        fence = std::move(*stands_for_it);
      }
      fill_frame(taken, out);
      if (!generation->copies() && !fence) return Wait::kDone;
      lock.unlock();
      if (fence) {
        if (auto imported = import_fence(std::move(fence), out); !imported) return std::move(imported).error();
        return Wait::kDone;
      }
      if (auto fetched = fetch_pixels(*generation, out); !fetched) return std::move(fetched).error();
      return Wait::kDone;
    }
    if (outcome == FrameTaker::Outcome::kRubbish) {
      awake();
      return Error{ErrorCode::kProtocolViolation,
                   fmt::format("the producer of stream '{}' wrote a frame that contradicts its own generation", name_)};
    }
    const std::optional<Error> why = ended();
    if (timeout_ns == 0) {
      if (why) return *why;
      return Wait::kWouldBlock;
    }
    const std::int64_t now_ns = platform::now_ns();
    std::int64_t until_ns = deadline_ns;
    // The page tells of the end before the message that says why: who waits at all waits for that, too, once.
    const bool reason_is_to_come = why && !evicted_ && !is_alive();
    if (reason_is_to_come) {
      if (reason_due_ns_ == 0) reason_due_ns_ = now_ns + kReasonPatienceNs;
      until_ns = deadline_ns < 0 ? reason_due_ns_ : std::min(deadline_ns, reason_due_ns_);
    }
    const bool is_over = until_ns >= 0 && now_ns >= until_ns;
    if (is_over || (why && !reason_is_to_come)) {
      awake();
      if (why) return *why;
      return Wait::kTimedOut;
    }
    lock.unlock();
    platform::futex_wait_any(words, until_ns);
    lock.lock();
    awake();
  }
}

bool Consumer::waits_in_vain() {
  if (!awaited_.timeline) return false;
  if (auto value = awaited_.timeline->value(); value && *value >= awaited_.value) awaited_ = {};
  return awaited_.timeline && platform::now_ns() - awaited_.since_ns > kFencePatienceNs;
}

void Consumer::bound_what_is_taken() {
  if (orphaned_ || completed_only_ || generations_.back().generation->has_local_points()) return;
  const std::int64_t now_ns = platform::now_ns();
  if (!unfinished_.is_due(now_ns)) return;
  const auto timeline_of = [this](proto::GenerationId g) {
    const Imported* imported = find_imported(g);
    return imported == nullptr ? nullptr : imported->generation->timeline();
  };
  taker_->set_bound(unfinished_.look(proto::StreamPageReader(stream_page_->page()), timeline_of, now_ns));
}

FrameTaker::Outcome Consumer::try_take(FrameTaker::Taken& out) {
  bound_what_is_taken();
  if (fenced_ && device_->fences() != nullptr) {
    inbox_.read();
    // No queue is to wait for a process that is gone, or for more of one that hangs: of those what has signalled counts.
    taker_->set_fenced(inbox_.newest(orphaned_ || stream_closed_ || waits_in_vain()));
  }
  return taker_->try_take(out);
}

bool Consumer::can_come(Imported& imported, std::uint64_t acquire_point) {
  if (imported.generation->has_local_points()) return true;
  if (platform::can_reach(imported.reached, acquire_point)) return true;
  if (auto value = imported.generation->timeline()->value()) imported.reached = *value;
  return platform::can_reach(imported.reached, acquire_point);
}

void Consumer::fill_frame(const FrameTaker::Taken& taken, ferry_frame& out) {
  FERRY_TEST_POINT("acquire.taken");
  const proto::FrameRecord& record = taken.record;
  const proto::GenerationId g{record.generation};
  Imported& imported = *find_imported(g);  // try_take only takes what add_generation made known
  Held& held = *std::find_if(held_.begin(), held_.end(), [](const Held& h) { return h.sequence == 0; });
  held = {record.sequence, g, record.slot, 0, next_signal_++};
  ++held_count_;
  ++imported.held;

  const auto now_ns = static_cast<std::uint64_t>(platform::now_ns());
  page_writer_.count_acquired(taken.skipped, now_ns);
  // What was on show before this consumer came says nothing about the hand-over.
  if (!first_frame_ && now_ns > record.produced_ns) page_writer_.count_latency(now_ns - record.produced_ns);
  first_frame_ = false;
  skipped_ += taken.skipped;

  const Generation& generation = *imported.generation;
  const platform::ImportedTexture& slot = generation.slot(record.slot);
  out.slot = record.slot;
  out.generation = record.generation;
  out.sequence = record.sequence;
  out.skipped = taken.skipped;
  out.produced_ns = record.produced_ns;
  out.image = slot.image();
  out.view = slot.view();
  out.vk_format = slot.vk_format();
  out.format = static_cast<std::uint32_t>(generation.desc().format);
  out.width_px = generation.desc().width_px;
  out.height_px = generation.desc().height_px;
  out.wait_semaphore = generation.timeline()->semaphore();
  // Sync mode host: complete already, whatever the producer writes; every timeline has reached 0. Sync-fd: import_fence().
  out.wait_value = generation.has_local_points() ? 0 : record.acquire_point;
  held.wait_value = out.wait_value;
  out.signal_semaphore = release_timeline_->semaphore();
  out.signal_value = held.signal_value;
  out.peer_queue_family = generation.peer_queue_family();
  fill_metadata(record, out.metadata);

  if (mode_ == proto::ConsumerMode::kEvery) ring_waiting_producer();  // its queue has room again
  if (generations_.size() > 1) {
    // Frames come in order, so nothing older than the generation of the last one taken will be read again.
    for (const Imported& other : generations_)
      if (raw(other.generation->id()) < raw(g)) taker_->remove_generation(other.generation->id());
    drop_old_generations();
  }
}

Result<void> Consumer::fetch_pixels(const Generation& generation, const ferry_frame& frame) {
  auto copied = generation.slot(frame.slot).copy()->from_shared();
  if (!copied) (void)release(frame.sequence, FERRY_RELEASE_UNUSED);
  return copied;
}

Result<void> Consumer::import_fence(UniqueFd fence, ferry_frame& frame) {
  const proto::GenerationId g{static_cast<std::uint32_t>(frame.generation)};
  std::unique_lock lock(mutex_);
  const Imported& imported = *find_imported(g);  // it stays as long as the frame is held
  const std::shared_ptr<Generation> generation = imported.generation;
  const std::uint64_t value = imported.fenced + 1;
  lock.unlock();
  auto done = device_->fences()->import_point(std::move(fence), generation->timeline(), value);
  if (!done) {
    (void)release(frame.sequence, FERRY_RELEASE_UNUSED);
    lock.lock();
    lose_device(done.error());
    return done;
  }
  lock.lock();
  find_imported(g)->fenced = value;
  find_held(frame.sequence)->wait_value = value;
  if (!awaited_.timeline) awaited_ = {generation->timeline(), value, platform::now_ns()};
  frame.wait_value = value;
  return {};
}

Result<void> Consumer::release(std::uint64_t sequence, std::uint32_t flags) {
  std::unique_lock lock(mutex_);
  if (flags > FERRY_RELEASE_IMPLICIT)
    return invalid(fmt::format("release flags {:#x} are none of FERRY_RELEASE_* (0 to 2)", flags));
  Held* held = find_held(sequence);
  if (held == nullptr) return not_held(sequence);
  Imported& imported = *find_imported(held->generation);
  std::shared_ptr<platform::Timeline> read;
  if (flags == FERRY_RELEASE_IMPLICIT) {
    if (!held->exported)
      return Error{ErrorCode::kInvalidState,
                   fmt::format("frame {} of stream '{}' was not exported: nobody reads it by its dma-buf", sequence, name_)};
    auto implicit = ImplicitRead::of(imported.generation->kept()->slot_fd(held->slot));
    if (!implicit) return std::move(implicit).error();
    read = std::move(*implicit);
  }
  FERRY_TEST_POINT("release.before");
  --imported.held;
  --held_count_;
  const Held released = std::exchange(*held, Held{});
  const bool gives_back_later = imported.generation->has_local_points();
  if (std::exchange(fd_waits_for_release_, false)) arm_fd();
  if (flags == FERRY_RELEASE_UNUSED) {
    let_go(released.generation, released.slot, 0);
    return {};
  }
  if (read) {  // by dma-buf no points cross but as fences: gives_back_later
    lock.unlock();
    completions_->push({std::move(read), 1, {released.generation, released.slot}});
    return {};
  }
  imported.last_signal = std::max(imported.last_signal, released.signal_value);
  last_promised_ = std::max(last_promised_, released.signal_value);
  if (!gives_back_later || !kHeedsReleasePoints) {
    let_go(released.generation, released.slot, released.signal_value);
    return {};
  }
  // Without the lock, which the thread that is woken here wants next.
  lock.unlock();
  completions_->push({release_timeline_, released.signal_value, {released.generation, released.slot}});
  return {};
}

Result<void> Consumer::export_frame(std::uint64_t sequence, std::uint32_t flags, ferry_dma_buf& out) {
  std::unique_lock lock(mutex_);
  if ((flags & ~std::uint32_t{FERRY_EXPORT_FENCE}) != 0)
    return invalid(fmt::format("export flags {:#x} have bits outside FERRY_EXPORT_* ({:#x})", flags, FERRY_EXPORT_FENCE + 0u));
  Held* held = find_held(sequence);
  if (held == nullptr) return not_held(sequence);
  const std::shared_ptr<Generation> generation = find_imported(held->generation)->generation;
  if (generation->transport() != platform::Transport::kDmaBuf)
    return Error{ErrorCode::kUnsupported,
                 fmt::format("frames of stream '{}' cross by {}, and are no dma-bufs: the producer can ask for "
                             "FERRY_TRANSPORT_DMA_BUF", name_, platform::transport_name(generation->transport()))};
  const bool fenced = flags == FERRY_EXPORT_FENCE;
  if (fenced && device_->fences() == nullptr)
    return Error{ErrorCode::kUnsupported, "FERRY_EXPORT_FENCE needs a queue that is lent (ferry_device_lend_queue)"};
  UniqueFd dma_buf = generation->kept()->slot_fd(held->slot).duplicate();
  if (!dma_buf) return Error{ErrorCode::kSystem, fmt::format("duplicate of a dma-buf: {}", std::strerror(errno))};
  if (fenced) {
    const std::uint64_t value = held->wait_value;
    lock.unlock();
    auto announced = announce_work(*generation, value, dma_buf);
    lock.lock();
    if (!announced) {
      lose_device(announced.error());
      return announced;
    }
  }
  find_held(sequence)->exported = true;
  const wire::GenerationT& info = generation->kept()->info;
  out.modifier = info.modifier;
  out.size_bytes = info.allocation_size;
  for (const wire::Plane& plane : info.planes) out.planes[out.plane_count++] = {plane.offset(), plane.row_pitch()};
  out.fd = dma_buf.release();
  return {};
}

Result<void> Consumer::announce_work(const Generation& generation, std::uint64_t value, const UniqueFd& dma_buf) {
  const auto reached = generation.timeline()->value();
  if (!reached) return reached.error();
  if (*reached >= value) return {};
  const auto fence = device_->fences()->export_point(generation.timeline(), value);
  if (!fence) return fence.error();
  return platform::import_dma_buf_fence(dma_buf, *fence, platform::Access::kWrite);
}

Result<std::uint64_t> Consumer::renew_signal(std::uint64_t sequence) {
  std::lock_guard lock(mutex_);
  Held* held = find_held(sequence);
  if (held == nullptr) return not_held(sequence);
  if (held->signal_value + 1 != next_signal_) held->signal_value = next_signal_++;
  return held->signal_value;
}

void Consumer::let_go(proto::GenerationId g, std::uint32_t slot, std::uint64_t release_point) {
  page_writer_.let_go(g, slot, release_point);
  FERRY_TEST_POINT("release.on_page");
  ring_waiting_producer();
}

void Consumer::ring_waiting_producer() {
  // PAIR producer-waiting: the slot is free before this look; begin() announces its sleep before its last look.
  if (proto::StreamPageReader(stream_page_->page()).producer_waits()) platform::ring_channel(channel_);
}

Consumer::Held* Consumer::find_held(std::uint64_t sequence) {
  for (Held& held : held_)
    if (sequence != 0 && held.sequence == sequence) return &held;
  return nullptr;
}

Error Consumer::not_held(std::uint64_t sequence) const {
  return {ErrorCode::kInvalidState,
          fmt::format("frame {} of stream '{}' is not held: released already, or never acquired", sequence, name_)};
}

Consumer::Imported* Consumer::find_imported(proto::GenerationId g) {
  for (Imported& imported : generations_)
    if (imported.generation->id() == g) return &imported;
  return nullptr;
}

bool Consumer::is_alive() const {
  return proto::VerdictPageReader(verdict_page_->page()).is_alive(lease_index_, lease_);
}

std::optional<Error> Consumer::ended() const {
  if (evicted_) return evicted_;
  if (!is_alive())
    return Error{ErrorCode::kEvicted, fmt::format("the broker has retired this lease of stream '{}'", name_)};
  if (stream_closed_) return Error{ErrorCode::kStreamClosed, fmt::format("stream '{}' has ended", name_)};
  return std::nullopt;
}

void Consumer::lose_device(const Error& why) {
  if (why.code != ErrorCode::kDeviceLost || evicted_) return;
  evicted_ = Error{ErrorCode::kDeviceLost, fmt::format("the device that reads stream '{}' is lost ({}): destroy consumer and "
                                                       "device, and attach with another device", name_, why.message)};
  wake_application();
}

// ---- generations ---------------------------------------------------------------------------------------------------

void Consumer::add_generation(std::unique_ptr<Generation> generation) {
  adopt_sync(*generation);
  if (generation->sync() == wire::SyncMode::SyncFd) {
    fenced_ = true;
    taker_->set_completed_only(true);
  }
  const platform::TextureDesc& desc = generation->desc();
  taker_->add_generation(generation->id(), generation->slot_count(), desc.width_px, desc.height_px);
  generations_.push_back({std::move(generation)});
  drop_old_generations();  // here too: an application may acquire nothing for as long as a window is dragged
}

/// Those of which no frame is held, read, or still to be taken.
void Consumer::drop_old_generations() {
  std::uint64_t reached = 0;
  if (auto value = release_timeline_->value(); value) reached = *value;
  std::erase_if(generations_, [&](Imported& imported) {
    if (taker_->knows(imported.generation->id()) || imported.held != 0 || imported.last_signal > reached) return false;
    disposer_.dispose(std::move(imported.generation));
    return true;
  });
}

// ---- what the broker says --------------------------------------------------------------------------------------------

void Consumer::on_message(Message message) {
  auto& body = message.envelope->body;
  switch (body.type) {
    case wire::Body::GenerationStarted:
      if (body.AsGenerationStarted()->generation) on_generation(*body.AsGenerationStarted()->generation, message.fds, 0);
      break;
    case wire::Body::ProducerChanged: on_producer_changed(*body.AsProducerChanged(), message.fds); break;
    case wire::Body::StreamStateChanged: on_state(*body.AsStreamStateChanged()); break;
    case wire::Body::LeaseEnded: on_ended(*body.AsLeaseEnded()); break;
    default: break;  // a newer broker may say more
  }
}

void Consumer::on_generation(const wire::GenerationT& info, std::vector<UniqueFd>& fds, std::size_t first_fd) {
  {
    std::lock_guard lock(mutex_);
    // Told again by another broker. It may have been dropped since, but what was added last is here.
    if (!generations_.empty() && info.id <= raw(generations_.back().generation->id())) return;
  }
  // Imported before the lock is taken: the application goes on showing what it has.
  auto generation = Generation::import(device_, info, fds, first_fd);
  std::lock_guard lock(mutex_);
  if (!taker_ || closed_) return;
  if (generation) {
    events_.push(FERRY_EVENT_GENERATION, info.reason, generation->get());
    add_generation(std::move(*generation));
  } else {
    events_.push(FERRY_EVENT_GENERATION_FAILED, generation.error().message);
    // The broker looks for a way that works here too.
    wire::ImportFailedT failed;
    failed.stream = raw(stream_);
    failed.lease = raw(lease_);
    failed.generation = info.id;
    failed.reason = generation.error().message;
    connection_->tell(std::move(failed));
  }
  wake_application();
}

void Consumer::on_producer_changed(const wire::ProducerChangedT& info, std::vector<UniqueFd>& fds) {
  if (!info.generation) return;
  auto page = platform::PeerPage<proto::StreamPage>::map(fds[0], proto::PageKind::kStream);
  {
    std::lock_guard lock(mutex_);
    if (!taker_ || closed_) return;
    if (!page) {
      events_.push(FERRY_EVENT_GENERATION_FAILED, page.error().message);
      wake_application();
      return;
    }
    wait_set_.remove(channel_);
    channel_ = std::move(fds[1]);
    (void)wait_set_.add(channel_, kChannelKey);
    has_fence_channel_ = info.has_fence_channel;
    inbox_.open(has_fence_channel_ ? std::move(fds[2]) : UniqueFd{});
    fenced_ = false;
    taker_->set_completed_only(completed_only_);
    stream_page_ = std::make_shared<const StreamPageKept>(StreamPageKept{std::move(*page), std::move(fds[0])});
    orphaned_ = false;
    if (info.queue_policy != wire::QueuePolicy::None) policy_ = from_wire(info.queue_policy);  // an older broker does not say
    taker_->switch_producer(proto::StreamPageReader(stream_page_->page()), policy_);
    if (fd_wanted_) page_writer_.arm(++arm_ticket_);
    events_.push(FERRY_EVENT_RESUMED, fmt::format("process {} has taken the stream over", info.producer_pid));
  }
  on_generation(*info.generation, fds, info.has_fence_channel ? 3 : 2);
}

void Consumer::on_state(const wire::StreamStateChangedT& info) {
  std::lock_guard lock(mutex_);
  if (!taker_) return;
  change_state(info.state, info.message);
  wake_application();
}

void Consumer::change_state(wire::StreamState state, const std::string& message) {
  if (state == wire::StreamState::Orphaned && !orphaned_) {
    orphaned_ = true;
    taker_->set_orphaned(true);
    leave_out_what_died();
    events_.push(FERRY_EVENT_ORPHANED, message);
  } else if (state == wire::StreamState::Closed && !stream_closed_) {
    taker_->set_orphaned(true);
    stream_closed_ = true;
    events_.push(FERRY_EVENT_CLOSED, message);
  }
}

void Consumer::leave_out_what_died() {
  const std::uint64_t first = proto::VerdictPageReader(verdict_page_->page()).first_unfinished();
  taker_->set_bound(first == 0 ? FrameTaker::kUnbounded
                               : newest_finished_before(first, proto::StreamPageReader(stream_page_->page())));
}

void Consumer::on_ended(const wire::LeaseEndedT& info) {
  std::lock_guard lock(mutex_);
  evicted_ = Error{info.reason == wire::EndReason::StreamClosed ? ErrorCode::kStreamClosed : ErrorCode::kEvicted,
                   fmt::format("the lease of stream '{}' has ended: {}", name_, info.message)};
  if (info.conflict) evicted_->conflict = from_wire(*info.conflict);
  inbox_.open({});
  events_.push(info.reason == wire::EndReason::StreamClosed ? FERRY_EVENT_CLOSED : FERRY_EVENT_EVICTED, info.message);
  wake_application();
}

void Consumer::on_disconnected() {
  std::lock_guard lock(mutex_);
  events_.push(FERRY_EVENT_BROKER_LOST, "the broker is gone; frames go on");
  wake_application();
}

// ---- the next broker -------------------------------------------------------------------------------------------------

void Consumer::on_reconnected() {
  if (!connection_->broker()->takes_back)
    return on_claim_answered(Error{ErrorCode::kVersionMismatch, "this broker takes nothing back"});
  wire::ReclaimLeaseT claim;
  std::vector<std::shared_ptr<const KeptGeneration>> generations;
  StreamPagePtr stream;
  std::shared_ptr<const UniqueFd> timeline;
  {
    std::lock_guard lock(mutex_);
    if (!taker_ || closed_ || stream_closed_ || ended()) return;
    const proto::VerdictPage& verdict = verdict_page_->page();
    stream = stream_page_;
    timeline = release_timeline_fd_;
    for (const Imported& imported : generations_) generations.push_back(imported.generation->kept());
    claim.stream = raw(stream_);
    claim.name = name_;
    claim.lease = raw(lease_);
    claim.lease_index = lease_index_;
    claim.mode = static_cast<wire::ConsumerMode>(mode_);
    claim.max_holds = max_holds_;
    claim.queue_depth = mode_ == proto::ConsumerMode::kEvery ? queue_depth_ : 0;
    claim.has_release_timeline = timeline != nullptr;
    claim.device = std::make_unique<wire::DeviceT>(device_->describe());
    claim.completed_only = completed_only_;
    claim.has_fence_channel = has_fence_channel_;
    claim.queue_policy = static_cast<wire::QueuePolicy>(policy_);
    claim.next_sequence =
        std::max(taker_->cursor(), proto::StreamPageReader(stream_page_->page()).published()) + 1;
    claim.newest_generation = raw(proto::VerdictPageReader(verdict).generation());
    claim.newest_known = raw(generations_.back().generation->id());
    claim.producers = verdict.producers.load(std::memory_order_relaxed);
  }
  hand_back_generations(*connection_, stream_, generations);
  std::vector<int> fds{page_.fd().get(), stream->fd.get()};
  if (timeline) fds.push_back(timeline->get());
  connection_->claim(lease_, std::move(claim), fds);
}

void Consumer::on_claim_answered(Result<Message> answer) {
  std::lock_guard lock(mutex_);
  if (!taker_ || closed_) return;
  auto lost = [&](const std::string& why, std::shared_ptr<const proto::Conflict> conflict = nullptr) {
    evicted_ = Error{ErrorCode::kEvicted, fmt::format("the lease of stream '{}' has ended: the broker did not take it back: "
                                                      "{}", name_, why)};
    evicted_->conflict = std::move(conflict);
    events_.push(FERRY_EVENT_EVICTED, "the broker did not take the lease back: " + why);
    wake_application();
  };
  if (!answer) return lost(answer.error().message, answer.error().conflict);
  if (answer->envelope->body.type != wire::Body::LeaseRestored) return lost("it answered something else");
  auto verdict = platform::PeerPage<proto::VerdictPage>::map(answer->fds[0], proto::PageKind::kVerdict);
  if (!verdict) return lost(verdict.error().message);
  verdict_page_ = std::make_shared<const platform::PeerPage<proto::VerdictPage>>(std::move(*verdict));
  events_.push(FERRY_EVENT_BROKER_BACK, fmt::format("broker {} took the lease back", connection_->broker()->broker_pid));
  change_state(answer->envelope->body.AsLeaseRestored()->state, "the stream has no producer any more");
  wake_application();
}

void Consumer::leave_page() {
  std::lock_guard lock(mutex_);
  for (Held& held : held_)
    if (held.sequence != 0) page_writer_.let_go(held.generation, held.slot, 0);
  page_writer_.set_cursor(FrameTaker::kNotReading);
  page_.page().writer.left.store(1, std::memory_order_seq_cst);
  if (stream_page_ && channel_) ring_waiting_producer();
}

/// Ends a sleep in acquire() and makes the descriptor of get_fd() readable.
void Consumer::wake_application() {
  wake_word_.fetch_add(1, std::memory_order_seq_cst);
  platform::futex_wake_all(wake_word_);
  ring_fd();
}

void Consumer::drain_fd() {
  // A channel whose other end is closed stays readable for ever; the broker says what became of the producer.
  if (channel_ && !platform::drain_channel(channel_)) {
    wait_set_.remove(channel_);
    channel_.reset();
  }
  // Events that nobody has asked for keep it readable.
  if (!fd_rung_ || !events_.empty()) return;
  fd_rung_ = false;
  (void)platform::drain_channel(wake_.consumer_end);
}

/// The descriptor is readable if there is something already, and from the next frame on.
void Consumer::arm_fd() {
  page_writer_.arm(++arm_ticket_);
  // PAIR frame-publish: armed before this look. What is there already rings no more.
  if (proto::StreamPageReader(stream_page_->page()).published() > taker_->cursor() || !events_.empty()) ring_fd();
}

void Consumer::ring_fd() {
  if (!fd_wanted_ || fd_rung_) return;
  fd_rung_ = true;
  platform::ring_channel(wake_.producer_end);
}

// ---- the rest ------------------------------------------------------------------------------------------------------------

int Consumer::get_fd() {
  std::lock_guard lock(mutex_);
  if (!fd_wanted_) {
    fd_wanted_ = true;
    arm_fd();
  }
  return wait_set_.fd().get();
}

bool Consumer::next_event(ferry_event& out) {
  std::lock_guard lock(mutex_);
  if (!events_.pop(out)) return false;
  // The last one that made the descriptor readable; a frame that it stands for, too, is not to be missed.
  if (fd_rung_ && events_.empty()) {
    drain_fd();
    arm_fd();
  }
  return true;
}

void Consumer::get_state(ferry_stream_state& out) {
  std::lock_guard lock(mutex_);
  const Generation& generation = *generations_.back().generation;
  out.sync_mode = static_cast<std::uint32_t>(generation.sync());
  out.generation = raw(generation.id());
  out.frames = proto::StreamPageReader(stream_page_->page()).published();
  out.slot_count = generation.slot_count();
  out.width_px = generation.desc().width_px;
  out.height_px = generation.desc().height_px;
  out.format = static_cast<std::uint32_t>(generation.desc().format);
  fill_colour(generation.desc().colour, out);
  out.connected = connection_->connected() ? 1 : 0;
  out.starved = skipped_;
  fmt::format_to_n(out.transport, sizeof out.transport - 1, "{}",
                   platform::transport_name(generation.transport()));
  fmt::format_to_n(out.sync_reason, sizeof out.sync_reason - 1, "{}", generation.sync_reason());
  fmt::format_to_n(out.transport_reason, sizeof out.transport_reason - 1, "{}", generation.transport_reason());
}

Result<void> Consumer::close() {
  bool attached = false;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return {};
    closed_ = true;
    attached = raw(lease_) != 0 && (!evicted_ || evicted_->code == ErrorCode::kDeviceLost);
  }
  Result<void> result;
  if (release_timeline_ && last_promised_ != 0) result = release_timeline_->wait(last_promised_, kCloseTimeoutNs);
  completions_.reset();
  unfinished_.stop();
  // First: a claim to another broker that is under way is then over, and the Detach comes after it.
  connection_->forget_consumer(lease_);
  if (attached && connection_->connected()) {
    wire::DetachT request;
    request.lease = raw(lease_);
    (void)connection_->ask(std::move(request), {}, wire::Body::Done);
  }
  leave_page();
  keep_what_is_read();
  if (!result && result.error().code == ErrorCode::kTimeout)
    return Error{ErrorCode::kTimeout, fmt::format("work that reads stream '{}' did not end within {} ms: its images stay until "
                                                  "it does, or until the device is destroyed", name_, kCloseTimeoutNs / 1'000'000)};
  return result;
}

/// Frames that are held still may be read by work that was submitted; only the application knows.
void Consumer::keep_what_is_read() {
  std::lock_guard lock(mutex_);
  for (const Imported& imported : generations_) {
    std::uint64_t last = imported.last_signal;
    for (const Held& held : held_)
      if (held.sequence != 0 && held.generation == imported.generation->id()) last = std::max(last, held.signal_value);
    const auto reached = last == 0 ? proto::Result<std::uint64_t>(0) : release_timeline_->value();
    if (!reached || *reached < last) device_->keep_until(release_timeline_, last, imported.generation);
  }
}

}  // namespace ferry::client
