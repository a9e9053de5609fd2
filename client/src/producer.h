#pragma once
// ferry_producer: begin, publish, and what goes on beside it.
//
// Threads: the application's (one at a time), the connection's control thread (leases and generations come and go),
// and in sync modes host and sync-fd the completion queue's. One mutex guards what they share; none holds it while it waits.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/src/completion_queue.h"
#include "client/src/connection.h"
#include "client/src/disposer.h"
#include "client/src/event_queue.h"
#include "client/src/generation.h"
#include "client/src/lease_set.h"
#include "client/src/producer_fd.h"
#include "client/src/wait.h"
#include "ferry/ferry.h"
#include "platform/shared_page.h"
#include "platform/wait_set.h"
#include "proto/slot_chooser.h"

namespace ferry::client {

class Producer final : public Recipient, public std::enable_shared_from_this<Producer>, private proto::PendingReads {
 public:
  static proto::Result<std::shared_ptr<Producer>> create(std::shared_ptr<Connection> connection, DevicePtr device,
                                                         const ferry_stream_info& info,
                                                         const ferry_own_slots* own = nullptr);
  ~Producer() override;

  proto::Result<Wait> begin(std::int64_t timeout_ns, ferry_target& out);
  proto::Result<void> publish(std::uint64_t target_id, const ferry_frame_metadata* metadata);
  proto::Result<void> cancel(std::uint64_t target_id);
  /// @p own: nullptr for slots of the broker's. kInvalidState when those of this stream are the other's.
  proto::Result<void> reconfigure(const ferry_image_desc& image, const ferry_own_slots* own = nullptr);
  proto::Result<int> get_fd();
  /// False: no event.
  bool next_event(ferry_event& out);
  void get_state(ferry_stream_state& out);
  /// Ends the stream. kTimeout when submitted work did not end in time: its images are then left to the driver.
  proto::Result<void> close();

  void on_message(Message message) override;
  void on_disconnected() override;
  void on_reconnected() override;
  void on_claim_answered(proto::Result<Message> answer) override;

 private:
  /// A generation and how far its acquire timeline has been promised.
  struct Imported {
    std::shared_ptr<Generation> generation;
    std::uint64_t next_value = 1;      ///< of the next begun target
    std::uint64_t last_published = 0;  ///< highest value that some submission was promised to signal
    std::array<std::uint64_t, proto::kMaxSlots> drawn_at{};  ///< value that says so of the frame in a slot
    bool implicit_fences = false;  ///< what draws is found in the slots themselves
    /// Whether everything published with a value below @p before is done.
    bool is_done(std::uint64_t before) const;
  };
  struct Target {
    bool in_use = false;
    std::uint64_t id = 0;
    proto::SlotChooser::Choice choice{};
    std::shared_ptr<Imported> imported;
    std::uint64_t signal_value = 0;
    WaitList waits;
  };
  /// Something the GPU may still use: it goes once every target begun before its end is done.
  struct Retired {
    std::shared_ptr<void> object;
    std::uint64_t last_target;
    std::shared_ptr<Imported> last_used_with;
    std::uint64_t before;  ///< values of that generation's timeline that were promised before the end
    /// Not before this is reached, too: bury_retired().
    std::shared_ptr<platform::Timeline> timeline;
    std::uint64_t promised = 0;
  };
  struct HostFrame {
    proto::FrameRecord record;
    std::shared_ptr<Imported> imported;
  };
  /// What a consumer of another trust domain, or without a fence, may see once the GPU has finished it.
  struct UnfinishedFrame {
    std::uint64_t sequence = 0;
  };

  Producer(std::shared_ptr<Connection> connection, DevicePtr device, std::string name,
           platform::OwnedPage<proto::StreamPage> page, platform::WaitSet wait_set, platform::ChannelPair wake,
           const wire::CreateStreamT& asked);
  /// With @p described as what the device can do.
  static proto::Result<std::shared_ptr<Producer>> try_create(const std::shared_ptr<Connection>& connection,
                                                             DevicePtr device, const ferry_stream_info& info,
                                                             const ferry_own_slots* own, const wire::DeviceT& described,
                                                             std::optional<FailedWay>& failed);
  /// @p failed: the way of a first generation that could not be imported.
  proto::Result<void> start(Message created, std::optional<FailedWay>& failed);

