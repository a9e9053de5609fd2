#pragma once
// A client that follows no rule: any message in any state, with any descriptors.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/shared_page.h"
#include "platform/unique_fd.h"
#include "proto/codec.h"
#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"

namespace ferry::test {

/// How far the hostile client behaves before it does not.
enum class Stage : std::uint8_t {
  kSilent,
  kGreeted,
  kProducing,
  kAttached,
  kWaiting,   ///< for a stream that nobody makes
  kOrphaned,  ///< attached to a stream whose producer has died
  kEvicted,   ///< attached, and then sent away
  kHalfClosed  ///< hangs up its sending side behind what it says
};
inline constexpr std::array kStages{Stage::kSilent,  Stage::kGreeted,  Stage::kProducing, Stage::kAttached,
                                    Stage::kWaiting, Stage::kOrphaned, Stage::kEvicted,   Stage::kHalfClosed};

/// What it sends where a page belongs.
enum class FdKind : std::uint8_t { kStreamPage, kLeasePage, kUnsealed, kTruncated, kDevNull, kSocket, kFolder };
inline constexpr std::array kFdKinds{FdKind::kStreamPage, FdKind::kLeasePage, FdKind::kUnsealed, FdKind::kTruncated,
                                     FdKind::kDevNull,    FdKind::kSocket,    FdKind::kFolder};

/// What the broker makes of a message.
enum class Outcome : std::uint8_t { kAnswered, kEnded, kNothing };

/// As many descriptors as the message says it has.
inline constexpr std::size_t kAsManyAsBelong = ~std::size_t{0};

class HostileClient {
 public:
  /// @p victim: the stream it attaches to; its producer dies, or has it evicted, by the caller's doing. Throws when the
  /// broker refuses what is no offence yet.
  HostileClient(const std::string& socket, Stage stage, const std::string& victim);

  /// False when the broker has ended the session: nothing was sent.
  bool say(std::span<const std::byte> bytes, std::span<const int> fds = {});
  bool say(wire::BodyUnion body, std::size_t fd_count, FdKind kind);
  /// The next message; nothing when none comes in time or the session is over.
  std::optional<wire::Body> hear(int timeout_ms = 10'000);

  /// What became of the message that was said last: its answer or the end of the session, whichever is first; the end alone
  /// if that @p must_end. Nothing after ten seconds.
  Outcome outcome(bool must_end);

  /// False when it is not among the next messages.
  bool hears(wire::Body type);

  proto::StreamPage& stream_page() { return stream_page_.page(); }
  proto::LeasePage& lease_page() { return lease_page_.page(); }
  std::uint64_t stream() const { return stream_; }
  /// Of the consumer that joined last; 0: nobody.
  proto::LeaseId last_lease() const { return last_lease_; }
  /// The newest that it was told of.
  std::uint32_t generation() const { return generation_; }
  const platform::UniqueFd& socket() const { return socket_; }
  /// As good a request as there is, for streams named @p name.
  wire::CreateStreamT create_request(const std::string& name) const;
  wire::AttachT attach_request(const std::string& name) const;
  platform::UniqueFd descriptor(FdKind kind) const;

 private:
  std::unique_ptr<proto::Envelope> take(int timeout_ms, bool& ended);

  platform::UniqueFd socket_;
  Stage stage_;
  platform::OwnedPage<proto::StreamPage> stream_page_;
  platform::OwnedPage<proto::LeasePage> lease_page_;
  std::unique_ptr<wire::DeviceT> device_;
  std::uint64_t last_request_ = 0, stream_ = 0;
  std::uint32_t generation_ = 0;
  proto::LeaseId last_lease_{};
  std::vector<platform::UniqueFd> kept_;  ///< what it was given
};

/// A message of every type, with fields as a hostile peer would have them.
std::vector<wire::BodyUnion> every_message(const HostileClient& client, const std::string& victim);

}  // namespace ferry::test
