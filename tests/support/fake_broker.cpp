#include "tests/support/fake_broker.h"

#include <stdexcept>

namespace ferry::test {
namespace {

template <class T>
T value_of(proto::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

}  // namespace

FakeBroker::FakeBroker(const std::string& socket_path, Answer answer)
    : listener_(value_of(platform::Listener::bind(socket_path))),
      stop_(value_of(platform::create_channel())),
      answer_(std::move(answer)),
      thread_([this] { serve(); }) {}

FakeBroker::~FakeBroker() {
  platform::ring_channel(stop_.producer_end);
  thread_.join();
}

void FakeBroker::serve() {
  constexpr std::int64_t kNoDeadline = -1;
  for (;;) {
    const auto ready = platform::wait_readable(listener_.fd(), stop_.consumer_end, kNoDeadline);
    if (!ready || ready->other) return;
    auto client = listener_.accept();
    if (!client) continue;
    for (bool more = true; more;) {
      const auto question = platform::wait_readable(*client, stop_.consumer_end, kNoDeadline);
      if (!question || question->other) return;
      more = serve_one(*client);
    }
  }
}

bool FakeBroker::serve_one(const platform::UniqueFd& client) {
  const auto packet = platform::receive_packet(client);
  if (!packet || packet->bytes.empty()) return false;
  const auto question = proto::decode(packet->bytes);
  if (!question) return false;
  wire::BodyUnion body = answer_(**question);
  if (body.type == wire::Body::NONE) return false;
  const auto bytes = proto::encode((*question)->request, std::move(body));
  return platform::send_packet(client, bytes, {}).ok();
}

}  // namespace ferry::test
