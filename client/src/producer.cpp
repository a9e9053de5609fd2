#include "client/src/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "client/src/own_slots.h"
#include "client/src/wire_convert.h"
#include "platform/clock.h"
#include "platform/dma_buf_fences.h"
#include "platform/message_socket.h"
#include "platform/sync_file.h"
#include "proto/generation_sync.h"
#include "proto/names.h"
#include "proto/test_point.h"

namespace ferry::client {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

// How long begin() finds no slot before the broker is asked to look at who is in the way, and between two askings.
constexpr std::int64_t kStarvedPatienceNs = 1'000'000'000;
// How long it sleeps while the GPU of a consumer stands still.
constexpr std::int64_t kStuckLookNs = 20'000'000;
// How long close() waits for the GPU to finish what was submitted.
constexpr std::int64_t kCloseTimeoutNs = 2'000'000'000;
constexpr std::uint64_t kWakeKey = 0;  // lease ids are never 0

void bump(proto::AtomicU64& word) {  // this process is the page's only writer
  word.store(word.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

Error invalid(std::string text) { return {ErrorCode::kInvalidArgument, std::move(text)}; }

/// The same error, with the object it is about.
Error for_stream(Error error, const std::string& name) {
  error.message += fmt::format(" for stream '{}'", name);
  return error;
}

}  // namespace

bool Producer::Imported::is_done(std::uint64_t before) const {
  const std::uint64_t needed = std::min(last_published, before - 1);
  if (needed == 0) return true;
  auto value = generation->timeline()->value();
  return value && *value >= needed;
}

Producer::Producer(std::shared_ptr<Connection> connection, DevicePtr device, std::string name,
                   platform::OwnedPage<proto::StreamPage> page, platform::WaitSet wait_set, platform::ChannelPair wake,
                   const wire::CreateStreamT& asked)
    : connection_(std::move(connection)),
      device_(std::move(device)),
      name_(std::move(name)),
      transport_(asked.transport),
      sync_mode_(asked.sync_mode),
      policy_(asked.queue_policy),
      frames_in_flight_(asked.frames_in_flight),
      min_slots_(asked.min_slots),
      own_slots_(asked.own != nullptr),
      page_(std::move(page)),
      page_writer_(page_.page()),
      chooser_(page_writer_, static_cast<proto::QueuePolicy>(asked.queue_policy)),
      leases_(page_.page().doorbell),
      wait_set_(std::move(wait_set)),
      wake_(std::move(wake)) {
  for (Target& target : targets_) target.waits.reserve(proto::kMaxLeases);
  connection_->sign(page_.page().writer);
}

Producer::~Producer() { (void)close(); }

Result<std::shared_ptr<Producer>> Producer::create(std::shared_ptr<Connection> connection, DevicePtr device,
                                                   const ferry_stream_info& info, const ferry_own_slots* own) {
  wire::DeviceT described = device->describe();
  for (;;) {
    // The first import is the test whether a way works here; one that does not is not offered again.
    std::optional<FailedWay> failed;
    auto created = try_create(connection, device, info, own, described, failed);
    if (created || !failed || own != nullptr || !give_up(described, *failed, created.error().message)) return created;
  }
}

Result<std::shared_ptr<Producer>> Producer::try_create(const std::shared_ptr<Connection>& connection, DevicePtr device,
                                                       const ferry_stream_info& info, const ferry_own_slots* asked_own,
                                                       const wire::DeviceT& described,
                                                       std::optional<FailedWay>& failed) {
  if (info.name == nullptr) return invalid("ferry_stream_info.name is NULL");
  if (auto ok = proto::check_stream_name(info.name); !ok) return std::move(ok).error();
  auto image = to_wire(info.image);
  if (!image) return for_stream(std::move(image).error(), info.name);
  if (info.transport > FERRY_TRANSPORT_HOST_MEMORY)
    return invalid(fmt::format("transport {} is none of ferry_transport's (0 to {}) for stream '{}'", info.transport,
                               FERRY_TRANSPORT_HOST_MEMORY + 0, info.name));
  if (info.sync_mode > FERRY_SYNC_FD)
    return invalid(fmt::format("sync_mode {} is none of ferry_sync_mode's (0 to {}) for stream '{}'", info.sync_mode,
                               FERRY_SYNC_FD + 0, info.name));
  if (info.queue_policy > FERRY_QUEUE_BLOCK)
    return invalid(fmt::format("queue_policy {} is none of ferry_queue_policy's (0 to {}) for stream '{}'", info.queue_policy,
                               FERRY_QUEUE_BLOCK + 0, info.name));
  if (info.frames_in_flight > proto::kMaxFramesInFlight)
    return invalid(fmt::format("frames_in_flight {} exceeds the limit {} for stream '{}'", info.frames_in_flight,
                               proto::kMaxFramesInFlight, info.name));
  if (info.min_slots != 0 && (info.min_slots < proto::kMinSlots || info.min_slots > proto::kMaxSlots))
    return invalid(fmt::format("min_slots {} is outside {} to {} for stream '{}'", info.min_slots, proto::kMinSlots,
                               proto::kMaxSlots, info.name));
  std::optional<OwnSlots> own;
  if (asked_own != nullptr) {
    if (info.transport != FERRY_TRANSPORT_AUTOMATIC && info.transport != FERRY_TRANSPORT_DMA_BUF)
      return invalid(fmt::format("transport {}: slots of its own cross as dma-bufs only, for stream '{}'", info.transport, info.name));
    auto taken = take_own_slots(asked_own, *image, *device, *connection);
    if (!taken) return for_stream(std::move(taken).error(), info.name);
    own = std::move(*taken);
    if (info.min_slots > own->fds.size())
      return invalid(fmt::format("min_slots {} exceeds the {} slots that are brought for stream '{}'", info.min_slots,
                                 own->fds.size(), info.name));
  }

  auto page = platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kStream, "ferry-stream");
  if (!page) return std::move(page).error();
  auto wait_set = platform::WaitSet::create();
  if (!wait_set) return std::move(wait_set).error();
  auto wake = platform::create_channel();
  if (!wake) return std::move(wake).error();
  if (auto added = wait_set->add(wake->consumer_end, kWakeKey); !added) return std::move(added).error();

  wire::CreateStreamT request;
  request.name = info.name;
  request.image = std::make_unique<wire::ImageT>(*image);
  request.device = std::make_unique<wire::DeviceT>(described);
  request.transport = static_cast<wire::Transport>(info.transport);
  request.sync_mode = static_cast<wire::SyncMode>(info.sync_mode);
  const auto policy = info.queue_policy == 0 ? proto::QueuePolicy::kDrop : static_cast<proto::QueuePolicy>(info.queue_policy);
  request.queue_policy = static_cast<wire::QueuePolicy>(policy);
  request.frames_in_flight = info.frames_in_flight == 0 ? 2 : info.frames_in_flight;
  request.min_slots = info.min_slots;

  std::vector<int> fds{page->fd().get()};
  if (own) {
    request.own = std::make_unique<wire::OwnSlotsT>(own->described);
    for (const UniqueFd& fd : own->fds) fds.push_back(fd.get());
  }
  std::shared_ptr<Producer> producer(new Producer(connection, std::move(device), info.name, std::move(*page),
                                                  std::move(*wait_set), std::move(*wake), request));
  // Held until start() is through: what the broker says right after its answer waits for it (on_message).
  std::unique_lock lock(producer->mutex_);
  auto created = connection->ask(std::move(request), fds, wire::Body::StreamCreated, producer);
  if (!created) {
    producer->closed_ = true;
    return std::move(created).error();
  }
  auto started = producer->start(std::move(*created), failed);
  if (started && own) producer->current_->implicit_fences = own->implicit_fences;
  lock.unlock();
  if (!started) {
    (void)producer->close();
    return std::move(started).error();
  }
  return producer;
}

Result<void> Producer::start(Message message, std::optional<FailedWay>& failed) {
  const wire::StreamCreatedT& created = *message.envelope->body.AsStreamCreated();
  stream_ = proto::StreamId{created.stream};
  if (!created.generation)
    return Error{ErrorCode::kProtocolViolation, "the broker's StreamCreated describes no generation"};
  auto verdict = platform::PeerPage<proto::VerdictPage>::map(message.fds[0], proto::PageKind::kVerdict);
  if (!verdict) return std::move(verdict).error();
  verdict_page_ = std::move(*verdict);
  next_sequence_ = std::max<std::uint64_t>(1, created.first_sequence);

  auto generation = Generation::import(device_, *created.generation, message.fds, 1);
  if (!generation) {
    failed = way_of(*created.generation);
    return std::move(generation).error();
  }
  current_ = std::make_shared<Imported>();
  current_->generation = std::move(*generation);
  announced_generation_ = raw(current_->generation->id());
  kept_.push_back(current_->generation->kept());
  chooser_.start_generation(current_->generation->id(), current_->generation->slot_count());
  adopt_sync(*current_->generation);
  return {};
}

/// Sync mode host needs a thread, from the first generation on that has it. There is no way back while this producer
/// lives: frames of a later generation would overtake those that the thread still waits for.
void Producer::adopt_sync(const Generation& generation) {
  if (generation.sync() == wire::SyncMode::SyncFd) {
    fenced_ = true;
    start_finishing();
  }
  if (generation.sync() != wire::SyncMode::Host || completions_) return;
  completions_ = std::make_unique<CompletionQueue<HostFrame>>(
      [this](HostFrame& frame, const Result<void>& reached) { frame_completed(frame, reached); });
}

void Producer::start_finishing() {
  if (finishing_ || closed_) return;
  finishing_ = std::make_shared<FinishingQueue>(
      [this](UnfinishedFrame& frame, const Result<void>& reached) { frame_finished(frame, reached); });
}

// ---- the hot path ------------------------------------------------------------------------------------------------

Result<Wait> Producer::begin(std::int64_t timeout_ns, ferry_target& out) {
  const std::int64_t deadline_ns = platform::deadline_after(timeout_ns);
  std::unique_lock lock(mutex_);
  if (fd_) quiet_fd();
  if (failed_) return *failed_;
  if (begun_ >= frames_in_flight_)
    return Error{ErrorCode::kInvalidState, fmt::format("{} targets of stream '{}' are begun already, as many as "
                                                       "frames_in_flight allows: publish or cancel one", begun_, name_)};
  if (!retired_.empty()) bury_retired();
  for (;;) {
    adopt_incoming();
    auto choice = choose();
    if (!choice && (timeout_ns != 0 || fd_)) {
      // PAIR producer-waiting: announce the sleep, here or in a loop that waits for get_fd(), then look once more. Who frees
      // a slot does it the other way round.
      page_.page().producer_waiting.store(1, std::memory_order_seq_cst);
      choice = choose();
      if (choice) page_.page().producer_waiting.store(0, std::memory_order_seq_cst);
    }
    if (choice) {
      fill_target(*choice, out);
      return Wait::kDone;
    }
    if (failed_) return *failed_;
    const std::int64_t now_ns = platform::now_ns();
    report_starved(now_ns);
    const bool timed_out = deadline_ns >= 0 && now_ns >= deadline_ns;
    if (timeout_ns == 0 || timed_out) {
      if (fd_)
        fd_->arm(is_blocked() ? look_again_ns(now_ns) : 0);  // as long as a sleep below lasts at most
      else
        page_.page().producer_waiting.store(0, std::memory_order_seq_cst);
      bump(page_.page().starved);
      return timed_out && timeout_ns != 0 ? Wait::kTimedOut : Wait::kWouldBlock;
    }
    // Not longer than the patience, so that a starved begin() reports who starves it.
    const std::int64_t patience_end_ns = look_again_ns(now_ns);
    lock.unlock();
    const auto ready = wait_set_.wait(deadline_ns < 0 ? patience_end_ns : std::min(deadline_ns, patience_end_ns));
    lock.lock();
    drain(ready);
    page_.page().producer_waiting.store(0, std::memory_order_seq_cst);
  }
}

std::optional<proto::SlotChooser::Choice> Producer::choose() {
  found_stuck_ = false;
  return chooser_.choose(proto::VerdictPageReader(verdict_page_.page()), leases_.views(), blockers_, *this);
}

proto::Reads Producer::reads_of(std::uint32_t slot, proto::VerdictPageReader verdict,
                                std::span<std::uint64_t, proto::kMaxLeases / 64> blockers) {
  const DrawnAt drawn{*current_->generation->timeline(), current_->drawn_at[slot]};
  const proto::Reads reads = leases_.reads_of(slot, drawn, verdict, blockers);
  found_stuck_ |= reads == proto::Reads::kStuck;
  return reads;
}

/// When a begin() that found no slot looks again, should nobody wake it until then.
std::int64_t Producer::look_again_ns(std::int64_t now_ns) const {
  // Nobody is woken when a GPU goes on that had stood still.
  return now_ns + (found_stuck_ ? kStuckLookNs : kStarvedPatienceNs);
}

void Producer::adopt_incoming() {
  if (!incoming_) return;
  retire(current_, current_);
  current_ = std::move(incoming_);
  FERRY_TEST_POINT("begin.new_generation");
  chooser_.start_generation(current_->generation->id(), current_->generation->slot_count());
}

void Producer::fill_target(const proto::SlotChooser::Choice& choice, ferry_target& out) {
  starved_since_ns_ = 0;
  Target& target = *std::find_if(targets_.begin(), targets_.end(), [](const Target& t) { return !t.in_use; });
  target.in_use = true;
  target.id = ++last_target_;
  target.choice = choice;
  target.imported = current_;
  target.signal_value = current_->next_value++;
  ++begun_;
  FERRY_TEST_POINT("begin.chosen");
  target.waits.clear();
  if (choice.is_read) leases_.collect_waits(choice.slot, proto::VerdictPageReader(verdict_page_.page()), target.waits);

  const Generation& generation = *current_->generation;
  const platform::ImportedTexture& slot = generation.slot(choice.slot);
  out.slot = choice.slot;
  out.generation = raw(generation.id());
  out.id = target.id;
  out.image = slot.image();
  out.view = slot.view();
  out.vk_format = slot.vk_format();
  out.format = static_cast<std::uint32_t>(generation.desc().format);
  out.width_px = generation.desc().width_px;
  out.height_px = generation.desc().height_px;
  out.wait_count = static_cast<std::uint32_t>(target.waits.semaphores.size());
  out.wait_semaphores = target.waits.semaphores.data();
  out.wait_values = target.waits.values.data();
  out.signal_semaphore = generation.timeline()->semaphore();
  out.signal_value = target.signal_value;
  out.peer_queue_family = generation.peer_queue_family();
}

Producer::Target* Producer::find_begun(std::uint64_t id) {
  for (Target& target : targets_)
    if (target.in_use && target.id == id) return &target;
  return nullptr;
}

Producer::Target* Producer::oldest_begun() {
  Target* oldest = nullptr;
  for (Target& target : targets_)
    if (target.in_use && (oldest == nullptr || target.id < oldest->id)) oldest = &target;
  return oldest;
}

Result<void> Producer::publish(std::uint64_t target_id, const ferry_frame_metadata* metadata) {
  std::unique_lock lock(mutex_);
  FERRY_TEST_POINT("publish.before");
  Target* target = find_begun(target_id);
  if (target == nullptr)
    return Error{ErrorCode::kInvalidState, fmt::format("target {} of stream '{}' is not begun: published or cancelled "
                                                       "already, or never begun", target_id, name_)};
  if (Target* oldest = oldest_begun(); oldest != target)
    return Error{ErrorCode::kInvalidState, fmt::format("target {} of stream '{}' comes before target {}: publish in the order "
                                                       "of begin()", oldest->id, name_, target_id)};
  const Generation& generation = *target->imported->generation;
  proto::FrameRecord record{};
  record.orientation = proto::Orientation::kNormal;
  record.sequence = next_sequence_;
  record.generation = raw(generation.id());
  record.slot = target->choice.slot;
  const proto::Colour& colour = generation.desc().colour;  // of every frame that does not say its own
  record.primaries = colour.primaries;
  record.transfer = colour.transfer;
  record.range = colour.range;
  record.alpha = colour.alpha;
  if (metadata != nullptr) {
    auto applied = apply_metadata(*metadata, generation.desc().width_px, generation.desc().height_px, record);
    if (!applied) return applied;
  }
  if (target->imported->implicit_fences) {
    // Without the lock, as for the fence below; what is begun is this thread's alone. On an error it stays begun.
    lock.unlock();
    auto followed = follow_implicit_fence(*target);
    lock.lock();
    if (!followed) return followed.error().code == ErrorCode::kDeviceLost ? lose_device(followed.error()) : followed;
  }
  const wire::SyncMode sync = generation.sync();
  const bool host_sync = sync == wire::SyncMode::Host;
  record.acquire_point = host_sync ? 0 : target->signal_value;
  record.produced_ns = static_cast<std::uint64_t>(platform::now_ns());
  ++next_sequence_;
  target->imported->last_published = target->signal_value;
  target->imported->drawn_at[record.slot] = target->signal_value;
  target->in_use = false;
  --begun_;
  const std::uint64_t signal_value = target->signal_value;
  const std::shared_ptr<Imported> imported = std::move(target->imported);
  if (sync == wire::SyncMode::SyncFd) {
    // Without the lock: a driver may take its time, and the application's own lock is held around it.
    lock.unlock();
    auto fence = device_->fences()->export_point(imported->generation->timeline(), signal_value);
    lock.lock();
    // For want of anything but the device the frame goes on: it is seen when it is complete.
    if (fence)
      send_fence(record, std::move(*fence));
    else if (fence.error().code == ErrorCode::kDeviceLost)
      return lose_device(fence.error());
    else
      leases_.withhold_fence();
  }
  if (!host_sync) {
    make_newest(record);
    newest_timeline_ = imported->generation->timeline();
    newest_value_ = signal_value;
    newest_sequence_ = record.sequence;
    ring_if_waiting();
    Unfinished unfinished = take_unfinished();
    lock.unlock();
    unfinished.push();
    return {};
  }
  // The others learn of it when it is complete. Without the lock, which the thread that is woken here wants next.
  lock.unlock();
  completions_->push({imported->generation->timeline(), signal_value, {record, imported}});
  return {};
}

/// The point that a target is to reach is reached when what is drawing into the dma-buf now has ended.
Result<void> Producer::follow_implicit_fence(const Target& target) {
  const Generation& generation = *target.imported->generation;
  auto fence = platform::export_dma_buf_fence(generation.kept()->fds[target.choice.slot], platform::Access::kRead);
  if (!fence) return for_stream(std::move(fence).error(), name_);
  return device_->fences()->import_point(std::move(*fence), generation.timeline(), target.signal_value);
}

void Producer::send_fence(const proto::FrameRecord& record, UniqueFd fence) {
  // It stands for the frames of generations before it, too, and their timelines know nothing of each other.
  if (newest_fence_.fd && newest_fence_.message.generation != record.generation) {
    auto both = fence ? platform::merge_fences(newest_fence_.fd, fence) : Result<UniqueFd>(std::move(newest_fence_.fd));
    if (!both) return leases_.withhold_fence();
    fence = std::move(*both);
  }
  newest_fence_.message = {record.sequence, record.generation, 0};
  newest_fence_.fd = std::move(fence);
  leases_.send_fence(newest_fence_.message, newest_fence_.fd);
}

void Producer::make_newest(const proto::FrameRecord& record) {
  FERRY_TEST_POINT("publish.complete");
  chooser_.publish(record);
  FERRY_TEST_POINT("publish.on_page");
  // In sync mode host it is complete; who looks at complete frames alone has joined before the stream was in that mode.
  if (record.acquire_point == 0 && tells_completion()) mark_complete(record.sequence);
  if (page_.page().first_published_ns.load(std::memory_order_relaxed) == 0)
    page_.page().first_published_ns.store(record.produced_ns, std::memory_order_relaxed);
  leases_.wake(proto::VerdictPageReader(verdict_page_.page()));
  if (record.generation > announced_generation_) {
    announced_generation_ = record.generation;
    while (!kept_.empty() && kept_.front()->info.id < record.generation) kept_.pop_front();
    wire::GenerationsRetiredT retired;
    retired.stream = raw(stream_);
    retired.newest = record.generation;
    connection_->tell_newest(stream_, std::move(retired));
  }
}

/// Frames of two generations may be found complete by two threads: never back.
void Producer::mark_complete(std::uint64_t sequence) {
  if (sequence <= completed_sequence_) return;
  completed_sequence_ = sequence;
  chooser_.keep_on_show(tells_completion() ? sequence : 0);
  page_writer_.complete(sequence);
}

Producer::Unfinished Producer::take_unfinished() {
  if (!finishing_ || !tells_completion() || newest_sequence_ == announced_sequence_) return {};
  announced_sequence_ = newest_sequence_;
  return {finishing_, {newest_timeline_, newest_value_, {newest_sequence_}}};
}

void Producer::frame_finished(const UnfinishedFrame& frame, const Result<void>& reached) {
  if (!reached) return;  // begin() and publish() say what is wrong with the device
  std::lock_guard lock(mutex_);
  mark_complete(frame.sequence);
  if (leases_.any_unfenced()) leases_.wake(proto::VerdictPageReader(verdict_page_.page()));
  // The one that was on show for them before may be overwritten now.
  ring_if_waiting();
}

void Producer::frame_completed(HostFrame& frame, Result<void> reached) {
  // Without the lock: begin() and publish() go on while the GPU copies.
  const platform::ImportedTexture& slot = frame.imported->generation->slot(frame.record.slot);
  if (reached && slot.copy() != nullptr) reached = slot.copy()->to_shared();
  std::lock_guard lock(mutex_);
  if (!reached) {
    if (reached.error().code != ErrorCode::kTimeout) (void)lose_device(reached.error());
    return;
  }
  make_newest(frame.record);
  // The frame before it may be overwritten now.
  ring_if_waiting();
}

Error Producer::lose_device(const Error& why) {
  if (!failed_) {
    failed_ = Error{why.code, fmt::format("stream '{}' cannot go on ({}): destroy producer and device, and create it with another "
                                          "device", name_, why.message)};
    platform::ring_channel(wake_.producer_end);
  }
  return *failed_;
}

Result<void> Producer::cancel(std::uint64_t target_id) {
  std::lock_guard lock(mutex_);
  Target* target = find_begun(target_id);
  if (target == nullptr)
    return Error{ErrorCode::kInvalidState,
                 fmt::format("target {} of stream '{}' is not begun", target_id, name_)};
  // What was drawn before the change of mind cannot be known, so what the slot held is gone.
  chooser_.cancel(target->imported->generation->id(), target->choice, true);
  bump(page_.page().cancelled);
  target->in_use = false;
  target->imported = nullptr;
  --begun_;
  ring_if_waiting();
  return {};
}

// ---- what the GPU may still use -------------------------------------------------------------------------------------

void Producer::retire(std::shared_ptr<void> object, const std::shared_ptr<Imported>& last_used_with) {
  retired_.push_back({std::move(object), last_target_, last_used_with, last_used_with->next_value, nullptr});
}

void Producer::retire(Removed lease) {
  if (!lease.release_timeline) return;
  retire(lease.release_timeline, current_);
  retired_.back().timeline = std::move(lease.release_timeline);
  retired_.back().promised = lease.promised;
}

/// The release timeline of a consumer that died with work on the GPU stays until the broker has signalled what it promised, which is
/// when the kernel has buried it. Until then NVIDIA's driver lets nobody free anything, of any process, and whoever tries
/// holds a lock that the application's own submissions need: five seconds were seen (docs/gpu-runs.md).
void Producer::bury_retired() {
  const Target* oldest = oldest_begun();
  // In order: work on an older generation may wait for what was retired later.
  for (auto it = retired_.begin(); it != retired_.end();) {
    if (oldest != nullptr && oldest->id <= it->last_target) return;
    if (!it->last_used_with->is_done(it->before)) return;
    if (it->timeline) {
      const auto reached = it->timeline->value();
      if (reached && *reached < it->promised) {
        ++it;
        continue;
      }
      it->timeline = nullptr;
    }
    disposer_.dispose(std::move(it->object));
    disposer_.dispose(std::move(it->last_used_with));
    it = retired_.erase(it);
  }
}

// ---- starvation ----------------------------------------------------------------------------------------------------

void Producer::report_starved(std::int64_t now_ns) {
  if (starved_since_ns_ == 0) starved_since_ns_ = now_ns;
  if (now_ns - starved_since_ns_ < kStarvedPatienceNs || now_ns - reported_ns_ < kStarvedPatienceNs) return;
  reported_ns_ = now_ns;
  wire::ReportStarvedT report;
  report.stream = raw(stream_);
  report.starved_ms = static_cast<std::uint32_t>((now_ns - starved_since_ns_) / 1'000'000);
  for (const proto::LeaseView& lease : leases_.views())
    if ((blockers_[lease.index / 64] >> (lease.index % 64) & 1) != 0) report.leases.push_back(raw(lease.id));
  if (!report.leases.empty()) connection_->tell_newest(stream_, std::move(report));
}

/// Whether choose() found slots in the hands of consumers.
bool Producer::is_blocked() const {
  return std::any_of(blockers_.begin(), blockers_.end(), [](std::uint64_t bits) { return bits != 0; });
}

// ---- who waits for a slot, and who frees one ----------------------------------------------------------------------------

/// Empties what woke begin(), or the descriptor.
void Producer::drain(const platform::WaitSet::Ready& ready) {
  for (std::uint64_t key : ready.view()) {
    if (key == kWakeKey)
      (void)platform::drain_channel(wake_.consumer_end);
    else
      leases_.drain(key, wait_set_);
  }
}

/// What was rung for is looked at now. One system call, and one for each ring: those who saw the announcement before it was
/// taken back may ring at any time later.
void Producer::quiet_fd() {
  page_.page().producer_waiting.store(0, std::memory_order_seq_cst);
  fd_->disarm();
  drain(wait_set_.wait(0));
}

/// Wakes begin() in its sleep, or the loop that begin() sent away without a slot.
void Producer::ring_if_waiting() {
  if (page_.page().producer_waiting.load(std::memory_order_seq_cst) != 0) platform::ring_channel(wake_.producer_end);
}

Result<int> Producer::get_fd() {
  std::lock_guard lock(mutex_);
  if (!fd_) {
    auto made = ProducerFd::create(wait_set_);
    if (!made) return std::move(made).error();
    fd_ = std::move(*made);
    fd_->show_event(!events_.empty());
  }
  return fd_->number();
}

bool Producer::next_event(ferry_event& out) {
  std::lock_guard lock(mutex_);
  const bool has_event = events_.pop(out);
  if (fd_) {
    fd_->show_event(!events_.empty());
    if (!fd_->is_armed()) drain(wait_set_.wait(0));  // rings that came too late: nobody waits for a slot
  }
  return has_event;
}

void Producer::push_event(ferry_event_type type, const std::string& reason) {
  events_.push(type, reason);
  if (fd_) fd_->show_event(true);
}

// ---- what the broker says --------------------------------------------------------------------------------------------

void Producer::on_message(Message message) {
  auto& body = message.envelope->body;
  switch (body.type) {
    case wire::Body::GenerationStarted:
      if (body.AsGenerationStarted()->generation) on_generation(*body.AsGenerationStarted()->generation, message.fds, 0);
      break;
    case wire::Body::LeaseAdded: on_lease_added(*body.AsLeaseAdded(), message.fds); break;
    case wire::Body::LeaseEnded: on_lease_ended(*body.AsLeaseEnded()); break;
    default: break;  // a newer broker may say more
  }
}

void Producer::on_generation(wire::GenerationT info, std::vector<UniqueFd>& fds, std::size_t first_fd) {
  if (proto::sync_of(info) == wire::SyncMode::SyncFd) {
    // Even if it cannot be used here: consumers may have been told of it, and look for complete frames from now on.
    std::unique_lock lock(mutex_);
    fenced_ = true;
    start_finishing();
    Unfinished unfinished = take_unfinished();
    lock.unlock();
    unfinished.push();
  }
  // Imported before the lock is taken: begin() and publish() go on meanwhile.
  auto generation = Generation::import(device_, info, fds, first_fd);
  if (!generation) {
    // The old generation stays in use until the broker has found a way that works here.
    wire::ImportFailedT failed;
    failed.stream = raw(stream_);
    failed.generation = info.id;
    failed.reason = generation.error().message;
    connection_->tell(std::move(failed));
    return;
  }
  std::unique_lock lock(mutex_);
  if (!current_) return;
  Unfinished unfinished = take_incoming(std::move(*generation));
  ring_if_waiting();
  lock.unlock();
  unfinished.push();
}

Producer::Unfinished Producer::take_incoming(std::unique_ptr<Generation> generation, bool implicit_fences) {
  const auto newest = raw(incoming_ ? incoming_->generation->id() : current_->generation->id());
  if (raw(generation->id()) <= newest) return {};
  if (incoming_) std::erase(kept_, incoming_->generation->kept());  // never drawn into
  kept_.push_back(generation->kept());
  incoming_ = std::make_shared<Imported>();
  incoming_->generation = std::move(generation);
  incoming_->implicit_fences = implicit_fences;
  adopt_sync(*incoming_->generation);
  return take_unfinished();
}

void Producer::on_lease_added(const wire::LeaseAddedT& info, std::vector<UniqueFd>& fds) {
  auto lease = LeaseSet::import(*device_, info, fds);
  // A consumer whose lease cannot be watched is never admitted: it sees nothing, and nobody else notices.
  if (!lease) return;
  std::unique_lock lock(mutex_);
  if (lease->completed_only && current_->generation->sync() != wire::SyncMode::Host) start_finishing();
  if (lease->fence_channel && newest_fence_.message.sequence != 0 && newest_fence_.message.sequence == newest_sequence_)
    lease->unfenced = !platform::send_fence(lease->fence_channel, newest_fence_.message, newest_fence_.fd);
  const std::uint32_t index = lease->index;
  const proto::LeaseId id = lease->id;
  retire(leases_.remove(id, wait_set_));
  leases_.add(std::move(*lease), wait_set_);
  FERRY_TEST_POINT("lease.before_admission");
  page_writer_.admit(index, id);
  page_writer_.ring();
  leases_.wake(proto::VerdictPageReader(verdict_page_.page()));
  Unfinished unfinished = take_unfinished();  // the frame that is on show now may be the last for long
  lock.unlock();
  unfinished.push();
}

void Producer::on_lease_ended(const wire::LeaseEndedT& info) {
  std::lock_guard lock(mutex_);
  if (info.lease_index < proto::kMaxLeases) page_writer_.admit(info.lease_index, proto::LeaseId{0});
  retire(leases_.remove(proto::LeaseId{info.lease}, wait_set_));
  if (!tells_completion()) chooser_.keep_on_show(0);
  ring_if_waiting();
}

void Producer::on_disconnected() {
  std::lock_guard lock(mutex_);
  push_event(FERRY_EVENT_BROKER_LOST, "the broker is gone; frames go on");
}

// ---- the next broker -------------------------------------------------------------------------------------------------

void Producer::on_reconnected() {
  if (!connection_->broker()->takes_back)
    return on_claim_answered(Error{ErrorCode::kVersionMismatch, "this broker takes nothing back"});
  if (own_slots_ && !connection_->broker()->takes_own_slots)
    return on_claim_answered(Error{ErrorCode::kVersionMismatch, "this broker takes no slots of a producer's own"});
  wire::ReclaimStreamT claim;
  std::vector<std::shared_ptr<const KeptGeneration>> generations;
  std::vector<std::shared_ptr<const KeptLease>> leases;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || failed_ || !current_) return;
    const proto::VerdictPageReader verdict(verdict_page_.page());
    generations.assign(kept_.begin(), kept_.end());
    leases = leases_.kept(verdict);
    claim.stream = raw(stream_);
    claim.name = name_;
    claim.device = std::make_unique<wire::DeviceT>(device_->describe());
    claim.transport = transport_;
    claim.sync_mode = sync_mode_;
    claim.queue_policy = policy_;
    claim.frames_in_flight = frames_in_flight_;
    claim.min_slots = min_slots_;
    claim.next_sequence = next_sequence_;
    claim.newest_generation = raw(verdict.generation());
    claim.producers = verdict.page().producers.load(std::memory_order_relaxed);
  }
  hand_back_generations(*connection_, stream_, generations);
  for (const auto& lease : leases) connection_->hand_back(lease->info, numbers_of(lease->fds));
  const int page_fd = page_.fd().get();
  connection_->claim(stream_, std::move(claim), {&page_fd, 1});
}

