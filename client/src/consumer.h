#pragma once
// ferry_consumer: acquire, release, and what goes on beside it.
//
// Threads: the application's (one at a time), the connection's control thread (generations, events), in sync modes host and
// sync-fd the completion queue's, which gives slots back, and in timeline one that waits for stuck work. One mutex guards what
// they share; none holds it while it waits.

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/src/completion_queue.h"
#include "client/src/connection.h"
#include "client/src/disposer.h"
#include "client/src/event_queue.h"
#include "client/src/fence_inbox.h"
#include "client/src/generation.h"
#include "client/src/unfinished_work.h"
#include "client/src/wait.h"
#include "ferry/ferry.h"
#include "platform/message_socket.h"
#include "platform/shared_page.h"
#include "platform/wait_set.h"
#include "proto/frame_taker.h"
#include "proto/pages/verdict_page.h"

namespace ferry::client {

class Consumer final : public Recipient {
 public:
  static proto::Result<std::shared_ptr<Consumer>> attach(std::shared_ptr<Connection> connection, DevicePtr device,
                                                         const ferry_attach_info& info);
  ~Consumer() override;

  proto::Result<Wait> acquire(std::int64_t timeout_ns, ferry_frame& out);
  proto::Result<void> release(std::uint64_t sequence, std::uint32_t flags);
  /// The dma-buf of a held frame: @p out's descriptor is the caller's.
  proto::Result<void> export_frame(std::uint64_t sequence, std::uint32_t flags, ferry_dma_buf& out);
  /// The held frame's signal value, moved behind all that have been given out.
  proto::Result<std::uint64_t> renew_signal(std::uint64_t sequence);
  int get_fd();
  /// False: no event.
  bool next_event(ferry_event& out);
  void get_state(ferry_stream_state& out);
  /// Ends the lease. kTimeout when submitted work did not end in time: the images are then left to the driver.
  proto::Result<void> close();

  void on_message(Message message) override;
  void on_disconnected() override;
  void on_reconnected() override;
  void on_claim_answered(proto::Result<Message> answer) override;

 private:
  struct StreamPageKept {
    platform::PeerPage<proto::StreamPage> mapping;
    platform::UniqueFd fd;  ///< for the next broker
    const proto::StreamPage& page() const { return mapping.page(); }
  };
  using StreamPagePtr = std::shared_ptr<const StreamPageKept>;
  using VerdictPagePtr = std::shared_ptr<const platform::PeerPage<proto::VerdictPage>>;

  struct Imported {
    std::shared_ptr<Generation> generation;
    std::uint32_t held = 0;         ///< frames the application holds
    std::uint64_t last_signal = 0;  ///< highest release value that reading its images was promised to signal
    std::uint64_t reached = 0;      ///< of the stream's timeline, when it was last looked at
    std::uint64_t fenced = 0;       ///< sync mode sync-fd: of its own timeline, what imported fences are going to signal
  };
  struct Held {
    std::uint64_t sequence = 0;  ///< 0: entry free
    proto::GenerationId generation{};
    std::uint32_t slot = 0;
    std::uint64_t wait_value = 0;
    std::uint64_t signal_value = 0;
    bool exported = false;
  };
  struct HostRelease {
    proto::GenerationId generation{};
    std::uint32_t slot = 0;
  };

  Consumer(std::shared_ptr<Connection> connection, DevicePtr device, std::string name, proto::ConsumerMode mode,
           std::uint32_t max_holds, std::uint32_t queue_depth, platform::OwnedPage<proto::LeasePage> page,
           platform::WaitSet wait_set, platform::ChannelPair wake);
  /// With @p described as what the device can do.
  static proto::Result<std::shared_ptr<Consumer>> try_attach(const std::shared_ptr<Connection>& connection,
                                                             DevicePtr device, const ferry_attach_info& info,
                                                             const wire::DeviceT& described,
                                                             std::optional<FailedWay>& failed);
  /// @p failed: the way of a first generation that could not be imported.
  proto::Result<void> start(Message attached, std::optional<FailedWay>& failed);

  /// Transport host-memory: the pixels of a frame that is held, into the application's image. Without mutex_. A frame
  /// whose pixels do not come is let go.
  proto::Result<void> fetch_pixels(const Generation& generation, const ferry_frame& frame);
  /// Sync mode sync-fd: a point for the application to wait for, which @p fence signals. Without mutex_, as above.
  proto::Result<void> import_fence(platform::UniqueFd fence, ferry_frame& frame);
  /// Who reads @p dma_buf by its own fences waits for @p value of @p generation's timeline. Without mutex_.
  proto::Result<void> announce_work(const Generation& generation, std::uint64_t value, const platform::UniqueFd& dma_buf);