  // mutex_ is held in all of these.
  void adopt_incoming();
  std::optional<proto::SlotChooser::Choice> choose();
  proto::Reads reads_of(std::uint32_t slot, proto::VerdictPageReader verdict,
                        std::span<std::uint64_t, proto::kMaxLeases / 64> blockers) override;
  std::int64_t look_again_ns(std::int64_t now_ns) const;
  void fill_target(const proto::SlotChooser::Choice& choice, ferry_target& out);
  Target* oldest_begun();
  Target* find_begun(std::uint64_t id);
  void make_newest(const proto::FrameRecord& record);
  /// Of sync mode sync-fd, to everybody. An invalid @p fence has signalled.
  void send_fence(const proto::FrameRecord& record, platform::UniqueFd fence);
  /// Whether somebody looks at what the page calls complete.
  bool tells_completion() const { return fenced_ || leases_.any_completed_only(); }
  void start_finishing();
  void retire(std::shared_ptr<void> object, const std::shared_ptr<Imported>& last_used_with);
  void retire(Removed lease);
  void bury_retired();
  void report_starved(std::int64_t now_ns);
  bool is_blocked() const;
  void push_event(ferry_event_type type, const std::string& reason);
  void drain(const platform::WaitSet::Ready& ready);
  void quiet_fd();
  void ring_if_waiting();

  void on_generation(wire::GenerationT info, std::vector<platform::UniqueFd>& fds, std::size_t first_fd);
  void on_lease_added(const wire::LeaseAddedT& info, std::vector<platform::UniqueFd>& fds);
  void on_lease_ended(const wire::LeaseEndedT& info);
  using FinishingQueue = CompletionQueue<UnfinishedFrame>;
  /// What to push, with mutex_ let go, so that those who are not to wait for this GPU hear when the newest frame is finished.
  struct Unfinished {
    std::shared_ptr<FinishingQueue> queue;  ///< nullptr: nothing
    FinishingQueue::Item item;
    void push() {
      if (queue) queue->push(std::move(item));
    }
  };
  Unfinished take_unfinished();
  /// What has to be pushed with mutex_ let go.
  [[nodiscard]] Unfinished take_incoming(std::unique_ptr<Generation> generation, bool implicit_fences = false);
  proto::Result<void> follow_implicit_fence(const Target& target);
  void mark_complete(std::uint64_t sequence);
  void frame_finished(const UnfinishedFrame& frame, const proto::Result<void>& reached);
  void frame_completed(HostFrame& frame, proto::Result<void> reached);
  proto::Error lose_device(const proto::Error& why);
  void adopt_sync(const Generation& generation);
  proto::Result<void> wait_for_gpu();
  void keep_what_is_drawn();

  const std::shared_ptr<Connection> connection_;
  const DevicePtr device_;
  const std::string name_;
  const wire::Transport transport_;  // what was asked for
  const wire::SyncMode sync_mode_;
  const wire::QueuePolicy policy_;
  const std::uint32_t frames_in_flight_;
  const std::uint32_t min_slots_;
  const bool own_slots_;

  std::mutex mutex_;
  platform::OwnedPage<proto::StreamPage> page_;
  proto::StreamPageWriter page_writer_;
  proto::SlotChooser chooser_;
  platform::PeerPage<proto::VerdictPage> verdict_page_;
  proto::StreamId stream_{};

  std::shared_ptr<Imported> current_;
  std::shared_ptr<Imported> incoming_;  // imported, not yet drawn into
  std::deque<Retired> retired_;
  Disposer disposer_;
  std::uint32_t announced_generation_ = 0;  // older ones were given back to the broker
  std::deque<std::shared_ptr<const KeptGeneration>> kept_;  // the others, for the next broker

  LeaseSet leases_;
  platform::WaitSet wait_set_;     // all lease channels, and wake_.consumer_end as key 0
  platform::ChannelPair wake_;     // rung by this process when a slot may be free
  std::optional<ProducerFd> fd_;   // once it was asked for

  std::array<Target, proto::kMaxFramesInFlight> targets_;
  std::uint32_t begun_ = 0;
  std::uint64_t last_target_ = 0;
  std::uint64_t next_sequence_ = 1;

  std::array<std::uint64_t, proto::kMaxLeases / 64> blockers_{};
  bool found_stuck_ = false;  // by the last choose(): a consumer's GPU stands still
  std::int64_t starved_since_ns_ = 0;  // 0: not starved
  std::int64_t reported_ns_ = 0;
  EventQueue events_;
  std::optional<proto::Error> failed_;  // device lost, or no broker takes the stream back: every further begin() says so
  bool closed_ = false;

  /// Sync mode sync-fd: of the newest frame, for a lease that is added. It stands for all frames before it, too.
  struct {
    proto::FenceMessage message;
    platform::UniqueFd fd;
  } newest_fence_;
  bool fenced_ = false;  // a generation in that mode has come

  /// Of the newest frame, sync modes timeline and sync-fd.
  std::shared_ptr<platform::Timeline> newest_timeline_;
  std::uint64_t newest_value_ = 0, newest_sequence_ = 0, announced_sequence_ = 0;
  std::uint64_t completed_sequence_ = 0;  // newest one that the page calls complete

  // These two have threads that use all of the above.
  /// Sync mode timeline, made with the first lease of another trust domain; sync-fd.
  std::shared_ptr<FinishingQueue> finishing_;
  std::unique_ptr<CompletionQueue<HostFrame>> completions_;  // sync mode host
};

}  // namespace ferry::client