void Producer::on_claim_answered(Result<Message> answer) {
  std::lock_guard lock(mutex_);
  if (closed_ || failed_) return;
  auto lost = [&](const Error& why) {
    failed_ = Error{why.code, fmt::format("the broker did not take stream '{}' back: {}", name_, why.message)};
    push_event(FERRY_EVENT_CLOSED, failed_->message);
    platform::ring_channel(wake_.producer_end);
  };
  if (!answer) return lost(answer.error());
  if (answer->envelope->body.type != wire::Body::StreamRestored)
    return lost({ErrorCode::kProtocolViolation, "it answered something else"});
  auto verdict = platform::PeerPage<proto::VerdictPage>::map(answer->fds[0], proto::PageKind::kVerdict);
  if (!verdict) return lost(verdict.error());
  verdict_page_ = std::move(*verdict);
  push_event(FERRY_EVENT_BROKER_BACK, fmt::format("broker {} took the stream back", connection_->broker()->broker_pid));
}

// ---- the rest ------------------------------------------------------------------------------------------------------------

Result<void> Producer::reconfigure(const ferry_image_desc& image, const ferry_own_slots* asked_own) {
  if (own_slots_ != (asked_own != nullptr))
    return Error{ErrorCode::kInvalidState,
                 fmt::format("the slots of stream '{}' are {}", name_,
                             own_slots_ ? "its producer's own: replace them (ferry_producer_replace_slots)"
                                        : "the broker's: reconfigure it (ferry_producer_reconfigure)")};
  auto wanted = to_wire(image);
  if (!wanted) return for_stream(std::move(wanted).error(), name_);
  wire::ReconfigureT request;
  request.stream = raw(stream_);
  request.image = std::make_unique<wire::ImageT>(*wanted);
  OwnSlots own;
  if (asked_own != nullptr) {
    auto taken = take_own_slots(asked_own, *wanted, *device_, *connection_);
    if (!taken) return for_stream(std::move(taken).error(), name_);
    own = std::move(*taken);
    request.own = std::make_unique<wire::OwnSlotsT>(own.described);
  }
  auto answer = connection_->ask(std::move(request), numbers_of(own.fds), wire::Body::GenerationStarted);
  if (!answer) return std::move(answer).error();
  const wire::GenerationStartedT& started = *answer->envelope->body.AsGenerationStarted();
  if (!started.generation) return Error{ErrorCode::kProtocolViolation, "the broker's GenerationStarted describes no generation"};
  auto generation = Generation::import(device_, *started.generation, answer->fds, 0);
  if (!generation) return std::move(generation).error();
  std::unique_lock lock(mutex_);
  Unfinished unfinished = take_incoming(std::move(*generation), own.implicit_fences);
  ring_if_waiting();
  lock.unlock();
  unfinished.push();
  return {};
}