  // mutex_ is held in all of these.
  /// Whether an imported fence has been pending for longer than any GPU's work should take.
  bool waits_in_vain();
  /// Leaves out frames whose work is stuck or dead, where the frames of this stream are waited for on the GPU.
  void bound_what_is_taken();
  /// In sync mode sync-fd with the fences that have come meanwhile.
  proto::FrameTaker::Outcome try_take(proto::FrameTaker::Taken& out);
  /// Whether a GPU may be made to wait for @p acquire_point: a stranger's number (platform::kMaxTimelineJump).
  bool can_come(Imported& imported, std::uint64_t acquire_point);
  void fill_frame(const proto::FrameTaker::Taken& taken, ferry_frame& out);
  proto::Error not_held(std::uint64_t sequence) const;
  std::optional<proto::Error> ended() const;
  void lose_device(const proto::Error& why);
  Held* find_held(std::uint64_t sequence);
  Imported* find_imported(proto::GenerationId g);
  void drop_old_generations();
  void add_generation(std::unique_ptr<Generation> generation);
  void adopt_sync(const Generation& generation);
  void let_go(proto::GenerationId g, std::uint32_t slot, std::uint64_t release_point);
  void wake_application();
  void drain_fd();
  void arm_fd();
  void ring_fd();
  void keep_what_is_read();
  bool is_alive() const;
  void ring_waiting_producer();

  /// Frees everything on the lease page: without a broker nobody else does.
  void leave_page();
  void on_generation(const wire::GenerationT& info, std::vector<platform::UniqueFd>& fds, std::size_t first_fd);
  void on_producer_changed(const wire::ProducerChangedT& info, std::vector<platform::UniqueFd>& fds);
  void on_state(const wire::StreamStateChangedT& info);
  void on_ended(const wire::LeaseEndedT& info);
  void change_state(wire::StreamState state, const std::string& message);
  /// Of an orphan, the frames that its producer's GPU never finished.
  void leave_out_what_died();

  const std::shared_ptr<Connection> connection_;
  const DevicePtr device_;
  const std::string name_;
  const proto::ConsumerMode mode_;
  const std::uint32_t max_holds_;
  const std::uint32_t queue_depth_;

  std::mutex mutex_;
  platform::OwnedPage<proto::LeasePage> page_;
  proto::LeasePageWriter page_writer_;
  VerdictPagePtr verdict_page_;  // the broker's: another one with another broker
  StreamPagePtr stream_page_;
  platform::UniqueFd channel_;  // to the producer
  proto::StreamId stream_{};
  proto::LeaseId lease_{};
  proto::QueuePolicy policy_{};
  bool completed_only_ = false;
  bool has_fence_channel_ = false;  // as the broker knows it
  bool fenced_ = false;             // frames of this producer's are taken with a fence, or complete
  FenceInbox inbox_;
  /// The first imported fence that has not signalled, as far as is known.
  struct {
    std::shared_ptr<platform::Timeline> timeline;  // null: there is none
    std::uint64_t value = 0;
    std::int64_t since_ns = 0;
  } awaited_;
  std::uint32_t lease_index_ = 0;

  std::optional<proto::FrameTaker> taker_;
  std::vector<Imported> generations_;
  Disposer disposer_;
  std::shared_ptr<platform::Timeline> release_timeline_;
  std::shared_ptr<const platform::UniqueFd> release_timeline_fd_;  // for the next broker; null in sync modes host and sync-fd
  std::uint64_t next_signal_ = 1;
  std::uint64_t last_promised_ = 0;
  std::array<Held, proto::kMaxHolds> held_{};
  std::uint32_t held_count_ = 0;
  std::uint64_t skipped_ = 0;
  bool first_frame_ = true;

  EventQueue events_;
  std::optional<proto::Error> evicted_;  // or its own device is lost
  std::int64_t reason_due_ns_ = 0;       // until when acquire() waits for the reason of an end that the page has told
  bool orphaned_ = false;
  bool stream_closed_ = false;
  bool closed_ = false;

  proto::AtomicU32 wake_word_{0};      // futex word of this process alone: the control thread has something new
  platform::WaitSet wait_set_;         // what get_fd() gives away: channel_ and wake_
  platform::ChannelPair wake_;         // the control thread's way into wait_set_
  bool fd_wanted_ = false;
  bool fd_rung_ = false;               // wake_ was rung and not drained
  bool fd_waits_for_release_ = false;  // max_holds was reached: not readable until a frame is released
  std::uint64_t arm_ticket_ = 0;

  // Last: their threads use all of the above.
  UnfinishedWork unfinished_;                                  // sync mode timeline
  std::unique_ptr<CompletionQueue<HostRelease>> completions_;  // sync modes host and sync-fd
};

}  // namespace ferry::client
