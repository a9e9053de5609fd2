#pragma once
// A process-less broker that answers what a test wants: for everything that a real one would never say.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "platform/listener.h"
#include "platform/message_socket.h"
#include "proto/codec.h"

namespace ferry::test {

class FakeBroker {
 public:
  /// What to send back for a message; an empty body sends nothing, and closes the connection.
  using Answer = std::function<wire::BodyUnion(const proto::Envelope& question)>;

  FakeBroker(const std::string& socket_path, Answer answer);
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

 private:
  void serve();
  bool serve_one(const platform::UniqueFd& client);

  platform::Listener listener_;
  platform::ChannelPair stop_;
  Answer answer_;
  std::thread thread_;
};

}  // namespace ferry::test