void Producer::get_state(ferry_stream_state& out) {
  std::lock_guard lock(mutex_);
  const Generation& generation = *current_->generation;
  out.sync_mode = static_cast<std::uint32_t>(generation.sync());
  out.generation = raw(generation.id());
  out.frames = next_sequence_ - 1;
  out.slot_count = generation.slot_count();
  out.consumer_count = static_cast<std::uint32_t>(leases_.views().size());
  out.width_px = generation.desc().width_px;
  out.height_px = generation.desc().height_px;
  out.format = static_cast<std::uint32_t>(generation.desc().format);
  fill_colour(generation.desc().colour, out);
  out.connected = connection_->connected() ? 1 : 0;
  out.starved = page_.page().starved.load(std::memory_order_relaxed);
  fmt::format_to_n(out.transport, sizeof out.transport - 1, "{}",
                   platform::transport_name(generation.transport()));
  fmt::format_to_n(out.sync_reason, sizeof out.sync_reason - 1, "{}", generation.sync_reason());
  fmt::format_to_n(out.transport_reason, sizeof out.transport_reason - 1, "{}", generation.transport_reason());
}

Result<void> Producer::close() {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return {};
    closed_ = true;
    page_.page().writer.left.store(1, std::memory_order_seq_cst);
  }
  Result<void> result = wait_for_gpu();
  std::shared_ptr<FinishingQueue> finishing;
  {
    std::lock_guard lock(mutex_);
    finishing.swap(finishing_);
  }
  finishing.reset();
  if (result) completions_.reset();  // publishes what is still on its way
  // First: a claim to another broker that is under way is then over, and the CloseStream comes after it.
  connection_->forget_producer(stream_);
  if (raw(stream_) != 0 && connection_->connected()) {
    wire::CloseStreamT request;
    request.stream = raw(stream_);
    (void)connection_->ask(std::move(request), {}, wire::Body::Done);
  }
  completions_.reset();
  keep_what_is_drawn();
  if (!result && result.error().code == ErrorCode::kTimeout)
    return Error{ErrorCode::kTimeout, fmt::format("work submitted for stream '{}' did not end within {} ms: its images stay "
                                                  "until it does, or until the device is destroyed", name_, kCloseTimeoutNs / 1'000'000)};
  return result;
}

/// Targets that were begun may be drawn into by work that was submitted; only the application knows. What was retired
/// before is waited for by work on what came later.
void Producer::keep_what_is_drawn() {
  std::lock_guard lock(mutex_);
  auto keep = [&](const Imported& drawn, std::shared_ptr<void> object) {
    std::uint64_t last = drawn.last_published;
    for (const Target& target : targets_)
      if (target.in_use && target.imported.get() == &drawn) last = std::max(last, target.signal_value);
    const auto& timeline = drawn.generation->timeline();
    const auto reached = last == 0 ? Result<std::uint64_t>(0) : timeline->value();
    if (!reached || *reached < last) device_->keep_until(timeline, last, std::move(object));
  };
  for (Retired& retired : retired_) keep(*retired.last_used_with, retired.object);
  if (current_) keep(*current_, current_);
}

Result<void> Producer::wait_for_gpu() {
  const std::int64_t deadline_ns = platform::deadline_after(kCloseTimeoutNs);
  auto wait = [&](const Imported& imported) -> Result<void> {
    if (imported.last_published == 0) return {};
    return imported.generation->timeline()->wait(imported.last_published,
                                                 std::max<std::int64_t>(0, deadline_ns - platform::now_ns()));
  };
  std::vector<std::shared_ptr<Imported>> used;
  {
    std::lock_guard lock(mutex_);
    if (failed_ || !current_) return {};
    for (const Retired& retired : retired_) used.push_back(retired.last_used_with);
    used.push_back(current_);
  }
  for (const auto& imported : used)
    if (auto done = wait(*imported); !done) return done;
  return {};
}

}  // namespace ferry::client
